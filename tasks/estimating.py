"""What an evaluation will take, said before it begins: calls, tokens, price and time, from a few of its rows."""

from collections.abc import Sequence
from itertools import islice
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from configs.errors import DataError
from tasks.calling.answer import Answer, Outcome, Passage, Usage
from tasks.calling.pricing import BYTES_A_TOKEN, expected_tokens, price_needed, price_of, usual_answer
from tasks.calling.prompt_target import PromptTarget
from tasks.candidate import Candidate, Prompt
from tasks.data.row import Dataset, Row
from tasks.prompting.render import render
from tasks.results.expected import Expected
from tasks.results.store import Store
from tasks.retrieval.index import load_index
from tasks.scoring.asked import effort_of
from tasks.scoring.scorer import Scorer

if TYPE_CHECKING:
    from tasks.workspace import Workspace

_ROWS = 50
_AT_ONCE_UNTOLD = 16


class _Tokens(NamedTuple):
    """About how many tokens the passages that are found for a row have, and its answer."""

    found: float
    answer: float


_UNTOLD = _Tokens(found=64, answer=64)
"""Of a target of the user's, which says nothing of either before it is asked."""


async def estimate_asking(workspace: "Workspace", candidate: Candidate, dataset: Dataset) -> Expected:
    """Returns what asking a candidate a dataset, and scorers that ask about its answers, is expected to take.

    Nothing is called. Tokens are a quarter of the bytes of what some of the rows would send, and as many out as the
    model has answered with before, else as many as it may. The time is that of the candidate's calls before.

    Raises:
        ConfigurationError: the candidate cannot be asked at all, or a scorer's model has no price.
    """
    step = max(1, len(dataset.rows) // _ROWS)
    sample = tuple(islice(dataset.rows, 0, None, step))
    known: dict[str, Answer] = {}
    if candidate.prompt is None or candidate.model is None or candidate.parameters is None:
        asking = Expected(calls=0 if candidate.target.kind == "answers" else len(dataset.rows))
        tokens = _UNTOLD
    else:
        known = await _known_answers(workspace, candidate, sample)
        answer = usual_answer(workspace.journal, candidate.model, candidate.parameters.max_tokens)
        tokens = _Tokens(_passage_tokens(workspace, candidate), answer)
        calls = round(len(dataset.rows) * (1 - len(known) / len(sample)))
        asking = _asking(workspace, candidate, candidate.prompt, candidate.model, sample, calls, tokens)
    answers = [known.get(row.id) or _stand_in(row, tokens) for row in sample]
    return await _with_scorers(workspace, asking, sample, answers, len(dataset.rows) / len(sample))


def _asking(
    workspace: "Workspace",
    candidate: Candidate,
    prompt: Prompt,
    model: str,
    sample: Sequence[Row],
    calls: int,
    tokens: _Tokens,
) -> Expected:
    """Returns what so many calls of a candidate's model are expected to take, asked as the sample would be."""
    sizes = []
    for row in sample:
        try:
            messages = render(prompt, row.columns, row.messages, (), candidate.examples, candidate.meta_prompt)
        except DataError:
            continue  # it will fail alone, and costs nothing
        sizes.append(expected_tokens(message.content for message in messages) + tokens.found)
    sent = round(calls * sum(sizes) / max(1, len(sizes)))
    written = round(calls * tokens.answer)
    price = price_of(Usage(sent, written), price_needed(workspace.loaded, model))
    seconds = _seconds(workspace, model, calls)
    return Expected(calls=calls, input_tokens=sent, output_tokens=written, price=price, seconds=seconds)


async def _with_scorers(
    workspace: "Workspace", asking: Expected, sample: Sequence[Row], answers: Sequence[Answer], times: float
) -> Expected:
    """Returns what asking takes together with the scorers that ask, each as for the sample `times` over."""
    scorers = [scorer for scorer in workspace.scorers if not isinstance(scorer, Scorer)]
    efforts = [await effort_of(scorer, sample, answers, workspace.means) for scorer in scorers]
    efforts = [effort for effort in efforts if effort.calls]
    if not efforts:
        return asking
    calls, price = asking.calls, asking.price or 0.0
    sent, written = asking.input_tokens or 0, asking.output_tokens or 0
    for effort in efforts:
        usage = Usage(round(times * effort.input_tokens), round(times * effort.output_tokens))
        calls += ceil(times * effort.calls)
        sent, written = sent + usage.input, written + usage.output
        price += price_of(usage, price_needed(workspace.loaded, effort.model)) if effort.model else 0.0
    return asking.model_copy(update={"calls": calls, "input_tokens": sent, "output_tokens": written, "price": price})


async def _known_answers(workspace: "Workspace", candidate: Candidate, sample: Sequence[Row]) -> dict[str, Answer]:
    """Returns the answers that the journal knows, by row; none where finding out would need retrieval."""
    if candidate.retrieval is not None:
        return {}
    target = PromptTarget(candidate, workspace.loaded, workspace.journal, workspace.epoch, workspace.spend, None)
    known = {}
    for row in sample:
        try:
            question = await target.question(row)
        except DataError:
            continue
        if (record := workspace.journal.peek(question.key)) is not None:
            known[row.id] = Answer(row.id, Outcome.OK, text=record["text"], messages=question.messages)
    return known


def _stand_in(row: Row, tokens: _Tokens) -> Answer:
    """Returns an answer that is like no other, in place of one that is not known yet."""
    context = (Passage("", _text("", tokens.found)),) if tokens.found else ()
    return Answer(row.id, Outcome.OK, text=_text(row.id, tokens.answer), context=context)


def _text(beginning: str, tokens: float) -> str:
    return f"{beginning} ".ljust(round(tokens * BYTES_A_TOKEN), ".")


def _passage_tokens(workspace: "Workspace", candidate: Candidate) -> float:
    """Returns the tokens of what is retrieved for a row; 0 where nothing is."""
    if candidate.retrieval is None:
        return 0.0
    texts = load_index(workspace.indexes, candidate.retrieval.index).texts
    return candidate.retrieval.top_k * expected_tokens(texts) / max(1, len(texts))


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
