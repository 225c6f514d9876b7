"""What prompts begin with in common: token by token, and which rows share so much that they belong together."""

from collections.abc import Sequence
from itertools import pairwise

_LONG = 1 / 4
"""Share of what a prompt has beyond the beginning of all prompts: with so much more in common two rows are of one run.
The first of three retrieved documents is about a third of it."""


def common_prefix(one: Sequence[int], two: Sequence[int]) -> int:
    """Returns how many tokens two prompts begin with in common."""
    shorter = min(len(one), len(two))
    return next((at for at in range(shorter) if one[at] != two[at]), shorter)


def runs_of(prompts: Sequence[tuple[int, ...]]) -> tuple[tuple[int, ...], ...]:
    """Returns the places of rows in runs: within one, each begins with much of what its neighbours begin with.

    Args:
        prompts: tokens of each row's.

    Returns:
        Every place once; the rows of a run are sorted by their prompts.
    """
    places = sorted(range(len(prompts)), key=lambda place: prompts[place])
    of_all = common_prefix(prompts[places[0]], prompts[places[-1]])
    runs = [[places[0]]]
    for before, place in pairwise(places):
        one, two = prompts[before], prompts[place]
        if common_prefix(one, two) - of_all >= _LONG * (max(len(one), len(two)) - of_all):
            runs[-1].append(place)
        else:
            runs.append([place])
    return tuple(map(tuple, runs))
