"""The noise of reruns, and the smallest difference that is more than noise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tasks.statistics.rerun_noise import rerun_noise

scores = arrays(np.float64, st.tuples(st.integers(1, 20), st.integers(2, 5)), elements=st.integers(1, 5))


@given(scores, st.integers(-3, 3))
def test_what_an_answer_is_worth_is_no_noise(found, shift):
    noise = rerun_noise(found)
    lifted = found + shift * np.arange(len(found))[:, None]
    assert rerun_noise(lifted).deviation == pytest.approx(noise.deviation)
    assert (noise.deviation == 0) == bool(np.all(found == found[:, :1]))
    assert noise.smallest_difference(400) == pytest.approx(noise.smallest_difference(100) / 2)


def test_the_deviation_of_a_difference_is_what_simulated_evaluations_show():
    rng = np.random.default_rng(3)
    noise = rerun_noise(3 + rng.normal(0, 0.5, (2000, 4)))
    assert noise.deviation == pytest.approx(0.5, rel=0.03)
    differences = (rng.normal(0, 0.5, (4000, 50)) - rng.normal(0, 0.5, (4000, 50))).mean(axis=1)
    assert noise.of_difference(50) == pytest.approx(differences.std(), rel=0.05)
    assert np.mean(np.abs(differences) > noise.smallest_difference(50)) == pytest.approx(0.05, abs=0.012)


def test_few_reruns_make_the_floor_higher():
    """Of 20 answers rated twice the noise is known badly: 5 % of claims of nothing must stay 5 %."""
    rng = np.random.default_rng(4)
    claimed = []
    for _ in range(1500):
        noise = rerun_noise(rng.normal(0, 1, (20, 2)))
        difference = rng.normal(0, 1, 30).mean() - rng.normal(0, 1, 30).mean()
        claimed.append(abs(difference) > noise.smallest_difference(30))
    assert np.mean(claimed) == pytest.approx(0.05, abs=0.017)
