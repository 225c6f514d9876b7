"""The page as Markdown: what people and models wrote is shown as it is."""

import re

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tasks.pages.compose import compose
from tasks.pages.markdown import _plain, as_markdown

HOSTILE = (
    "| a `b` ![x](http://elsewhere.example/x.png) <script>alert(1)</script> &lt; [l](javascript:x) **c** \\| \x1b[31m"
)


def rendered(text):
    return MarkdownIt("commonmark", {"html": True}).enable("table").render(text)


def test_the_page_has_the_verdict_first_then_the_forest_plot_then_the_rules(evaluated, decided, metrics):
    one, other = evaluated({"contains": [1.0] * 40}), evaluated({"contains": [1.0, 0.0] * 20}, "two")
    rule = {"metric": "contains", "not_worse_than_champion_by": 0.1}
    page = compose(one, other, metrics, rank_by="contains", changed=["contains +0.1"], **decided(one, other, rule))
    html = rendered(as_markdown(page))
    assert html.startswith(f"<h1>{page.headline}</h1>")
    order = [
        html.index(part) for part in ("<code", "o---", "<h2>Rules</h2>", "<h2>Rows that gained most", "<h2>Slices")
    ]
    assert order == sorted(order)
    assert "<td>contains not worse than champion by 0.1</td>\n<td>PASS</td>" in html
    assert "<strong>Changed since the epoch before:</strong> contains +0.1" in html


def test_nothing_that_was_written_by_others_is_markup(evaluated, metrics):
    one = evaluated({"contains": [0.0] * 4}, answers=[HOSTILE] * 4, questions=[HOSTILE] * 4)
    other = evaluated({"contains": [1.0] * 4}, "two")
    html = rendered(as_markdown(compose(one, other, metrics, rank_by="contains")))
    for tag in ("<img", "<script", "<a ", "<em>"):
        assert tag not in html
    cells = re.findall(r"<td>(.*?)</td>", html)
    assert any("**c**" in cell and "![x]" in cell and "&amp;lt;" in cell and "�" in cell for cell in cells)


def test_long_answers_are_cut_and_say_how_long_they_were(evaluated, metrics):
    one, other = evaluated({"contains": [0.0]}, answers=["x" * 5000]), evaluated({"contains": [1.0]}, "two")
    text = as_markdown(compose(one, other, metrics, rank_by="contains"))
    assert "x… (5,000 characters)" in text
    assert "x" * 401 not in text


@given(st.text())
def test_any_text_reads_as_it_was_written(text):
    from html import unescape

    html = rendered(f"begin {_plain(text)} end")
    shown = unescape(re.fullmatch(r"<p>(.*)</p>\n", html, re.DOTALL)[1])
    flat = " ".join(re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", "�", text).split())
    assert " ".join(shown.split()) == " ".join(f"begin {flat} end".split())
