"""A look is worse where it is above the best by more than noise; recorded losses say so, without a training."""

import math
import random

import pytest

from configs.schema.finetune import Finetune
from tasks.tuning.stopping import Look, may_end_early

TOKENS = (12, 30, 9, 14, 22, 8, 17, 11, 25, 13, 10, 19, 16, 12, 28, 9, 15, 21, 13)
LOSSES = (
    0.6,
    0.21,
    0.74,
    0.35,
    1.32,
    0.48,
    0.19,
    0.66,
    0.92,
    0.31,
    0.57,
    1.08,
    0.43,
    0.25,
    0.83,
    0.39,
    0.52,
    0.71,
    0.28,
)
BEST = tuple(tokens * loss for tokens, loss in zip(TOKENS, LOSSES, strict=True))


def moved(differences, tokens=TOKENS):
    """A look whose rows differ from the best by so much a token."""
    return Look(tuple(best + each * own for best, each, own in zip(BEST, differences, tokens, strict=True)), tokens)


def test_the_mean_is_of_a_token():
    assert Look((2.0, 4.0), (4, 2)).mean == 1


def test_what_is_above_in_most_rows_is_worse_and_what_is_above_in_a_few_is_not():
    steadily = [0.02 + 0.01 * (at % 3 - 1) for at in range(19)]
    assert moved(steadily).is_worse_than(BEST)
    by_one_row = [0.4] + [0.0] * 18
    assert moved(by_one_row).mean > Look(BEST, TOKENS).mean
    assert not moved(by_one_row).is_worse_than(BEST)
    up_and_down = [0.1 if at % 2 else -0.08 for at in range(19)]
    assert moved(up_and_down).mean > Look(BEST, TOKENS).mean
    assert not moved(up_and_down).is_worse_than(BEST)


def test_the_error_is_that_of_a_ratio_as_the_jackknife_finds_it():
    chance = random.Random(5)  # noqa: S311
    differences = [chance.gauss(0.02, 0.1) for _ in TOKENS]
    summed = [each * own for each, own in zip(differences, TOKENS, strict=True)]
    whole = sum(summed) / sum(TOKENS)
    without = [(sum(summed) - one) / (sum(TOKENS) - own) for one, own in zip(summed, TOKENS, strict=True)]
    error = math.sqrt(sum((each - whole) ** 2 for each in without) * 18 / 19)
    # Moved as a whole, a look crosses the line where the difference is one error.
    for share, worse in ((0.9, False), (1.1, True)):
        shift = share * error - whole
        assert moved([each + shift for each in differences]).is_worse_than(BEST) is worse


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_no_number_is_worse(loss):
    assert Look((loss, *BEST[1:]), TOKENS).is_worse_than(BEST)


def test_without_losses_of_rows_or_with_a_single_row_any_difference_counts():
    assert moved([0.0001] + [0.0] * 18).is_worse_than(())
    assert Look((1.01,), (3,)).is_worse_than((1.0,))


@pytest.mark.parametrize(
    ("settings", "rows", "held_out", "may"),
    [
        ({"steps": 40, "look_every": 10, "patience": 3}, 400, 19, False),
        ({"steps": 41, "look_every": 10, "patience": 3}, 400, 19, True),
        ({"steps": 60, "look_every": 10, "patience": 3}, 400, 19, True),
        ({"steps": 60, "look_every": 10, "patience": 3}, 400, 0, False),
        ({"epochs": 3, "batch": 8, "look_every": 10, "patience": 3}, 400, 19, True),
        ({"epochs": 1, "batch": 8, "look_every": 20, "patience": 3}, 400, 19, False),
    ],
)
def test_a_training_may_end_early_where_there_are_looks_enough(settings, rows, held_out, may):
    assert may_end_early(rows, held_out, Finetune(**settings)) is may
