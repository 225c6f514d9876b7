"""The page as one HTML file: it needs nothing else, and nothing in it is the mark-up of a user or a model."""

import pytest

from tasks.pages.compose import compose
from tasks.pages.html import as_html

HOSTILE = "</td><script>alert(1)</script><img src=http://elsewhere.example/x onerror=alert(2)>&lt; \"'"


@pytest.fixture
def page(evaluated, decided, metrics):
    one = evaluated({"contains": [0.0, 1.0] * 30}, answers=[HOSTILE] * 60, questions=[HOSTILE] * 60)
    other = evaluated({"contains": [1.0] * 60}, "two", answers=["long " * 400] * 60)
    rules = ({"metric": "contains", "not_worse_than_champion_by": 0.1}, {"metric": "latency_total", "at_most": 5})
    links = {"every row in MLflow": "http://127.0.0.1:5000/#/experiments/1"}
    return compose(one, other, metrics, rank_by="contains", links=links, **decided(one, other, *rules))


def test_it_needs_no_other_file_host_or_script(page, read_html):
    read = read_html(as_html(page))
    assert not {"script", "img", "iframe", "object", "embed", "link", "base", "form"} & {tag for tag, _ in read.tags}
    addresses = [value for _, attributes in read.tags for name, value in attributes.items() if name in ("src", "href")]
    assert addresses == ["http://127.0.0.1:5000/#/experiments/1"]
    assert not any(name.startswith("on") for _, attributes in read.tags for name in attributes)
    document = as_html(page)
    assert "url(" not in document
    assert "@import" not in document
    (policy,) = [meta["content"] for meta in read.all("meta") if "http-equiv" in meta]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"


def test_what_people_and_models_wrote_is_text(page, read_html):
    read = read_html(as_html(page))
    assert "".join(read.text).count(HOSTILE) >= 10


def test_long_texts_are_folded_and_whole(page, read_html):
    read = read_html(as_html(page))
    assert len(read.all("details")) == len(page.worst)
    assert "long " * 400 in "".join(read.text)


def test_every_line_of_the_forest_plot_is_drawn_and_said_in_words(page, read_html):
    read = read_html(as_html(page))
    lines = [line for panel in page.panels for line in panel.lines]
    pictures = read.all("svg")
    assert len(pictures) == len(lines)
    assert pictures[0]["aria-label"].startswith("−0.5 [")
    assert pictures[0]["aria-label"].endswith("FAIL, bound −0.1")
    for circle in read.all("circle"):
        assert 6 <= float(circle["cx"]) <= 346


def test_the_first_heading_is_the_verdict(page):
    document = as_html(page)
    assert f"<h1>{page.headline}</h1>" in document
    assert document.index("<h1>") < document.index("<svg") < document.index("<h2>Rules</h2>")
    for title in ("Rows that lost most, by contains", "Slices", "Cost", "What would make it conclusive"):
        assert f"<h2>{title}</h2>" in document


def test_an_end_that_is_open_is_drawn_as_an_arrow(page, read_html):
    panel = page.panels[0]
    line = panel.lines[0]
    opened = line.model_copy(update={"estimate": line.estimate.model_copy(update={"high": float("inf")})})
    changed = page.model_copy(update={"panels": (panel.model_copy(update={"lines": (opened,)}),)})
    read = read_html(as_html(changed))
    assert read.all("path")[0]["d"].endswith("l5 5l-5 5")


@pytest.mark.parametrize("answered", [True, False])
def test_a_page_of_one_side_alone_is_whole_too(evaluated, metrics, answered, read_html):
    one = evaluated({"contains": [1.0, 0.0] if answered else [None, None]}, answers=None if answered else [None, None])
    read = read_html(as_html(compose(one, None, metrics, rank_by="contains")))
    assert ("2 × down" in read.text) is not answered
