"""Prediction-powered means: the values of ppi-python, and intervals that cover whatever the judge is like.

The values are frozen from ppi-python 0.2.3 (MIT), `ppi_mean_pointestimate` and `ppi_mean_ci` at alpha 0.05; as a
dependency it would bring numba, and bind numpy to it, for five numbers.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtri

from tasks.statistics.prediction_powered import prediction_powered_mean

K = np.arange(12)
HUMAN = (K * 7 % 5 + 1).astype(float)
OTHERS = np.arange(40) * 3 % 5 + 1.0
NORMAL = float(ndtri(0.975))


def _few():
    rng = np.random.default_rng(0)
    human = rng.normal(size=20)
    return human, human * 2 + rng.normal(size=20) * 0.1, rng.normal(size=5) * 2


FROZEN = {
    "a good judge": (
        (HUMAN, HUMAN + (K % 3 == 0) * 1.0 - (K % 4 == 1) * 1.0, OTHERS),
        (2.8914804162422354, 2.4177478052023496, 3.3652130272821212),
    ),
    "a bad judge": (
        (HUMAN, (K * 5 % 4 + 1).astype(float), OTHERS),
        (2.917325428194993, 2.1406338041803075, 3.694017052209679),
    ),
    "a judge that is always wrong": (
        (HUMAN, 6 - HUMAN, OTHERS),
        (2.8333333333333335, 2.038757426957039, 3.627909239709628),
    ),
    "yes and no": (
        ((K % 3 > 0).astype(float), ((K % 3 > 0) ^ (K % 5 == 4)).astype(float), (np.arange(30) % 4 > 0).astype(float)),
        (0.6983024691358023, 0.4733600737831689, 0.9232448644884357),
    ),
    "few without a label": (_few(), (-0.06844241827138875, -0.4115000317536955, 0.274615195210918)),
}


@pytest.mark.parametrize("name", FROZEN)
def test_mean_and_standard_error_are_those_of_ppi_python(name):
    given_, (value, low, high) = FROZEN[name]
    found = prediction_powered_mean(*given_)
    normal = (found.value, found.value - NORMAL * found.error, found.value + NORMAL * found.error)
    assert normal == pytest.approx((value, low, high), abs=1e-9)
    # The quantile is Student's on purpose: see the next tests.
    assert found.low < low
    assert found.high > high


floats = st.floats(-100, 100)


@given(st.lists(st.tuples(floats, floats), min_size=3, max_size=30), st.lists(floats, min_size=1, max_size=30))
def test_what_holds_of_every_judge(labelled, others):
    human, judged = (np.array(column) for column in zip(*labelled, strict=True))
    rest = np.array(others)
    found = prediction_powered_mean(human, judged, rest)
    assert 0 <= found.weight <= 1
    assert found.low <= found.value <= found.high
    # A judge that is off by the same everywhere changes nothing: its differences count, not its level.
    shifted = prediction_powered_mean(human, judged + 7, rest + 7)
    assert shifted.value == pytest.approx(found.value, abs=1e-6)
    assert shifted.error == pytest.approx(found.error, abs=1e-6)
    # Every row as its own cluster is no cluster at all but for the correction of few.
    alone = prediction_powered_mean(human, judged, rest, clusters=(np.arange(human.size), 1000 + np.arange(rest.size)))
    assert alone.error >= found.error - 1e-9


@given(st.lists(floats, min_size=3, max_size=30), st.lists(floats, min_size=1, max_size=30))
def test_a_judge_that_says_always_the_same_leaves_peoples_mean(human, others):
    labels = np.array(human)
    found = prediction_powered_mean(labels, np.zeros(labels.size), np.zeros(len(others)))
    assert (found.value, found.weight, found.gain) == (pytest.approx(labels.mean()), 0.0, pytest.approx(1.0))


@pytest.mark.parametrize("judge_noise", [0.3, 1.0, 5.0])
@pytest.mark.parametrize("labels", [20, 100])
def test_the_interval_covers_peoples_mean_whatever_the_judge_is_like(judge_noise, labels):
    rng = np.random.default_rng(labels)
    covered, widths = [], []
    for _ in range(1500):
        human = np.clip(np.round(rng.normal(3.4, 1.1, labels + 400)), 1, 5)
        judged = human + 0.8 + rng.normal(0, judge_noise, human.size)
        found = prediction_powered_mean(human[:labels], judged[:labels], judged[labels:])
        covered.append(found.low <= POPULATION <= found.high)
        widths.append(found.gain)
    assert 0.935 <= np.mean(covered) <= 0.975
    if judge_noise < 0.5:
        assert np.mean(widths) > 2, "a good judge is worth more than as many labels again"


def test_clusters_that_share_their_errors_widen_the_interval_until_it_covers():
    rng = np.random.default_rng(8)
    covered, naive = [], []
    for _ in range(1000):
        effects = np.repeat(rng.normal(0, 1, 80), 5)
        clusters = np.repeat(np.arange(80), 5)
        human, judged = 3 + effects + rng.normal(0, 0.5, 400), 3 + rng.normal(0, 1, 400)
        part = (human[:150], judged[:150], judged[150:])
        found = prediction_powered_mean(*part, clusters=(clusters[:150], clusters[150:]))
        covered.append(found.low <= 3 <= found.high)
        without = prediction_powered_mean(*part)
        naive.append(without.low <= 3 <= without.high)
    assert np.mean(naive) < 0.8
    assert 0.93 <= np.mean(covered) <= 0.98


@pytest.mark.parametrize(
    ("human", "judged", "others"),
    [([1.0, 2], [1.0, 2], [1.0]), ([1.0, 2, 3], [1.0, 2, 3], []), ([1.0, 2, 3], [1.0], [1.0])],
)
def test_too_little_is_refused(human, judged, others):
    with pytest.raises(ValueError, match="at least 3, as many, and 1"):
        prediction_powered_mean(np.array(human), np.array(judged), np.array(others))


def _population():
    rng = np.random.default_rng(99)
    return float(np.clip(np.round(rng.normal(3.4, 1.1, 4_000_000)), 1, 5).mean())


POPULATION = _population()
