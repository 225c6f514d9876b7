"""Drift in simulated streams of invented questions: found soon where topics move, rarely where none does."""

import numpy as np
import pytest

from benchmarks.operate.drift import Streams, drift, moved
from benchmarks.operate.topics import invented_topics
from tasks.watching.vectors import WORDS


@pytest.fixture(scope="module")
def row():
    return drift(5, invented_topics(), WORDS, "invented topics", Streams(moved=8, quiet=2, windows=15))


def test_moved_topics_are_found_and_quiet_ones_are_not(row):
    assert row.reached, [(figure.what, figure.shown, figure.note) for figure in row.figures]


def test_so_much_mass_has_moved():
    rng = np.random.default_rng(1)
    before = rng.dirichlet(np.ones(30))
    after = moved(before, 0.3, rng)
    assert after.sum() == pytest.approx(1) and (after >= 0).all()
    assert np.abs(after - before).sum() / 2 == pytest.approx(0.3)
