"""How soon drift is found in simulated streams of questions, and how often it is found where there is none."""

import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.figure import Figure, Reach, Row
from configs.schema.app import Drift as Settings
from tasks.statistics.two_sample import Vectors
from tasks.watching.drift import Drift

Shares = NDArray[np.float64]

_SEED = 20261129
_SIZE = 200
_QUIET, _WITHIN = 5, 3
"""Windows before the topics move, and those in which it is to be found."""
_MOVED = 0.3
_NEW = 0.1
"""Share of the questions that are of a topic which nobody had asked about."""


class Streams(NamedTuple):
    """How many streams are simulated: with a drift, and without one, each of so many windows."""

    moved: int
    quiet: int
    windows: int


FULL, QUICK = Streams(200, 20, 50), Streams(10, 2, 20)


def drift(number: int, topics: Sequence[Vectors], space: str, told: str, streams: Streams) -> Row:
    """Simulates the streams.

    Args:
        number: of the row.
        topics: vectors of questions, a topic each.
        space: what they are vectors of.
        told: what they are, in words.
        streams: how many.
    """
    rng, started = np.random.default_rng(_SEED), time.monotonic()
    found = [_moved(topics, space, rng) for _ in range(streams.moved)]
    alarms = [_quiet(topics, space, rng, streams.windows) for _ in range(streams.quiet)]
    new = [_new_topic(topics, space, rng) for _ in range(streams.moved // 4)]
    compared = streams.quiet * streams.windows
    within = 100 * float(np.mean([each is not None for each in found]))
    windows = [each for each in found if each is not None]
    every = sum(each.alarms for each in alarms) / compared * 100
    counted = f"{sum(each.alarms for each in alarms)} of {compared:,}"
    took = time.monotonic() - started
    return Row(
        number,
        f"Drift of questions: {told}",
        f"Windows of {_SIZE} questions. {_QUIET} quiet ones, then {_MOVED:.0%} of the topics' mass is moved, from a "
        f"random half of the topics to the others; {streams.moved} streams. Quiet: {streams.quiet} streams of "
        f"{streams.windows} windows, topics by Zipf's law. New topic: {_NEW:.0%} of the questions of one window are "
        f"of one that nobody had asked about; {streams.moved // 4} streams. {took:.0f} s in all.",
        (
            Figure(
                f"found within {_WITHIN} windows",
                within,
                Reach(at_least=95),
                digits=1,
                unit=" %",
                note=f"after {np.mean(windows):.1f} windows on average" if windows else "never",
            ),
            Figure("false alarms in 100 quiet windows", every, Reach(at_most=1), note=counted),
            Figure("new topic found, most of its group are of it", 100 * float(np.mean(new)), digits=0, unit=" %"),
            Figure(
                "new topics found in 100 quiet windows",
                100 * sum(each.topics for each in alarms) / compared,
                Reach(at_most=1),
                note=f"{sum(each.topics for each in alarms)} of {compared:,}",
            ),
        ),
    )


def _moved(topics: Sequence[Vectors], space: str, rng: np.random.Generator) -> int | None:
    """Returns after how many windows a moved stream was found to be so, None where it was not within as many as may."""
    before = _zipf(len(topics), rng)
    after = moved(before, _MOVED, rng)
    drift = Drift(space)
    for _ in range(_QUIET):
        _enter(drift, _drawn(topics, before, rng))
    for window in range(1, _WITHIN + 1):
        known = len(drift.shifts)
        _enter(drift, _drawn(topics, after, rng))
        if len(drift.shifts) > known:
            return window
    return None


class _Alarms(NamedTuple):
    alarms: int
    topics: int


def _quiet(topics: Sequence[Vectors], space: str, rng: np.random.Generator, windows: int) -> _Alarms:
    shares = _zipf(len(topics), rng)
    drift = Drift(space)
    alarms = found = 0
    for _ in range(windows + 1):
        drift.shifts, drift.topics = [], []
        _enter(drift, _drawn(topics, shares, rng))
        alarms, found = alarms + len(drift.shifts), found + len(drift.topics)
    return _Alarms(alarms, found)


def _new_topic(topics: Sequence[Vectors], space: str, rng: np.random.Generator) -> bool:
    """Returns whether a group of a new topic's questions was found."""
    order = rng.permutation(len(topics))
    known = [topics[at] for at in order[1:]]
    shares = _zipf(len(known), rng)
    drift = Drift(space)
    for _ in range(_QUIET):
        _enter(drift, _drawn(known, shares, rng))
    drift.topics = []
    count = int(_NEW * _SIZE)
    of_new = topics[order[0]][rng.permutation(len(topics[order[0]]))[:count]]
    fresh = np.vstack([_drawn(known, shares, rng)[count:], of_new])
    _enter(drift, fresh)
    newest = {str(at) for at in range(_SIZE - count, _SIZE)}
    return any(len(newest & set(group.members)) > len(group.members) / 2 for group in drift.topics)


def moved(shares: Shares, mass: float, rng: np.random.Generator) -> Shares:
    """Returns shares of topics of which so much mass has moved, from a random half of the topics to the others."""
    order = rng.permutation(len(shares))
    from_ = order[: int(np.searchsorted(np.cumsum(shares[order]), max(mass, 0.5))) + 1]
    after = shares.copy()
    taken = shares[from_].sum()
    after[from_] *= 1 - mass / taken
    others = np.setdiff1d(np.arange(len(shares)), from_)
    after[others] += mass * shares[others] / shares[others].sum()
    return after


def _zipf(count: int, rng: np.random.Generator) -> Shares:
    weights = 1 / np.arange(2.0, count + 2)
    return np.asarray(rng.permutation(weights / weights.sum()))


def _drawn(topics: Sequence[Vectors], shares: Shares, rng: np.random.Generator) -> Vectors:
    of = rng.choice(len(topics), _SIZE, p=shares / shares.sum())
    return np.stack([topics[topic][rng.integers(len(topics[topic]))] for topic in of])


def _enter(drift: Drift, vectors: Vectors) -> None:
    names = [str(at) for at in range(len(vectors))]
    drift.enter(names, names, vectors, _SIZE, 2.0 * Settings().every)
