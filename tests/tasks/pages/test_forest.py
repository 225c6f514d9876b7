"""The forest plot: panels that share an axis, and their drawing in text."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.pages.compose import compose
from tasks.pages.forest import as_text, axis, beside, drawn, place
from tasks.pages.page import Line, Panel
from tasks.statistics.estimate import Estimate


def line(value, low, high, bound=None, difference=False, says="", what="contains"):
    estimate = Estimate(
        metric="contains", value=value, low=low, high=high, n=30, coverage=1, confidence=0.95, method="t"
    )
    return Line(what=what, estimate=estimate, difference=difference, bound=bound, says=says)


def panel(*lines, low=0.0, high=1.0):
    return Panel(title="rules: value", low=low, high=high, lines=lines)


@pytest.mark.parametrize(
    ("shown", "picture"),
    [
        (line(0.5, 0.3, 0.7), "      ├───●───┤      "),
        (line(0.5, 0.3, 0.7, bound=0.1), "  │   ├───●───┤      "),
        (line(0.5, 0.3, 0.7, bound=0.4), "      ├─┼─●───┤      "),
        (line(0.5, 0.5, 0.5), "          ●          "),
        (line(0.9, 0.7, math.inf), "              ├───●─►"),
        (line(0.9, None, 0.95), "◄─────────────────●┤ "),
        (line(None, None, None, bound=0.5), "          │          "),
    ],
)
def test_a_line_shows_bound_interval_and_value(shown, picture):
    assert drawn(panel(shown), shown, 21) == picture


numbers = st.floats(-1e6, 1e6)


@given(numbers, numbers, numbers, st.none() | numbers, st.integers(5, 80))
def test_a_drawing_is_as_wide_as_it_is_told_and_has_its_value(a, b, c, bound, width):
    low, value, high = sorted((a, b, c))
    shown = line(value, low, high, bound)
    picture = drawn(panel(shown, low=-1e6, high=1e6), shown, width)
    assert len(picture) == width
    assert picture.count("●") == 1
    at = picture.index("●")
    assert abs(at - place(panel(shown, low=-1e6, high=1e6), value) * (width - 1)) <= 0.5


def test_an_axis_of_differences_has_zero_in_its_middle():
    assert axis(panel(line(0.1, 0, 0.2, 0.0, difference=True), low=-0.25, high=0.25), 21) == "−0.25     0     +0.25"
    assert axis(panel(line(0.1, 0, 0.2)), 11) == "0         1"


def test_the_numbers_are_beside_the_line():
    assert beside(line(0.06, 0.01, 0.11, difference=True, says="PASS")) == "+0.06 [+0.01, +0.11] n=30 PASS"
    assert beside(line(0.00001, 0.0, math.inf)) == "0.00001 [0, ∞] n=30"
    assert beside(line(3.2, None, None)) == "3.2 [?, ?] n=30"
    assert beside(line(None, None, None)) == "no row scored"


def test_columns_line_up_whatever_letters_the_names_have():
    from rich.cells import cell_len

    lines = list(as_text([panel(line(0.5, 0.3, 0.7, what="contains where kind=사실"), line(0.5, 0.3, 0.7))], 100))
    assert lines[0] == "rules: value"
    assert len({cell_len(shown[: shown.index("●")]) for shown in lines[1:3]}) == 1
    assert max(map(len, as_text([panel(line(0.5, 0.3, 0.7))], 60))) <= 60


def test_metrics_of_one_unit_share_an_axis_and_rules_have_their_bounds(evaluated, decided, metrics):
    one = evaluated({"contains": [1.0] * 30, "over_refusal": [0.0] * 30}, seconds=1.5)
    other = evaluated({"contains": [1.0] * 30, "over_refusal": [0.0] * 30}, "two", seconds=1.0)
    rules = (
        {"metric": "contains", "at_least": 0.5},
        {"metric": "over_refusal", "at_most": 0.5},
        {"metric": "contains", "not_worse_than_champion_by": 0.05},
        {"metric": "latency_total", "at_most": 5},
        {"metric": "latency_total", "at_most": 5, "quantile": 0.9},
    )
    found = compose(one, other, metrics, rank_by="contains", **decided(one, other, *rules))
    titles = {each.title: [shown.what for shown in each.lines] for each in found.panels}
    assert titles["rules: value on a scale from 0 to 1"] == ["over_refusal ≤ 0.5", "contains ≥ 0.5"]
    assert titles["rules: difference on a scale from 0 to 1"] == ["contains ≥ −0.05"]
    assert titles["rules: value in s"] == ["latency_total ≤ 5"]
    assert titles["rules: share of rows"] == ["latency_total ≤ 5, share ≥ 0.9"]
    assert titles["metrics: difference in s"] == ["latency_total"]
    seconds = next(each for each in found.panels if each.title == "rules: value in s")
    assert (seconds.low, seconds.high) == (0.0, 5.0)


def test_what_is_alike_in_every_row_or_was_not_measured_is_not_drawn(evaluated, metrics):
    one, other = evaluated({"contains": [1.0, 0.0] * 9}), evaluated({"contains": [1.0, 0.0] * 9}, "two")
    found = compose(one, other, metrics, rank_by="contains")
    drawn_lines = {shown.what for each in found.panels for shown in each.lines}
    assert {"output_tokens", "latency_first_token"} & drawn_lines == set()
    assert {"output_tokens", "latency_first_token"} <= {each.metric for each in found.costs}
