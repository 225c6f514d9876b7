"use strict";
// Whatever a person, a model or the endpoint says becomes text, never mark-up: nodes are made here, strings are appended.
(() => {
  const KEY = "lifecycle.key";
  const part = (id) => document.getElementById(id);
  let histories = {};
  let running = null;
  let named = 0;

  function element(tag, attributes, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }

  function headers(more = {}) {
    const key = sessionStorage.getItem(KEY);
    return key ? { ...more, authorization: `Bearer ${key}` } : more;
  }

  function post(address, content, signal) {
    const sent = headers({ "content-type": "application/json" });
    return fetch(address, { method: "POST", headers: sent, body: JSON.stringify(content), signal });
  }

  async function problemOf(response) {
    try {
      return (await response.json()).error.message;
    } catch {
      return `The endpoint replied ${response.status} ${response.statusText}`;
    }
  }

  async function models(signal) {
    const response = await fetch("v1/models", { headers: headers(), signal });
    part("door").hidden = response.status !== 401;
    part("forget").hidden = !sessionStorage.getItem(KEY);
    if (!response.ok) throw new Error(await problemOf(response));
    const ids = (await response.json()).data.map((model) => model.id);
    offer(ids.filter((id) => !id.includes("@")));
    return ids;
  }

  function offer(apps) {
    const list = part("apps");
    const before = list.value;
    list.replaceChildren(...apps.map((app) => element("option", { value: app }, app)));
    if (apps.includes(before)) list.value = before;
    part("choice").hidden = apps.length < 2;
    part("name").textContent = list.value || "the application";
    document.title = `Chat · ${list.value}`;
  }

  // The candidate stands beside the champion only while one is on trial: then both are named, else whoever is routed to.
  function columnsOf(app, ids) {
    const candidate = `${app}@candidate`;
    if (!ids.includes(candidate)) {
      delete histories.candidate;
      return [{ role: "champion", title: "Answer", model: app }];
    }
    const champion = ids.includes(`${app}@champion`) ? `${app}@champion` : app;
    return [
      { role: "champion", title: "Champion", model: champion },
      { role: "candidate", title: "Candidate on trial", model: candidate },
    ];
  }

  function historyOf(role) {
    histories.champion ??= [];
    histories[role] ??= [...histories.champion];
    return histories[role];
  }

  async function* events(body) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) throw new Error("The answer broke off.");
        const blocks = (rest + value).replaceAll("\r\n", "\n").split("\n\n");
        rest = blocks.pop();
        for (const line of blocks.flatMap((block) => block.split("\n"))) {
          if (!line.startsWith("data:")) continue;
          const data = line.slice(5).trim();
          if (data === "[DONE]") return;
          yield JSON.parse(data);
        }
      }
    } finally {
      reader.cancel().catch(() => {});
    }
  }

  async function* pieces(response) {
    if (!(response.headers.get("content-type") ?? "").startsWith("text/event-stream")) {
      const whole = await response.json();
      yield { text: whole.choices[0].message.content ?? "", usage: whole.usage };
      return;
    }
    for await (const event of events(response.body)) {
      if (event.error) throw new Error(event.error.message);
      yield { text: event.choices[0]?.delta?.content ?? "", usage: event.usage };
    }
  }

  async function answer({ title, model }, history, question, place, signal) {
    const text = element("div", { class: "text" });
    const facts = element("p", { class: "facts soft" });
    const article = element("article", { "aria-label": title, "aria-busy": "true" }, element("h3", {}, title), text, facts);
    place.append(article);
    article.scrollIntoView({ block: "nearest" });
    const asked = { role: "user", content: question };
    const content = { model, messages: [...history, asked], stream: true, stream_options: { include_usage: true } };
    const began = performance.now();
    let said = "";
    let usage = null;
    try {
      const response = await post("v1/chat/completions", content, signal);
      if (!response.ok) throw new Error(await problemOf(response));
      const request = response.headers.get("x-lifecycle-request");
      const candidate = response.headers.get("x-lifecycle-candidate");
      for await (const piece of pieces(response)) {
        said += piece.text;
        text.append(piece.text);
        usage = piece.usage ?? usage;
      }
      const seconds = (performance.now() - began) / 1000;
      history.push(asked, { role: "assistant", content: said });
      facts.textContent = await factsOf(request, { candidate, usage, seconds });
      article.append(...voting(request));
      return `${title}: ${said}`;
    } catch (error) {
      const why = signal.aborted ? "Stopped." : error.message;
      article.append(element("p", { class: "failed" }, why));
      return `${title}: ${why}`;
    } finally {
      article.setAttribute("aria-busy", "false");
    }
  }

  // The record knows more than the reply: version, passages, price. Where it has nothing, what was seen here is shown.
  async function factsOf(request, seen) {
    const response = await fetch(`v1/requests/${encodeURIComponent(request)}`, { headers: headers() }).catch(() => null);
    const kept = response?.ok ? await response.json() : {};
    const usage = kept.usage ?? seen.usage;
    const passages = (kept.passages ?? []).join(", ");
    return [
      `candidate ${(kept.candidate ?? seen.candidate ?? "?").slice(0, 8)}`,
      kept.version ? `version ${kept.version}` : "",
      usage ? `${usage.prompt_tokens} tokens read, ${usage.completion_tokens} written` : "",
      `${(kept.seconds ?? seen.seconds).toFixed(2)} s`,
      kept.price ? `$${kept.price.toPrecision(2)}` : "",
      passages ? `passages ${passages}` : "",
    ].filter(Boolean).join(" · ");
  }

  function voting(request) {
    named += 1;
    const id = `comment-${named}`;
    const comment = element("textarea", { id, rows: "2", maxlength: "4000" });
    const form = element("form", { class: "comment" }, element("label", { for: id }, "Comment"), comment,
      element("button", {}, "Send comment"));
    const told = element("p", { class: "soft", role: "status" });
    const up = element("button", { type: "button", "aria-pressed": "false" }, "↑ Good answer");
    const down = element("button", { type: "button", "aria-pressed": "false" }, "↓ Bad answer");
    const group = element("div", { class: "votes", role: "group", "aria-label": "What do you say of this answer?" }, up, down);
    form.hidden = true;

    async function vote(good) {
      told.textContent = "";
      try {
        const response = await post("v1/feedback", { request, good, comment: comment.value.trim() });
        if (!response.ok) throw new Error(await problemOf(response));
        up.setAttribute("aria-pressed", String(good));
        down.setAttribute("aria-pressed", String(!good));
        form.hidden = false;
        told.textContent = comment.value.trim() ? "Vote and comment kept." : "Vote kept. A comment may be added.";
      } catch (error) {
        told.textContent = error.message;
      }
    }

    up.addEventListener("click", () => vote(true));
    down.addEventListener("click", () => vote(false));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      vote(up.getAttribute("aria-pressed") === "true");
    });
    return [group, form, told];
  }

  async function ask(question) {
    const { signal } = (running = new AbortController());
    part("problem").textContent = part("status").textContent = "";
    part("send").disabled = true;
    part("stop").hidden = false;
    try {
      const columns = columnsOf(part("apps").value, await models(signal));
      part("question").value = "";
      const answers = element("div", { class: "answers" });
      part("conversation").append(element("section", { "aria-label": "Question" }, element("h2", {}, question), answers));
      const told = columns.map((column) => answer(column, historyOf(column.role), question, answers, signal));
      const said = await Promise.all(told);
      if (!signal.aborted) part("status").textContent = said.join("\n");
    } catch (error) {
      if (!signal.aborted) part("problem").textContent = error.message;
    } finally {
      if (running.signal === signal) {
        running = null;
        part("send").disabled = false;
        part("stop").hidden = true;
        part("question").focus();
      }
    }
  }

  function begin() {
    running?.abort();
    histories = {};
    part("conversation").replaceChildren();
    part("problem").textContent = "";
    part("status").textContent = "New conversation";
    part("question").focus();
  }

  async function enter() {
    part("problem").textContent = "";
    try {
      await models();
      part("question").focus();
    } catch (error) {
      part("problem").textContent = error.message;
      if (!part("door").hidden) part("key").focus();
    }
  }

  part("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    const question = part("question").value.trim();
    if (question && running === null) ask(question);
  });
  part("question").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    part("ask").requestSubmit();
  });
  part("door").addEventListener("submit", (event) => {
    event.preventDefault();
    sessionStorage.setItem(KEY, part("key").value.trim());
    part("key").value = "";
    enter();
  });
  part("forget").addEventListener("click", () => {
    sessionStorage.removeItem(KEY);
    begin();
    enter();
  });
  part("new").addEventListener("click", begin);
  part("stop").addEventListener("click", () => running?.abort());
  part("apps").addEventListener("change", () => {
    begin();
    part("name").textContent = part("apps").value;
  });
  enter();
})();
