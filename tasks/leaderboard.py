"""The leaderboard of an exploration: candidates in order, each number with its interval."""

from collections.abc import Mapping, Sequence
from typing import Any

from tasks.results.evaluation import Evaluation
from tasks.scoring.score import Metric


def ranked(
    evaluations: Sequence[Evaluation], rank_by: str, metrics: Mapping[str, Metric], min_coverage: float
) -> list[Evaluation]:
    """Returns evaluations best first by one metric; those without a value last, ties in the given order.

    One with less coverage than `min_coverage` comes after all that have it: a few lucky rows are no better candidate.
    """
    sign = -1 if metrics[rank_by].direction == "higher" else 1

    def place(evaluation: Evaluation) -> tuple[bool, float]:
        estimate = evaluation.estimate(rank_by)
        if estimate is None or estimate.value is None:
            return True, float("inf")
        return estimate.coverage < min_coverage, sign * estimate.value

    return sorted(evaluations, key=place)


def leaderboard(board: Sequence[Evaluation], metrics: Mapping[str, Metric]) -> list[dict[str, Any]]:
    """Returns one row a candidate: rank, what it is made of, and each metric as `value [low, high]`."""
    rows: list[dict[str, Any]] = []
    for rank, evaluation in enumerate(board, 1):
        candidate = evaluation.candidate
        row: dict[str, Any] = {
            "rank": rank,
            "candidate": candidate.digest,
            "prompt": _prompt(evaluation),
            "model": candidate.model or candidate.target.kind,
            "parameters": candidate.parameters.name if candidate.parameters else "",
        }
        rows.append(row | {name: shown_interval(evaluation, name) for name in metrics})
    return rows


def _prompt(evaluation: Evaluation) -> str:
    shown = [f"{each.name} v{each.version}" if each.version else each.name for each in evaluation.candidate.prompts]
    return " under ".join(reversed(shown))


def shown_interval(evaluation: Evaluation, metric: str) -> str:
    """Returns a metric of an evaluation as `value [low, high]`, "" where it has none."""
    estimate = evaluation.estimate(metric)
    if estimate is None or estimate.value is None or estimate.low is None or estimate.high is None:
        return ""
    return f"{estimate.value:.3g} [{estimate.low:.3g}, {estimate.high:.3g}]"
