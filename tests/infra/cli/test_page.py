"""A page in the terminal: as wide as that is, and nobody's text steers it."""

import io
import re

import pytest
from rich.console import Console

from infra.cli.page import print_page
from tasks.gating.verdict import Decision, RuleVerdict
from tasks.pages.page import Answered, Line, Measurement, Need, Page, Panel, RowShown, Scored, Side
from tasks.statistics.estimate import Estimate


@pytest.fixture
def page():
    estimate = Estimate(metric="exact", value=0.1, low=0.0, high=0.2, n=40, coverage=1, confidence=0.95, method="t")
    side = Side(
        name="candidate", label="brief · \x1b[31mred", candidate="c1", evaluation="e1", data="shop/full", dataset="d1",
        epoch="first", rows=40, price=0.02, tokens=1000,
    )  # fmt: skip
    line = Line(what="exact ≥ −0.05", estimate=estimate, difference=True, bound=-0.05, says="INCONCLUSIVE")
    rule = RuleVerdict(
        rule="exact not worse than champion by 0.05", metric="exact", decision=Decision.INCONCLUSIVE,
        reason="it may be", estimate=estimate,
    )  # fmt: skip
    answered = Answered(
        answer="no [bold]idea[/] \x1b]0;title\x07", outcome="ok", scores=(Scored(metric="exact", value=0, why=""),)
    )
    row = RowShown(
        row_id="r1", slices="fact", question="Why?", reference="so", one=answered,
        other=answered.model_copy(update={"answer": "x" * 500}), gain=-1,
    )  # fmt: skip
    measured = Measurement(
        metric="exact where kind=fact", dimension="quality", better="higher", slice="kind=fact", one=estimate,
        other=estimate, difference=estimate, differs=True,
    )  # fmt: skip
    need = Need(rule=rule.rule, words="about 300 rows in all, 260 more than were asked", rows=300, price=1, seconds=9)
    return Page(
        headline="INCONCLUSIVE at the release gate: exact +0.1 [+0, +0.2] against the champion (40 of 40 rows asked)",
        decision="INCONCLUSIVE", one=side, other=side.model_copy(update={"name": "champion"}),
        panels=(Panel(title="rules: difference", low=-0.2, high=0.2, lines=(line,)),), rules=(rule,),
        metrics=(), slices=(measured,), costs=(), by=("exact",), worst=(row,) * 5, best=(), unanswered=("2 × down",),
        conclusive="About 300 rows in all would settle it.", needs=(need,), changed=(), notes=("Rows are paired.",),
        links={},
    )  # fmt: skip


def printed(page, width, **options):
    out = io.StringIO()
    print_page(Console(file=out, width=width, highlight=False, **options), page)
    return out.getvalue()


def test_it_holds_all_that_the_page_says(page):
    said = printed(page, 120)
    assert said.startswith("INCONCLUSIVE at the release gate: exact +0.1 [+0, +0.2] against the champion")
    for part in (
        "├", "●", "Rules", "it may be", "Rows that lost most, by exact", "no [bold]idea[/]", "exact 0", "better",
        "without an answer: 2 × down", "What would make it conclusive", "260 more than were asked", "Rows are paired.",
    ):  # fmt: skip
        assert part in said, part


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_it_is_as_wide_as_the_terminal(page, width):
    assert max(map(len, printed(page, width).splitlines())) <= max(width, 80)


def test_no_text_steers_the_terminal(page):
    said = printed(page, 120)
    assert "\x1b" not in said
    assert "\x07" not in said
    assert "�[31mred" in said


def test_colour_only_repeats_what_words_say(page):
    coloured = printed(page, 120, force_terminal=True, color_system="standard")
    assert "\x1b[1;33m" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == printed(page, 120)
