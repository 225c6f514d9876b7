"""What chance draws speaks for all, and is drawn again in every run."""

import random
from statistics import fmean

import pytest

from tasks.harvesting.chance import draw_of, place_of
from tasks.harvesting.foremost import Foremost


@pytest.mark.parametrize(
    ("requests", "share", "at_most", "size"),
    [(0, 0.5, 9, 0), (3, 0.02, 9, 1), (100, 0.07, 50, 7), (1000, 0.1, 50, 50), (10, 0, 9, 0), (10, 1, 0, 0)],
)
def test_the_size_is_a_share_and_no_more_than_allowed(requests, share, at_most, size):
    draw = draw_of(requests, share, at_most)
    assert draw.size == size
    assert draw.probability == (size / requests if requests else 0)


def test_weighted_by_one_over_its_probability_what_is_drawn_estimates_the_whole():
    chance = random.Random(7)  # noqa: S311 a simulation
    estimates = []
    for turn in range(300):
        # Two harvests of different sizes, and different shares of failures.
        whole = {f"{turn}-{at}": float(chance.random() < (0.6 if at < 40 else 0.1)) for at in range(240)}
        parts = ([name for name in whole if int(name.split("-")[1]) < 40], list(whole)[40:])
        total = 0.0
        for part in parts:
            draw = draw_of(len(part), 0.1, 12)
            drawn = sorted(part, key=place_of)[: draw.size]
            total += sum(whole[name] / draw.probability for name in drawn)
        estimates.append(total - sum(whole.values()))
    # The mean error of 300 estimates, whose standard error is about 1.1 of some 44 failures.
    assert abs(fmean(estimates)) < 3.5


@pytest.mark.parametrize("limit", [0, 1, 5, 50])
def test_the_foremost_are_those_of_a_sorted_list(limit):
    chance = random.Random(3)  # noqa: S311 a simulation
    entries = [(f"r{at}", chance.random(), float(chance.randrange(4))) for at in range(30)]
    foremost = Foremost(limit)
    for request, place, weight in entries:
        foremost.add(request, place, weight)
    ordered = sorted(entries, key=lambda each: (-each[2], each[1]))
    assert [request for request, _ in foremost.first(limit)] == [each[0] for each in ordered[:limit]]
    assert foremost.count == 30
