"""What the table says of the public task."""

import pytest

from benchmarks.augment.banking77 import banking77, beside


def test_without_its_data_the_row_is_left_out_and_says_how_to_give_them(tmp_path):
    row = banking77(tmp_path, None, quick=True)
    (figure,) = row.figures
    assert (figure.shown, figure.reached, row.reached) == ("–", None, True)
    assert "make bench-augment DATA=PATH" in figure.note


@pytest.mark.parametrize(
    ("own", "others", "words"),
    [
        (60, 95, "the baseline wins, by 0.35 ["),
        (95, 60, "beats the baseline, by 0.35 ["),
        (90, 92, "neither it nor the baseline wins: -0.02 ["),
    ],
)
def test_who_wins_is_said_in_words(own, others, words):
    one, other = ([at < right for at in range(100)] for right in (own, others))
    assert beside(one, other).startswith(words)
