"""What people would say of all stored answers on average: of what a judge says of all, and they of some."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tasks.evaluating.under_way import CONFIDENCE, identity_of
from tasks.judging.judge import Judge
from tasks.judging.labels import Label
from tasks.judging.people import People
from tasks.results.evaluation import Evaluation
from tasks.statistics.corrected import corrected_mean, people_of
from tasks.statistics.estimate import Estimate
from tasks.statistics.measured import measured

if TYPE_CHECKING:
    from tasks.workspace import Workspace


class ByPeople(NamedTuple):
    """People's mean, and how many times as many labels people alone would have needed for its interval."""

    estimate: Estimate
    gain: float


def mean_by_people(workspace: "Workspace", judge: Judge, labels: Sequence[Label]) -> ByPeople | None:
    """Returns people's mean over the answers of every stored evaluation that the present judge has rated.

    Evaluations of the present datasets, scorers and epoch count, of each candidate the newest.

    Args:
        workspace: the app.
        judge: one of its judges.
        labels: what people have said of answers, the oldest first.

    Returns:
        None where too few of those answers have labels.
    """
    parts = []
    for evaluation in _rated(workspace):
        people = People([judge], labels)
        people.take_stored(evaluation)
        # Two candidates that give the same answer do not make two labels of one.
        labels = [label for label in labels if (label.row_id, label.answer) not in people.used]
        scores = people.beside(evaluation).scores
        rows = measured(evaluation.rows, scores, judge.metric)
        said = people_of(scores, judge.metric)
        parts.append((rows, np.full(len(evaluation.rows), np.nan) if said is None else said))
    if not parts:
        return None
    first = parts[0][0]
    rows = first._replace(
        values=np.concatenate([each.values for each, _ in parts]),
        applies=np.concatenate([each.applies for each, _ in parts]),
        clusters=np.concatenate([each.clusters for each, _ in parts]),
    )
    found = corrected_mean(rows, np.concatenate([said for _, said in parts]), CONFIDENCE)
    if found is None:
        return None
    estimate = Estimate(
        metric=judge.name,
        value=found.value,
        low=found.low,
        high=found.high,
        n=rows.n,
        coverage=rows.coverage,
        confidence=CONFIDENCE,
        method=found.method,
        judge_alone=float(rows.scored.values.mean()),
    )
    return ByPeople(estimate, found.gain)


def _rated(workspace: "Workspace") -> Iterator[Evaluation]:
    present = {dataset.digest: dataset for dataset in workspace.datasets.values()}
    seen: set[str] = set()
    for stored in workspace.store.list():
        dataset = present.get(stored.dataset)
        evaluation = workspace.store.load(stored.id) if dataset else None
        if dataset is None or evaluation is None or evaluation.identity in seen:
            continue
        if evaluation.identity == identity_of(workspace, evaluation.candidate, dataset):
            seen.add(evaluation.identity)
            yield evaluation
