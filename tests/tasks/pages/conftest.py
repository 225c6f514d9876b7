"""Evaluations with answers on disk, the gate that decides on them, and a reader of pages."""

from html.parser import HTMLParser

import pytest

from configs.schema.gate import Gate, Rule
from configs.schema.target import PromptTarget
from tasks.calling.answer import Answer, Latency, Outcome, Usage
from tasks.candidate import Candidate
from tasks.data.row import Message, Row
from tasks.gating.decide import decide
from tasks.results.evaluation import Evaluation
from tasks.results.rows_file import NAME, RowsWriter, read_frames
from tasks.scoring.catalogue import SCORERS
from tasks.scoring.score import Score
from tasks.scoring.usage import USAGE_METRICS
from tasks.statistics.estimates import estimate_all

EMPTY = ("meta", "circle", "line", "path", "polyline", "rect", "br")
SCORED = ("contains", "token_f1", "over_refusal")


class Reader(HTMLParser):
    """Reads a document: its tags with their attributes, its text, and whether every tag is closed in order."""

    def __init__(self, document):
        super().__init__(convert_charrefs=True)
        self.tags, self.text, self.open = [], [], []
        self.feed(document)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
def read_html():
    """Reads an HTML document; see `Reader`."""
    return Reader


@pytest.fixture
def metrics():
    return {name: SCORERS[name].metric for name in SCORED} | USAGE_METRICS


@pytest.fixture
def evaluated(tmp_path, metrics):
    """Makes an evaluation; `values` maps a metric to a value a row, `answers` are texts, None where there is none."""

    def make(values, model="one", answers=None, questions=None, dataset="data", price=0.001, seconds=2.0, cause="down"):
        n = len(next(iter(values.values())))
        texts = answers or [f"answer {at} of {model}" for at in range(n)]
        rows = [
            Row(
                f"r{at}",
                (Message("user", questions[at] if questions else f"question {at}"),),
                reference=f"reference {at}",
                slices={"kind": ("fact", "policy")[at % 2]},
            )
            for at in range(n)
        ]
        told = [
            Answer(row.id, Outcome.OK, text, usage=Usage(10, 5), price=price, latency=Latency(seconds))
            if text is not None
            else Answer(row.id, Outcome.APP_ERROR, "", cause)
            for row, text in zip(rows, texts, strict=True)
        ]
        scores = [
            Score(f"r{at}", metric, value, f"because of {value}")
            for metric, column in values.items()
            for at, value in enumerate(column)
            if value is not None
        ]
        file = tmp_path / model / NAME
        file.parent.mkdir()
        with RowsWriter(file, ["kind"], list(values)) as writer:
            writer.write(rows, told, scores)
        frames = read_frames(file)
        estimates = estimate_all(*frames, metrics, 0.95, ["kind"])
        candidate = Candidate(app="tiny", target=PromptTarget(kind="prompt"), model=model)
        return Evaluation(model, model, candidate, "full", dataset, "first", *frames, estimates, file)

    return make


@pytest.fixture
def decided(metrics):
    """Lets a gate of some rules decide; returns gate and verdict as `compose` takes them."""

    def run(one, other, *rules, **settings):
        gate = Gate(rules=tuple(Rule(**rule) for rule in rules), **settings)
        return {"gate": gate, "verdict": decide("release", gate, one, other, metrics)}

    return run


def share(hits, n):
    return [1.0] * hits + [0.0] * (n - hits)
