import numpy as np
import pytest

from tasks.statistics.two_arms import difference, evidence_above, gains_of_arms, gains_of_pairs

ENOUGH = np.log(20)


def drawn(rng, count, old, new, share=0.2):
    arm = rng.random(count) < share
    values = np.where(arm, rng.random(count) < new, rng.random(count) < old).astype(float)
    return gains_of_arms(arm, np.full(count, share), np.arange(count), values)


def test_the_mean_gain_is_the_difference_of_the_arms():
    rng = np.random.default_rng(1)
    means = [drawn(rng, 4000, 0.8, 0.7).values.mean() for _ in range(40)]
    assert np.mean(means) == pytest.approx(-0.1, abs=0.01)


def test_evidence_comes_for_what_is_so_and_not_for_what_is_not():
    rng = np.random.default_rng(2)
    worse = [evidence_above(drawn(rng, 3000, 0.8, 0.7).mirrored, 0.0).max() >= ENOUGH for _ in range(60)]
    equal = [evidence_above(drawn(rng, 3000, 0.8, 0.8).mirrored, 0.0).max() >= ENOUGH for _ in range(200)]
    assert np.mean(worse) >= 0.9
    assert np.mean(equal) <= 0.08, "more false alarms than the level leaves"


def test_a_difference_as_large_as_the_margin_is_not_called_smaller():
    rng = np.random.default_rng(3)
    fine = [evidence_above(drawn(rng, 3000, 0.8, 0.75), -0.05).max() >= ENOUGH for _ in range(200)]
    assert np.mean(fine) <= 0.08


def test_people_who_ask_much_and_differ_do_not_make_it_more_certain_than_it_is():
    rng = np.random.default_rng(4)

    def of_few(people=60, each=40):
        rates = rng.beta(0.5, 0.5, people)
        arm = rng.random(people) < 0.2
        who = rng.permutation(np.repeat(np.arange(people), each))
        values = (rng.random(who.size) < rates[who]).astype(float)
        return gains_of_arms(arm[who], np.full(who.size, 0.2), who, values)

    found = [evidence_above(of_few().mirrored, 0.0).max() >= ENOUGH for _ in range(200)]
    assert np.mean(found) <= 0.08


def test_a_share_that_grows_leaves_the_mean_what_it_is():
    rng = np.random.default_rng(5)

    def grown():
        place, count = rng.random(1500), 3000
        who, share = np.tile(np.arange(1500), 2), np.repeat([0.05, 0.2], 1500)
        arm = place[who] < share
        values = np.where(arm, rng.random(count) < 0.6, rng.random(count) < 0.8).astype(float)
        return gains_of_arms(arm, share, who, values)

    assert np.mean([grown().values.mean() for _ in range(60)]) == pytest.approx(-0.2, abs=0.03)
    assert np.mean([evidence_above(grown().mirrored, 0.0).max() >= ENOUGH for _ in range(40)]) >= 0.9


def test_an_answer_without_a_value_is_left_out():
    arm, share = np.array([True, False, True]), np.full(3, 0.5)
    values = np.array([1.0, 0.0, np.nan])
    left = gains_of_arms(arm, share, np.arange(3), values)
    assert left.values.tolist() == gains_of_arms(arm[:2], share[:2], np.arange(2), values[:2]).values.tolist()


def test_pairs_count_a_person_once():
    gains = gains_of_pairs(np.array([7, 7, 8]), np.array([1.0, 0.0, -1.0]))
    assert gains.values.tolist() == [0.5, -1.0]


def test_the_interval_holds_the_difference():
    rng = np.random.default_rng(6)
    held = []
    for _ in range(30):
        found = difference(drawn(rng, 1500, 0.8, 0.7), 0.95)
        held.append(found.low <= -0.1 <= found.high)
    assert np.mean(held) >= 0.9


@pytest.mark.parametrize("values", [[], [np.nan]])
def test_nobody_says_nothing(values):
    nobody = gains_of_pairs(np.arange(len(values)), np.array(values, dtype=float))
    assert evidence_above(nobody, 0.0).tolist() == [0.0]
    assert difference(nobody, 0.95) is None
