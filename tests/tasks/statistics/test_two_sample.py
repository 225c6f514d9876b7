"""Two sets of vectors are told apart by permutations, whose rank is uniform where there is nothing to tell."""

import numpy as np
from scipy.stats import kstest

from tasks.statistics.novelty import new_groups
from tasks.statistics.two_sample import likeness, most_changed, permutation_rank


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def around(rng, centre, count, spread=0.3):
    return unit(np.eye(16)[centre] + spread * rng.normal(size=(count, 16)))


def rank_of(known, fresh, rng):
    return permutation_rank(known, fresh, 4.0, rng)


def mixed(rng, shares, count):
    return np.vstack([around(rng, int(centre), 1) for centre in rng.choice(len(shares), count, p=shares)])


def test_the_rank_is_uniform_where_both_are_alike():
    rng = np.random.default_rng(5)
    ranks = [rank_of(mixed(rng, [0.5, 0.3, 0.2], 40), mixed(rng, [0.5, 0.3, 0.2], 20), rng) for _ in range(100)]
    assert kstest(ranks, "uniform").pvalue > 0.01


def test_the_rank_is_small_where_mass_has_moved():
    rng = np.random.default_rng(6)
    ranks = [rank_of(mixed(rng, [0.7, 0.2, 0.1], 200), mixed(rng, [0.3, 0.2, 0.5], 100), rng) for _ in range(5)]
    assert max(ranks) < 0.01


def test_the_same_draw_gives_the_same_rank():
    rng = np.random.default_rng(7)
    known, fresh = mixed(rng, [0.5, 0.5], 50), mixed(rng, [0.5, 0.5], 20)
    ranks = {rank_of(known, fresh, np.random.default_rng([1, 2])) for _ in range(3)}
    assert len(ranks) == 1 and 0 < ranks.pop() < 1


def test_texts_that_are_all_the_same_say_nothing():
    rng = np.random.default_rng(8)
    for text in (np.zeros((1, 16), np.float32), around(rng, 3, 1)):
        known, fresh = np.repeat(text, 150, axis=0), np.repeat(text, 50, axis=0)
        ranks = [rank_of(known, fresh, np.random.default_rng(seed)) for seed in range(40)]
        assert kstest(ranks, "uniform").pvalue > 0.01
    assert likeness(np.zeros((2, 16), np.float32), np.zeros((2, 16), np.float32), 4.0).max() < 0.01


def test_what_there_is_more_of_is_named_once():
    rng = np.random.default_rng(9)
    known, fresh = mixed(rng, [0.5, 0.5, 0, 0], 200), np.vstack([mixed(rng, [0.5, 0.5], 40), around(rng, 3, 20, 0.05)])
    typical = most_changed(known, fresh, 4.0, 3)
    assert typical[0] >= 40
    assert sum(at >= 40 for at in typical) == 1


def test_a_group_far_from_everything_known_is_found_and_single_ones_are_not():
    rng = np.random.default_rng(10)
    known = mixed(rng, [0.5, 0.5], 300)
    lonely = np.vstack([around(rng, centre, 1, 0.05) for centre in range(5, 9)])
    fresh = np.vstack([mixed(rng, [0.5, 0.5], 60), lonely, around(rng, 12, 12, 0.05)])
    [group] = new_groups(known, fresh)
    assert set(group.members) == set(range(64, 76))
    assert new_groups(known, mixed(rng, [0.5, 0.5], 60)) == ()


def test_what_was_always_said_word_for_word_is_no_group():
    rng = np.random.default_rng(11)
    said = around(rng, 3, 1)
    known, fresh = np.repeat(said, 160, axis=0), np.repeat(said, 50, axis=0)
    assert new_groups(known, fresh) == ()
    repeated = np.vstack([fresh, np.repeat(around(rng, 9, 1), 12, axis=0)])
    [group] = new_groups(np.vstack([known, known]), repeated)
    assert set(group.members) == set(range(50, 62))
