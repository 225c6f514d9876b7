"""Holm's steps: which of several claims may be made together, where making one that is false is the error."""

from collections.abc import Callable, Sequence


def rejected(tests: Sequence[Callable[[float], bool]], error: float) -> frozenset[int]:
    """Returns which null hypotheses are rejected together, any of them wrongly with probability `error` at most.

    Each is tested at an equal share of the error; those that are rejected leave their shares to the others, until a
    round rejects nothing more (Holm 1979).

    Args:
        tests: each says whether its null hypothesis is rejected at a level; one that is at a low level is at a higher.
        error: such as 0.05.
    """
    gone: frozenset[int] = frozenset()
    while len(gone) < len(tests):
        level = error / (len(tests) - len(gone))
        more = {at for at, test in enumerate(tests) if at not in gone and test(level)}
        if not more:
            break
        gone |= more
    return gone
