"""What an evaluation will take, said before it begins: calls, tokens, price and time, from a few of its rows."""

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING

from configs.errors import DataError
from tasks.calling.answer import Usage
from tasks.calling.pricing import price_needed, price_of
from tasks.calling.prompt_target import PromptTarget
from tasks.candidate import Candidate
from tasks.data.row import Dataset, Row
from tasks.journal.journal import Journal
from tasks.prompting.render import render
from tasks.results.expected import Expected
from tasks.results.store import Store
from tasks.retrieval.index import load_index

if TYPE_CHECKING:
    from tasks.workspace import Workspace

_ROWS = 50
_BYTES_A_TOKEN = 4
_AT_ONCE_UNTOLD = 16


async def estimate_asking(workspace: "Workspace", candidate: Candidate, dataset: Dataset) -> Expected:
    """Returns what asking a candidate a dataset is expected to take; nothing is called.

    Tokens are a quarter of the bytes of what some of the rows would send, and as many out as the model has answered
    with before, else as many as it may. The time is that of its calls before.

    Raises:
        ConfigurationError: the candidate cannot be asked at all.
    """
    if candidate.prompt is None or candidate.model is None or candidate.parameters is None:
        return Expected(calls=0 if candidate.target.kind == "answers" else len(dataset.rows))
    step = max(1, len(dataset.rows) // _ROWS)
    sample = tuple(islice(dataset.rows, 0, None, step))
    passages = _passage_bytes(workspace, candidate)
    sizes = []
    for row in sample:
        try:
            messages = render(candidate.prompt, row.columns, row.messages, (), candidate.examples)
        except DataError:
            continue  # it will fail alone, and costs nothing
        sizes.append(sum(len(message.content.encode()) for message in messages) + passages)
    calls = round(len(dataset.rows) * await _unknown_share(workspace, candidate, sample))
    sent = round(calls * sum(sizes) / max(1, len(sizes)) / _BYTES_A_TOKEN)
    written = round(calls * _answer_tokens(workspace.journal, candidate.model, candidate.parameters.max_tokens))
    price = price_of(Usage(sent, written), price_needed(workspace.loaded, candidate.model))
    seconds = _seconds(workspace, candidate.model, calls)
    return Expected(calls=calls, input_tokens=sent, output_tokens=written, price=price, seconds=seconds)


async def _unknown_share(workspace: "Workspace", candidate: Candidate, sample: Sequence[Row]) -> float:
    """Returns the share of rows that the journal does not know; all where finding out would need retrieval."""
    if candidate.retrieval is not None:
        return 1.0
    target = PromptTarget(candidate, workspace.loaded, workspace.journal, workspace.epoch, workspace.spend, None)
    known = asked = 0
    for row in sample:
        try:
            question = await target.question(row)
        except DataError:
            continue
        asked += 1
        known += workspace.journal.holds(question.key)
    return 1 - known / asked if asked else 1.0


def _passage_bytes(workspace: "Workspace", candidate: Candidate) -> float:
    if candidate.retrieval is None:
        return 0.0
    index = load_index(workspace.indexes, candidate.retrieval.index)
    sizes = [len(text.encode()) for text in index.texts]
    return candidate.retrieval.top_k * sum(sizes) / max(1, len(sizes))


def _answer_tokens(journal: Journal, model: str, max_tokens: int) -> float:
    before = [usage for usage in journal.usage() if usage.model == model and usage.kind in ("chat", "deferred")]
    calls = sum(usage.calls for usage in before)
    return sum(usage.output for usage in before) / calls if calls else max_tokens


def _seconds(workspace: "Workspace", model: str, calls: int) -> float | None:
    latency = _latency(workspace.store, model)
    config = workspace.loaded.models[model]
    return None if latency is None else calls * latency / (config.concurrency or _AT_ONCE_UNTOLD)


def _latency(store: Store, model: str) -> float | None:
    """Returns the mean seconds of a model's calls in the newest evaluation that has measured them."""
    for stored in store.list():
        candidate = store.load_candidate(stored.candidate)
        evaluation = store.load(stored.id) if candidate is not None and candidate.model == model else None
        measured = evaluation.estimate("latency_total") if evaluation else None
        if measured is not None and measured.value is not None:
            return measured.value
    return None
