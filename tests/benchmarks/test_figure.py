"""When a figure, and a row of them, counts as reached."""

import math

import pytest

from benchmarks.figure import Figure, Reach, Row
from benchmarks.page import write


@pytest.mark.parametrize(
    ("value", "reach", "reached"),
    [
        (0.97, Reach(at_least=0.97), True),
        (0.9699, Reach(at_least=0.97), False),
        (1.3, Reach(at_most=1.3), True),
        (1.31, Reach(at_most=1.3), False),
        (2, Reach(1, 1), False),
        (math.nan, Reach(at_most=1.3), False),  # measuring it failed
        (math.nan, Reach(), False),
        (None, Reach(at_most=1.3), None),  # there was nothing to measure
        (5.0, Reach(), None),  # told, not judged
    ],
)
def test_a_figure_is_reached_within_its_bounds(value, reach, reached):
    assert Figure("x", value, reach).reached is reached


def test_what_was_left_out_does_not_fail_a_row_and_what_was_missed_does():
    left_out, kept, missed = (Figure("x", value, Reach(at_least=1)) for value in (None, 1.0, 0.5))
    assert Row(1, "", "", (left_out, kept)).reached
    assert not Row(1, "", "", (left_out, kept, missed)).reached


def test_the_page_shows_misses_as_they_are(tmp_path):
    figures = (Figure("told 64", 0.5, Reach(at_least=0.97), 3, note="150/s"), Figure("peer", None, Reach(at_least=2)))
    page = tmp_path / "benchmarks.md"
    write("Title", "make it", "About.", {"openai": "1.0"}, [Row(1, "Rate", "By the clock.", figures)], page)
    text = page.read_text()
    assert "| 1 | told 64 | 0.500 | ≥ 0.970 | **no** | 150/s |" in text
    assert "|  | peer | – | ≥ 2.00 | – |  |" in text
    assert "1. **Rate.** By the clock." in text
