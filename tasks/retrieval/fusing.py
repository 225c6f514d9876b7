"""Makes one ranking of several: reciprocal-rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009)."""

from collections.abc import Sequence

from tasks.retrieval.vectors import Near

USUAL_CONSTANT = 60
"""Of the paper."""


def fused(rankings: Sequence[Sequence[Near]], constant: int | None = None) -> list[Near]:
    """Returns every chunk of any ranking, best first; the index's order where they tie.

    A chunk's score is the sum of 1 / (constant + rank) over the rankings that hold it, ranks from 1.

    Args:
        rankings: each best first.
        constant: the larger, the less the first ranks count; 60 where not given.
    """
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, near in enumerate(ranking, start=1):
            scores[near.at] = scores.get(near.at, 0.0) + 1 / ((constant or USUAL_CONSTANT) + rank)
    found = (Near(at, round(score, 9)) for at, score in scores.items())
    return sorted(found, key=lambda near: (-near.score, near.at))
