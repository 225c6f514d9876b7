"""A change of values that come one by one is found soon, dated well, and rarely where there is none."""

from dataclasses import asdict

import numpy as np
import pytest

from tasks.statistics.change import REMEMBERED, Detector, Evidence, drawn_place


def alarms_of(values, side="higher", every=1000.0, seed=0):
    """Returns the alarms on values, labelled by their place."""
    rng, detector, found = np.random.default_rng(seed), Detector(), []
    for at, value in enumerate(values):
        alarm = detector.enter(float(value), rng.random(), f"{at:06d}", side, every)
        found += [alarm] if alarm else []
    return found


@pytest.mark.parametrize("side", ["higher", "lower", "either"])
@pytest.mark.parametrize("kind", ["rare", "share", "time"])
def test_there_are_no_more_false_alarms_than_said(side, kind):
    rng = np.random.default_rng(3)
    draw = {
        "rare": lambda n: rng.random(n) < 0.02,
        "share": lambda n: rng.random(n).round(1),
        "time": lambda n: rng.lognormal(0, 1, n),
    }[kind]
    counted = sum(len(alarms_of(draw(1500), side, every=300.0, seed=seed)) for seed in range(12))
    assert counted <= 12 * 1500 / 300


def test_there_are_no_more_after_an_early_alarm():
    early, counted = [], 0
    for seed in range(12):
        rng, detector = np.random.default_rng(seed), Detector()

        def alarm(every, rng=rng, detector=detector):
            return detector.enter(float(rng.normal()), rng.random(), "", "higher", every) is not None

        early.append(next(at for at in range(500) if alarm(every=20.0) and at >= 40))
        counted += sum(alarm(every=1000.0) for _ in range(6000))
    assert max(early) < 100, "so few values were known"
    assert counted <= 12 * 6000 / 1000


@pytest.mark.parametrize(
    ("before", "after", "side"),
    [
        (lambda rng, n: rng.random(n) < 0.01, lambda rng, n: rng.random(n) < 0.1, "higher"),
        (lambda rng, n: rng.normal(0.8, 0.1, n), lambda rng, n: rng.normal(0.72, 0.1, n), "lower"),
        (lambda rng, n: rng.lognormal(0, 0.5, n), lambda rng, n: rng.lognormal(0.4, 0.5, n), "higher"),
        (lambda rng, n: rng.poisson(60, n), lambda rng, n: rng.poisson(50, n), "either"),
    ],
    ids=["errors", "a score", "seconds", "lengths"],
)
def test_a_change_is_found_and_dated(before, after, side):
    late, dated = [], []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        found = alarms_of(np.concatenate([before(rng, 1000), after(rng, 600)]), side, every=20_000.0, seed=seed)
        after_it = [each for each in found if int(each.at) >= 1000]
        late.append(int(after_it[0].at) - 1000 if after_it else 600)
        dated.append(abs(int(after_it[0].began) - 1000) if after_it else 600)
    assert np.quantile(late, 0.9) <= 400
    assert np.median(dated) <= 100


def test_a_change_for_the_better_is_none():
    rng = np.random.default_rng(1)
    values = np.concatenate([rng.random(1000) < 0.2, rng.random(1000) < 0.02])
    assert alarms_of(values, "higher", every=20_000.0) == []


def test_a_change_that_lasts_is_found_again():
    rng = np.random.default_rng(2)
    values = np.concatenate([rng.normal(0, 1, 500), rng.normal(2, 1, 1500)])
    found = alarms_of(values, every=10_000.0)
    assert len(found) > 5, "it is still changed"


def test_so_many_values_are_remembered_and_no_more():
    detector = Detector()
    for at in range(REMEMBERED + 50):
        detector.enter(float(at % 7), drawn_place(str(at), "x"), str(at), "higher", 1e9)
    assert (len(detector.known), detector.count) == (REMEMBERED, REMEMBERED + 50)


def test_a_detector_that_was_kept_goes_on():
    rng = np.random.default_rng(4)
    values, places = rng.normal(size=400), rng.random(400)
    whole, kept = Detector(), Detector()
    for at in range(400):
        whole.enter(float(values[at]), places[at], str(at), "higher", 1e6)
        facts = asdict(kept)
        kept = Detector(**{**facts, "evidence": Evidence(**facts["evidence"])})
        kept.enter(float(values[at]), places[at], str(at), "higher", 1e6)
    assert kept == whole


def test_a_place_is_the_same_whenever_it_is_drawn():
    places = [drawn_place(f"r{at}", "price") for at in range(1000)]
    assert places[3] == drawn_place("r3", "price") != drawn_place("r3", "latency")
    assert 0 < min(places) < 0.01 and 0.99 < max(places) < 1
