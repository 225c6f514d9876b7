"""Finds groups of vectors that are nearer to each other than to anything known."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.statistics.two_sample import Vectors

_NEIGHBOURS = 8
_OWN = 0.85
"""Share of a vector's neighbours that are fresh themselves, from which on it belongs to nothing known."""
_LEAST = 8
"""Members of a group; fewer may be neighbours by chance."""
_DECIMALS = 5
"""Of a likeness; further ones are noise of the arithmetic."""
_TIMES = 3
"""Times as many known vectors as fresh ones that it takes to tell."""


class Group(NamedTuple):
    """Vectors that are alike and unlike everything known: their places, the most typical first."""

    members: tuple[int, ...]


def new_groups(known: Vectors, fresh: Vectors) -> tuple[Group, ...]:
    """Returns the groups among fresh vectors that nothing known is near to, the largest first.

    A vector is new where nearly all of its neighbours, among known and fresh ones together, are fresh; new ones are of
    a group where they are among each other's neighbours. Where nothing is new, the fresh ones are as few among a
    vector's neighbours as among all (the idea of Schilling's test, 1986, and of Henze's, 1988).

    Args:
        known: unit vectors; of fewer than three times as many as the fresh ones nothing is said.
        fresh: unit vectors.
    """
    if len(known) < _TIMES * len(fresh):
        return ()
    among = fresh @ fresh.T
    np.fill_diagonal(among, -np.inf)
    # Of those that are as near the known ones come first: what was always said, word for word, is nothing new.
    likeness = np.round(np.hstack([fresh @ known.T, among]), _DECIMALS)
    near = np.argsort(-likeness, axis=1, kind="stable")[:, :_NEIGHBOURS] - len(known)
    new = np.flatnonzero((near >= 0).mean(axis=1) >= _OWN)
    if len(new) < _LEAST:
        return ()
    linked = np.zeros((len(fresh), len(fresh)), dtype=bool)
    for at in new:
        linked[at, near[at][near[at] >= 0]] = True
    groups = []
    for members in _connected(linked[np.ix_(new, new)]):
        if len(members) >= _LEAST:
            typical = (fresh[new[members]] @ fresh[new[members]].T).sum(axis=1)
            groups.append(Group(tuple(int(new[members[at]]) for at in np.argsort(-typical, kind="stable"))))
    return tuple(sorted(groups, key=lambda group: -len(group.members)))


def _connected(linked: NDArray[np.bool_]) -> list[list[int]]:
    from scipy.sparse.csgraph import connected_components

    count, labels = connected_components(linked, directed=False)
    return [np.flatnonzero(labels == label).tolist() for label in range(count)]
