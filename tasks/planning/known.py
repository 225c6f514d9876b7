"""What is known of an app's rows before more are asked: by its stored evaluations, largest data first."""

from collections.abc import Mapping
from typing import NamedTuple

from tasks.releasing.log import release_log
from tasks.results.evaluation import Evaluation
from tasks.results.store import StoredEvaluation
from tasks.row_cost import RowCost, row_cost
from tasks.scoring.score import Metric
from tasks.workspace import Workspace

_LARGEST_FIRST = ("full", "sample", "redteam", "production")


class Known(NamedTuple):
    """What is stored.

    Attributes:
        one: an evaluation; None where there is none.
        other: another candidate's on the same data; None where there is none.
        cost: of a row that both are asked.
        data: rows of each dataset that a gate stands before.
        metrics: the app's, by name.
    """

    one: Evaluation | None
    other: Evaluation | None
    cost: RowCost
    data: Mapping[str, int]
    metrics: Mapping[str, Metric]


def known_of(workspace: Workspace) -> Known:
    """Returns what is known of an app."""
    one, other = _stored(workspace)
    sides = [side for side in (one, other) if side is not None]
    data = {
        str(split): len(each.rows) for split, each in workspace.asked_datasets.items() if split in ("sample", "full")
    }
    return Known(one, other, row_cost(*sides) if sides else RowCost(None, None), data, workspace.metrics)


def _stored(workspace: Workspace) -> tuple[Evaluation | None, Evaluation | None]:
    """Returns the newest evaluation of the largest data, and the champion's on the same, or any other candidate's."""
    stored = sorted(workspace.store.list(), key=lambda each: (_LARGEST_FIRST.index(each.split), -each.saved))
    committed = release_log(workspace.name).committed()
    champion = committed.candidate if committed else None
    for one in stored:
        others = [each for each in stored if each.dataset == one.dataset and each.candidate != one.candidate]
        if others:
            other = next((each for each in others if each.candidate == champion), others[0])
            return _load(workspace, one), _load(workspace, other)
    return (_load(workspace, stored[0]) if stored else None), None


def _load(workspace: Workspace, stored: StoredEvaluation) -> Evaluation | None:
    return workspace.store.load(stored.id)
