"""Attribution: why a candidate was refused, measured on some of the rows that failed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, NamedTuple

from configs.schema.base import Frozen
from tasks.augmenting.causes import Cause, Measured, cause_of
from tasks.augmenting.failing import Failed, broken_rules, failed_rows
from tasks.augmenting.probing import probe
from tasks.augmenting.supporting import supporting_passages
from tasks.calling.answer import Answer, Outcome, Passage
from tasks.candidate import Candidate
from tasks.data.row import Row
from tasks.gating.verdict import Decision, Verdict
from tasks.results.evaluation import Evaluation
from tasks.scoring.abstaining import ABSTENTIONS, REFUSALS, abstains
from tasks.scoring.score import Metric
from tasks.scoring.scoring import score_all
from tasks.scoring.words import tokens

if TYPE_CHECKING:
    from tasks.workspace import Workspace


class Attributed(Frozen):
    """A failure that was looked at."""

    row: str
    metric: str
    cause: Cause
    question: str
    answer: str
    with_documents: str | None = None
    """The answer with the right documents before the model; None where that was not asked."""
    with_answer: str | None = None
    """The answer with the reference before the model; None where that was not asked."""
    without: str | None = None
    """The answer with nothing before the model; None where that was not asked."""


class Attribution(Frozen):
    """Why a candidate was refused."""

    candidate: str
    gate: str
    rules: tuple[str, ...]
    """The rules that do not hold."""
    failures: int
    """How many rows fall short of them, counted once for each rule."""
    looked_at: tuple[Attributed, ...]

    @property
    def causes(self) -> tuple[tuple[Cause, int], ...]:
        """Causes of the failures that were looked at, the most frequent first."""
        return tuple(Counter(each.cause for each in self.looked_at).most_common())


async def attribute(workspace: "Workspace", candidate: Candidate, most: int) -> Attribution | None:
    """Returns why a candidate was refused by the gate that decided on it last.

    Of each failure it is measured whether a document that holds the answer stood before the model, and asked what the
    model answers with the right documents (oracle context), with the reference itself (oracle answer) and with nothing
    (ablation) before it. The calls are journaled: asked twice, they are made once.

    Args:
        workspace: the app.
        candidate: of a target of kind `prompt`.
        most: failures that are looked at, spread over the broken rules; each takes three calls at most.

    Returns:
        None where no gate has refused it, or not by rules of which rows fall short.
    """
    verdict = next((each for each in workspace.store.verdicts(candidate.digest)), None)
    if verdict is None or verdict.decision is Decision.PASS:
        return None
    one, other = _evaluations(workspace, verdict)
    gate = getattr(workspace.loaded.app.gates, verdict.gate)
    rules = broken_rules(verdict, gate)
    if one is None or not rules:
        return None
    by_rule = [list(failed_rows((rule,), one, other, workspace.metrics)) for rule in rules]
    failures = [failed for failed in chain.from_iterable(zip_longest(*by_rule)) if failed is not None]
    chosen = list(dict.fromkeys(failures))[:most]
    if not chosen:
        return None
    return Attribution(
        candidate=candidate.digest,
        gate=verdict.gate,
        rules=tuple(str(rule) for rule in rules),
        failures=len(failures),
        looked_at=await _looked_at(workspace, candidate, one, chosen),
    )


def _evaluations(workspace: "Workspace", verdict: Verdict) -> tuple[Evaluation | None, Evaluation | None]:
    """Returns the candidate's evaluation that a verdict stands on, and the champion's on the same data."""
    found = [each for name in verdict.evaluations if (each := workspace.store.load(name)) is not None]
    one = next((each for each in found if each.candidate.digest == verdict.candidate), None)
    others = (each for each in found if one and each.id != one.id and each.dataset == one.dataset)
    return one, next(others, None)


class _Probed(NamedTuple):
    """What a candidate answers, by row, with something else before the model."""

    with_documents: Mapping[str, Answer]
    with_answer: Mapping[str, Answer]
    without: Mapping[str, Answer]


async def _looked_at(
    workspace: "Workspace", candidate: Candidate, evaluation: Evaluation, chosen: Sequence[Failed]
) -> tuple[Attributed, ...]:
    wanted = {failed.row_id for failed in chosen}
    rows = {row.id: row for row in workspace.asked_dataset(evaluation.split).rows if row.id in wanted}
    answered = {str(record["row_id"]): _answer(record) for record in evaluation.whole_rows(wanted)}
    supporting = supporting_passages(workspace, rows.values())
    probed = await _probed(workspace, candidate, rows, answered, supporting)
    passes = await _passing(workspace, chosen, rows, probed, supporting)
    found = []
    for failed in chosen:
        row, answer = rows.get(failed.row_id), answered.get(failed.row_id)
        if row is None or answer is None:
            continue  # the dataset has changed since
        measured = Measured(
            answerable=row.answerable,
            abstained=abstains(answer.text, ABSTENTIONS + REFUSALS),
            supported=bool(supporting.get(row.id)),
            shown=_is_shown(row, answer, supporting.get(row.id, ())),
            **{name: passes.get((name, *failed[:2])) for name in ("reference_passes", *_Probed._fields)},
        )
        found.append(
            Attributed(
                row=row.id,
                metric=failed.metric,
                cause=cause_of(measured),
                question=row.question,
                answer=answer.text,
                **{name: _text(getattr(probed, name).get(row.id)) for name in _Probed._fields},
            )
        )
    return tuple(found)


async def _probed(
    workspace: "Workspace",
    candidate: Candidate,
    rows: Mapping[str, Row],
    answered: Mapping[str, Answer],
    supporting: Mapping[str, tuple[Passage, ...]],
) -> _Probed:
    """Asks what may tell the causes apart, and nothing of rows whose cause shows without asking."""
    answerable = [row for row in rows.values() if row.answerable is not False and row.id in answered]
    # Where nothing was found an app may answer so without its model: only the right documents tell the two apart.
    missed = [
        row for row in answerable if (held := supporting.get(row.id)) and not _is_shown(row, answered[row.id], held)
    ]
    open_ = [row for row in answerable if not abstains(answered[row.id].text, ABSTENTIONS + REFUSALS)]
    told = [row for row in open_ if row.reference]
    shown = [row for row in open_ if answered[row.id].context]
    return _Probed(
        await probe(workspace, candidate, missed, supporting),
        await probe(workspace, candidate, told, {row.id: (_as_passage(row),) for row in told}),
        await probe(workspace, candidate, shown, {row.id: () for row in shown}),
    )


async def _passing(
    workspace: "Workspace",
    chosen: Sequence[Failed],
    rows: Mapping[str, Row],
    probed: _Probed,
    supporting: Mapping[str, tuple[Passage, ...]],
) -> dict[tuple[str, str, str], bool]:
    """Returns, by probe, row and metric, whether an answer passes; nothing of what could not be scored."""
    scorers = [each for each in workspace.scorers if each.metric.name in {failed.metric for failed in chosen}]
    wanted = {failed[:2]: failed.wanted for failed in chosen}
    references = {
        row.id: Answer(row.id, Outcome.OK, text=row.reference, context=supporting.get(row.id, ()))
        for row in rows.values()
        if row.reference
    }
    found = {}
    for name, answers in (("reference_passes", references), *probed._asdict().items()):
        asked = [rows[row_id] for row_id in answers]
        for score in await score_all(asked, list(answers.values()), scorers, workspace.means):
            if score.value is not None and (score.row_id, score.metric) in wanted:
                bound, metric = wanted[score.row_id, score.metric], workspace.metrics[score.metric]
                found[name, score.row_id, score.metric] = _reaches(score.value, bound, metric)
    return found


def _reaches(value: float, wanted: float, metric: Metric) -> bool:
    return value >= wanted if metric.direction == "higher" else value <= wanted


def _as_passage(row: Row) -> Passage:
    return Passage(row.documents[0] if row.documents else "answer", row.reference)


def _is_shown(row: Row, answer: Answer, supporting: Sequence[Passage]) -> bool:
    """Returns whether the model was shown a supporting document, with the words of the reference that stand in it."""
    shown: dict[str, set[str]] = {}
    for passage in answer.context:
        shown.setdefault(passage.id, set()).update(tokens(passage.text))
    if not supporting:
        return not shown.keys().isdisjoint(row.documents)
    told = set(tokens(row.reference)) - set(tokens(row.question))
    return any(each.id in shown and told & set(tokens(each.text)) <= shown[each.id] for each in supporting)


def _answer(record: Mapping[str, object]) -> Answer:
    context = record["context"]
    passages = tuple(Passage(**each) for each in context) if isinstance(context, list) else ()
    return Answer(str(record["row_id"]), Outcome(str(record["outcome"])), str(record["answer"]), context=passages)


def _text(answer: Answer | None) -> str | None:
    return answer.text if answer is not None and answer.outcome is Outcome.OK else None
