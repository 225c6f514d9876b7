"""What counts as growth of a quantity that was watched."""

import numpy as np
import pytest

from benchmarks.operate.growth import growth

NOISE = np.random.default_rng(5).normal(0, 3, 100)


def test_what_leaks_grows_by_what_it_leaked_after_the_caches_had_filled():
    found = growth(list(np.linspace(80, 100, 101) + np.where(np.arange(101) < 20, -50, 0)))
    assert found.share == pytest.approx(16 / 92)


def test_noise_and_a_minute_of_a_busy_machine_are_no_growth():
    values = 100 + NOISE
    values[90:95] *= 4
    found = growth(list(values))
    assert found.low < 0 < found.high
    assert abs(found.share) < 0.02


def test_of_too_few_values_nothing_is_said():
    assert growth([1.0, 2.0, 3.0, 4.0, 5.0]) is None
    assert growth([]) is None
