"""Four ways of sorting messages into intents: three with the embedded model, and one with hardly any model at all."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.augment.embedded_base import embedded_base, serving
from benchmarks.augment.embedded_minilm import embeddings
from benchmarks.augment.intents import Intents, Query
from configs.schema.finetune import Finetune
from infra.stack.weights import chat_weights
from tasks.candidate import Example, Prompt, TemplateMessage
from tasks.data.row import Message
from tasks.prompting.render import render
from tasks.tuning.adapters import GGUF
from tasks.tuning.example import TrainingExample
from tasks.tuning.making import Told, Work, make_adapter

_ANSWER_TOKENS = 32
"""At most; the longest label has 17."""
_AT_ONCE = 4

_ASKED = TemplateMessage(role="user", template="{{ question }}")
_LISTED = TemplateMessage(
    role="system",
    template="Sort the customer's message into one of these intents. Answer with the intent alone, written as here.\n"
    "{% for label in labels %}{{ label }}\n{% endfor %}",
)
_UNLISTED = TemplateMessage(role="system", template="Name the intent.")
_LISTING = Prompt(name="listing", messages=(_LISTED, _ASKED))
_BRIEF = Prompt(name="brief", messages=(_UNLISTED, _ASKED))
"""Of the tuned model: what weights have learnt need not be said."""


class Sorted(NamedTuple):
    """What one way makes of the unseen messages.

    Attributes:
        given: its answer to each, blanks around it taken away.
        learning_s: seconds that it took before the first message could be sorted.
        sorting_s: seconds that it took for all of them.
        facts: of a training, as an adapter's card has them.
    """

    given: tuple[str, ...]
    learning_s: float
    sorting_s: float
    facts: Mapping[str, float] = {}


def zero_shot(intents: Intents) -> Sorted:
    """Asks the model as it is; the prompt lists the labels."""
    return _served(intents, _LISTING, ())


def few_shot(intents: Intents) -> Sorted:
    """Asks the model as it is, after the first training message of each intent with its label."""
    first = {query.label: query for query in reversed(intents.train)}
    shown = [
        Example(
            row_id=label, columns={"question": first[label].text, "labels": intents.labels}, documents=(), answer=label
        )
        for label in intents.labels
    ]
    return _served(intents, _LISTING, shown)


def fine_tuned(intents: Intents, settings: Finetune, folder: Path) -> Sorted:
    """Fits an adapter to the training messages as `finetune` does, and asks the served model.

    Args:
        intents: the task.
        settings: of the training, which holds out a share of the training messages.
        folder: an empty one.
    """
    examples = tuple(
        TrainingExample(f"t{at}", _messages(_BRIEF, query, intents), query.label)
        for at, query in enumerate(intents.train)
    )
    about: dict[str, Any] = {"app": "banking77", "parent": "", "move": "tuned", "data": {}}
    started = time.monotonic()
    made = asyncio.run(make_adapter(Work(embedded_base(), examples, settings, about, "train.csv"), folder, _unheard))
    learnt = time.monotonic()
    served = _served(intents, _BRIEF, (), folder / "adapters" / made.card.digest / GGUF)
    return served._replace(learning_s=learnt - started, facts=made.card.facts)


def baseline(intents: Intents, folder: Path) -> Sorted:
    """Fits scikit-learn's logistic regression, as it comes, to MiniLM's embeddings of the training messages."""
    from sklearn.linear_model import LogisticRegression

    started = time.monotonic()
    vectors = embeddings([query.text for query in intents.train], folder)
    fitted = LogisticRegression(max_iter=1000).fit(vectors, [query.label for query in intents.train])
    learnt = time.monotonic()
    given = fitted.predict(embeddings([query.text for query in intents.unseen], folder))
    return Sorted(tuple(map(str, given)), learnt - started, time.monotonic() - learnt)


def _served(intents: Intents, prompt: Prompt, examples: Sequence[Example], adapter: Path | None = None) -> Sorted:
    asked = [_messages(prompt, query, intents, examples) for query in intents.unseen]
    with serving(chat_weights(), {"tuned": adapter} if adapter else {}) as (address, ids):
        started = time.monotonic()
        given = asyncio.run(_answers(address, asked, [{"id": id_, "scale": 1.0} for id_ in ids.values()]))
        return Sorted(given, 0.0, time.monotonic() - started)


def _messages(prompt: Prompt, query: Query, intents: Intents, examples: Sequence[Example] = ()) -> tuple[Message, ...]:
    return render(prompt, {"labels": intents.labels}, (Message("user", query.text),), (), examples)


async def _answers(
    address: str, asked: Sequence[tuple[Message, ...]], lora: Sequence[dict[str, float]]
) -> tuple[str, ...]:
    """Returns llama.cpp's greedy answers, blanks around them taken away."""
    import httpx

    slots = asyncio.Semaphore(_AT_ONCE)
    async with httpx.AsyncClient(base_url=address, timeout=300, trust_env=False) as client:

        async def answer(messages: tuple[Message, ...]) -> str:
            body = {
                "messages": [message._asdict() for message in messages],
                "temperature": 0,
                "max_tokens": _ANSWER_TOKENS,
                "lora": list(lora),
            }
            async with slots:
                reply = (await client.post("/v1/chat/completions", json=body)).raise_for_status().json()
            return str(reply["choices"][0]["message"]["content"]).strip()

        return tuple(await asyncio.gather(*map(answer, asked)))


async def _unheard(told: Told) -> None:
    """Nobody watches the training of a benchmark."""
