"""The chat page in a real browser: asked, streamed, voted on, by mouse and by keys; what is said there stays text."""

import importlib.util
import json
import sqlite3
from pathlib import Path

import pytest
from playwright.sync_api import expect

from configs.settings import settings
from infra.simulator.behaviour import Behaviour, Fault
from infra.simulator.running import simulated
from tasks.serving.keys import KeyLimits, key_ring

_spec = importlib.util.spec_from_file_location(
    "served_shop", Path(__file__).parents[1] / "tasks" / "serving" / "conftest.py"
)
_serving = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_serving)

# The shop of the serving tests: a real endpoint over a simulated model, which says what it is told.
make_shop, shop, open_shop = _serving.make_shop, _serving.shop, _serving.open_shop

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script> &lt;b&gt;"


@pytest.fixture(scope="module")
def upstream():
    """The model: told FAIL it fails, told BREAK it breaks off, told HANG it never answers."""
    kinds = {"FAIL": "server_error", "BREAK": "torn", "HANG": "hang"}
    faults = tuple(Fault(kind=kind, contains=word) for word, kind in kinds.items())
    with simulated(Behaviour(faults=faults, per_token_s=0.002)) as address:
        yield address


@pytest.fixture
def chat(page, open_shop):
    """The page, open; whatever its policy or its script complains of is a failure."""
    open_shop.entry = open_shop.release("guide").entry
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if "Polic" in said.text else None)
    page.goto(f"http://127.0.0.1:{open_shop.port}/chat")
    expect(page.get_by_role("heading", name="Ask shop")).to_be_visible()
    yield page
    assert complaints == []


def ask(chat, question):
    """Asks, and returns the newest answer once it is whole."""
    before = chat.get_by_role("article").count()
    chat.get_by_label("Your question").fill(question)
    chat.get_by_label("Your question").press("Enter")
    newest = chat.get_by_role("article").nth(before)
    expect(newest).to_have_attribute("aria-busy", "false")
    expect(chat.get_by_role("button", name="Send", exact=True)).to_be_enabled()
    return newest


def votes():
    with sqlite3.connect(settings().folder("served") / "shop.db") as database:
        return database.execute("SELECT request, good, comment FROM feedback").fetchall()


def test_an_answer_comes_in_pieces_and_says_who_gave_it(chat, open_shop):
    answer = ask(chat, "Is the tent waterproof?")
    text = answer.locator(".text")
    expect(text).to_have_text("guide: Is the tent waterproof?")
    assert text.evaluate("each => each.childNodes.length") > 3, "it was streamed"
    facts = answer.locator(".facts")
    expect(facts).to_contain_text(f"candidate {open_shop.entry.candidate[:8]} · version 1 · ")
    usage = open_shop.served[-1].answer.usage
    expect(facts).to_contain_text(f"{usage.input} tokens read, {usage.output} written")
    expect(chat.get_by_role("status").filter(has_text="Answer: guide: Is the tent")).to_have_count(1)


def test_a_vote_and_its_comment_are_kept(chat, open_shop):
    answer = ask(chat, "Is it waterproof?")
    expect(answer.get_by_label("Comment")).to_be_hidden()
    answer.get_by_role("button", name="Bad answer").click()
    expect(answer.get_by_role("status")).to_have_text("Vote kept. A comment may be added.")
    expect(answer.get_by_role("button", name="Bad answer")).to_have_attribute("aria-pressed", "true")
    answer.get_by_label("Comment").fill("틀렸어요: that was last year.")
    answer.get_by_role("button", name="Send comment").click()
    expect(answer.get_by_role("status")).to_have_text("Vote and comment kept.")
    assert votes() == [(open_shop.served[-1].id, 0, "틀렸어요: that was last year.")]

    answer.get_by_role("button", name="Good answer").click()
    expect(answer.get_by_role("button", name="Bad answer")).to_have_attribute("aria-pressed", "false")
    assert [good for _, good, _ in votes()] == [1]


def test_what_a_person_and_a_model_say_is_text(chat):
    answer = ask(chat, HOSTILE)
    expect(answer.locator(".text")).to_have_text(f"guide: {HOSTILE}")
    expect(chat.get_by_role("heading", level=2)).to_have_text(HOSTILE)
    assert chat.locator("main img, main script, main b").count() == 0
    assert chat.title() == "Chat · shop"


def test_a_name_of_an_application_and_an_error_are_text_too(chat):
    def named(route):
        route.fulfill(json={"object": "list", "data": [{"id": HOSTILE}, {"id": "shop"}]})

    chat.route("**/v1/models", named)
    chat.reload()
    expect(chat.locator("#name")).to_have_text(HOSTILE)
    answer = ask(chat, "hi")
    expect(answer.locator(".failed")).to_contain_text("no model")
    expect(answer.locator(".failed")).to_contain_text("<img src=x")
    assert chat.locator("img").count() == 0


def test_a_conversation_goes_on_until_a_new_one_begins(chat, open_shop):
    ask(chat, "A tent?")
    ask(chat, "Which one?")
    said = [message.content for message in open_shop.served[-1].messages]
    assert said == ["A tent?", "guide: A tent?", "Which one?"]
    chat.get_by_role("button", name="New conversation").click()
    expect(chat.get_by_role("article")).to_have_count(0)
    expect(chat.get_by_label("Your question")).to_be_focused()
    ask(chat, "A stove?")
    assert [message.content for message in open_shop.served[-1].messages] == ["A stove?"]


def test_a_failure_is_said_and_forgotten(chat, open_shop):
    failed = ask(chat, "FAIL")
    expect(failed.locator(".failed")).to_contain_text("the application could not answer: its model failed")
    expect(failed.get_by_role("button")).to_have_count(0)
    torn = ask(chat, "BREAK off in the middle of this")
    expect(torn.locator(".text")).to_contain_text("guide:")
    expect(torn.locator(".failed")).to_contain_text("the application could not answer")
    ask(chat, "And now?")
    assert [message.content for message in open_shop.served[-1].messages] == ["And now?"]


def test_an_answer_is_stopped(chat, open_shop):
    chat.get_by_label("Your question").fill("HANG")
    chat.get_by_role("button", name="Send", exact=True).click()
    expect(chat.get_by_role("article")).to_have_attribute("aria-busy", "true")
    chat.get_by_role("button", name="Stop").click()
    expect(chat.locator(".failed")).to_have_text("Stopped.")
    expect(chat.get_by_label("Your question")).to_be_focused()
    open_shop.wait_until(lambda: open_shop.served[-1].answer.outcome == "skipped")


def test_a_candidate_on_trial_answers_beside_the_champion(chat, open_shop):
    asked = []

    def listed(route):
        ids = ("shop", "shop@champion", "shop@candidate")
        route.fulfill(json={"object": "list", "data": [{"id": name, "object": "model"} for name in ids]})

    def answered(route):
        content = json.loads(route.request.post_data)
        asked.append((content["model"], [message["content"] for message in content["messages"]]))
        if content["model"].endswith("@candidate"):
            content["messages"][-1]["content"] += " (new)"
        route.continue_(post_data=json.dumps(content | {"model": "shop"}))

    ask(chat, "First?")
    chat.route("**/v1/models", listed)
    chat.route("**/v1/chat/completions", answered)
    ask(chat, "Second?")
    champion, candidate = chat.get_by_role("article", name="Champion"), chat.get_by_role("article", name="Candidate")
    expect(champion.locator(".text")).to_have_text("guide: Second?")
    expect(candidate.locator(".text")).to_have_text("guide: Second? (new)")
    expect(candidate).to_have_attribute("aria-busy", "false")
    so_far = ["First?", "guide: First?", "Second?"]
    assert sorted(asked) == [("shop@candidate", so_far), ("shop@champion", so_far)]

    candidate.get_by_role("button", name="Good answer").click()
    expect(candidate.get_by_role("status")).to_contain_text("Vote kept")
    champion.get_by_role("button", name="Bad answer").click()
    expect(champion.get_by_role("status")).to_contain_text("Vote kept")
    by_text = {each.id: each.answer.text for each in open_shop.served}
    assert {by_text[request]: good for request, good, _ in votes()} == {
        "guide: Second? (new)": 1,
        "guide: Second?": 0,
    }

    chat.unroute("**/v1/models")
    chat.unroute("**/v1/chat/completions")
    ask(chat, "Third?")
    expect(chat.get_by_role("article")).to_have_count(4)


def test_keys_alone_do_all_of_it(chat):
    expect(chat.get_by_label("Your question")).to_be_focused()
    chat.keyboard.type("One line")
    chat.keyboard.press("Shift+Enter")
    chat.keyboard.type("and another")
    chat.keyboard.press("Enter")
    answer = chat.get_by_role("article")
    expect(answer).to_have_attribute("aria-busy", "false")
    expect(answer.locator(".text")).to_have_text("guide: One line\nand another", use_inner_text=True)
    expect(chat.get_by_label("Your question")).to_be_focused()
    chat.keyboard.press("Shift+Tab")
    expect(answer.get_by_role("button", name="Bad answer")).to_be_focused()
    chat.keyboard.press("Space")
    expect(answer.get_by_label("Comment")).to_be_visible()
    chat.keyboard.press("Tab")
    chat.keyboard.type("No.")
    chat.keyboard.press("Tab")
    chat.keyboard.press("Enter")
    expect(answer.get_by_role("status")).to_have_text("Vote and comment kept.")
    assert [(good, comment) for _, good, comment in votes()] == [(0, "No.")]


def test_a_key_is_asked_for_where_one_is_needed_and_kept_in_the_tab_alone(chat, open_shop):
    secret = key_ring().add("minji", KeyLimits())
    chat.reload()
    expect(chat.get_by_label("API key")).to_be_focused()
    expect(chat.get_by_role("alert")).to_contain_text("wrong or missing key")
    chat.keyboard.type(secret)
    chat.keyboard.press("Enter")
    expect(chat.get_by_label("API key")).to_be_hidden()
    answer = ask(chat, "hi")
    expect(answer.locator(".facts")).to_contain_text("version 1")
    answer.get_by_role("button", name="Good answer").click()
    expect(answer.get_by_role("status")).to_contain_text("Vote kept")
    assert open_shop.served[-1].key == secret[:9]
    kept = chat.evaluate("[Object.values(sessionStorage), JSON.stringify(localStorage), document.cookie]")
    assert kept[0] == [secret]
    assert secret not in kept[1] + kept[2] + chat.content()
    chat.get_by_role("button", name="Forget key").click()
    expect(chat.get_by_label("API key")).to_be_visible()
    assert chat.evaluate("sessionStorage.length") == 0


LUMINANCE = """
    (selector) => {
        const rgb = (text) => text.match(/[0-9.]+/g).map(Number);
        const light = ([r, g, b]) => [r, g, b].map((part) => part / 255)
            .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
            .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
        const found = document.querySelector(selector);
        let behind = found;
        while (rgb(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
        const one = light(rgb(getComputedStyle(found).color));
        const other = light(rgb(getComputedStyle(behind).backgroundColor));
        return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    }
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_its_text_can_be_read_in_the_light_and_in_the_dark(chat, scheme):
    chat.emulate_media(color_scheme=scheme)
    ask(chat, "FAIL")
    ask(chat, "hi")
    for selector in ("h1", "h2", ".text", ".facts", ".failed", "#hint", "#send", "#new", ".votes button"):
        assert chat.evaluate(LUMINANCE, selector) >= 4.5, selector


def test_everything_has_a_name_and_a_place(chat):
    answer = ask(chat, "hi")
    answer.get_by_role("button", name="Good answer").click()
    expect(answer.get_by_label("Comment")).to_be_visible()
    assert chat.locator("html").get_attribute("lang") == "en"
    assert (chat.get_by_role("main").count(), chat.get_by_role("heading", level=1).count()) == (1, 1)
    for control in chat.locator("button, textarea, input, select").all():
        described = control.evaluate("each => each.labels?.length ? each.labels[0].textContent : each.textContent")
        assert described.strip(), control.evaluate("each => each.outerHTML")
    ids = chat.locator("[id]").evaluate_all("found => found.map((each) => each.id)")
    assert len(ids) == len(set(ids))
    named = chat.locator("[for], [aria-describedby]").evaluate_all(
        "found => found.map((each) => each.getAttribute('for') ?? each.getAttribute('aria-describedby'))"
    )
    assert set(named) <= set(ids)
    assert chat.locator("[tabindex]").count() == 0, "the order of the page is the order of the keys"
    chat.set_viewport_size({"width": 320, "height": 640})
    assert chat.evaluate("document.documentElement.scrollWidth") <= 320
