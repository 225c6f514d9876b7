"""Successive halving: candidates are asked a few rows, the better half of them twice as many, until one is left."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from configs.errors import EndpointError
from tasks.candidate import Candidate
from tasks.data.repeated import repeated
from tasks.data.row import Dataset, Row
from tasks.evaluating.evaluate import check_answered, evaluate_candidate
from tasks.identity import digest
from tasks.leaderboard import ranked
from tasks.progress import say
from tasks.retrieval.searched import Finalist, Round

if TYPE_CHECKING:
    from tasks.results.evaluation import Evaluation
    from tasks.workspace import Workspace


async def halve(
    workspace: "Workspace", candidates: Sequence[Candidate], dataset: Dataset, rows: Sequence[Row], first_rows: int
) -> tuple[Round, ...]:
    """Asks candidates in rounds, ranked by the app's `explore.rank_by`, and returns the rounds; the last one decides.

    Rows that a candidate shows as examples are not asked: it would be shown their answers. A candidate that answers
    nothing is left out. What the budget cuts off is skipped, and the rounds end there.

    Args:
        workspace: the app.
        candidates: at least one; a single one is not asked at all.
        dataset: what the rows are of.
        rows: to ask, in any order.
        first_rows: rows of the first round.

    Raises:
        EndpointError: no candidate answered.
    """
    shown = {example.row_id for candidate in candidates for example in candidate.examples}
    left = sorted((row for row in rows if row.id not in shown), key=lambda row: digest(["halving", row.id]))
    rounds: list[Round] = []
    count, standing = first_rows, list(candidates)
    while len(standing) > 1 and left:
        asked = repeated(_part(dataset, left[:count]), workspace.loaded.app.repeats)
        board = await _board(workspace, standing, asked)
        rounds.append(Round(rows=min(count, len(left)), board=tuple(_finalist(workspace, each) for each in board)))
        if count >= len(left) or any(_cut_off(each) for each in board):
            break
        standing = [each.candidate for each in board[: (len(board) + 1) // 2]]
        count *= 2
    return tuple(rounds)


async def _board(workspace: "Workspace", candidates: Sequence[Candidate], dataset: Dataset) -> "list[Evaluation]":
    evaluations, failed = [], ""
    for candidate in candidates:
        try:
            evaluation = await evaluate_candidate(workspace, candidate, dataset)
            check_answered(evaluation)
            evaluations.append(evaluation)
        except EndpointError as error:
            failed = str(error)
            say(f"left out: {error}")
    if not evaluations:
        raise EndpointError(failed)
    configured = workspace.loaded.app
    return ranked(evaluations, configured.explore.rank_by, workspace.metrics, configured.gates.sample.min_coverage)


def _part(dataset: Dataset, rows: Sequence[Row]) -> Dataset:
    return replace(dataset, rows=tuple(rows), digest=digest(["part", dataset.digest, [row.id for row in rows]]))


def _finalist(workspace: "Workspace", evaluation: "Evaluation") -> Finalist:
    candidate = evaluation.candidate
    return Finalist(
        candidate=candidate.digest,
        told=candidate.retrieval.told if candidate.retrieval else "nothing retrieved",
        estimate=evaluation.estimate(workspace.loaded.app.explore.rank_by),
    )


def _cut_off(evaluation: "Evaluation") -> bool:
    return bool((evaluation.rows["outcome"] == "skipped").any())
