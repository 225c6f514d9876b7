"""Evaluations made of scores given directly."""

from dataclasses import replace

import pytest

from configs.schema.target import PromptTarget
from tasks.calling.answer import Answer, Latency, Outcome, Usage
from tasks.candidate import Candidate
from tasks.data.row import Message, Row
from tasks.results.evaluation import Evaluation, evaluation_id
from tasks.results.frames import to_frames
from tasks.results.rows_file import NAME, RowsWriter
from tasks.scoring.score import Score


@pytest.fixture
def evaluate():
    """Makes an evaluation; `values` maps a metric to a value a row: a number, None (does not apply) or an outcome."""

    def make(
        values,
        model="one",
        ids=None,
        clusters=None,
        kinds=None,
        seconds=None,
        dataset="data",
        epoch="first",
        repeats=None,
    ):
        n = len(next(iter(values.values())))
        ids = ids or [f"r{number}" for number in range(n)]
        rows = [
            Row(
                ids[at],
                (Message("user", "q"),),
                cluster=clusters[at] if clusters else ids[at],
                slices={"kind": kinds[at] if kinds else ""},
                repeat=repeats[at] if repeats else 0,
            )
            for at in range(n)
        ]
        answers = [
            Answer(
                ids[at], Outcome.OK, "a", usage=Usage(10, 5), price=0.0, latency=Latency(seconds[at] if seconds else 1)
            )
            for at in range(n)
        ]
        scores = [
            Score(ids[at], metric, None, "", value) if isinstance(value, Outcome) else Score(ids[at], metric, value)
            for metric, column in values.items()
            for at, value in enumerate(column)
        ]
        candidate = Candidate(app="tiny", target=PromptTarget(kind="prompt"), model=model)
        name = evaluation_id(candidate.digest, dataset, (), epoch)
        return Evaluation(name, name, candidate, "sample", dataset, epoch, *to_frames(rows, answers, scores), ())

    return make


@pytest.fixture
def save():
    """Saves an evaluation that was made of scores: whole rows it has none."""

    def run(store, evaluation):
        with store.part() as part:
            with RowsWriter(part / NAME, (), ()):
                pass
            return store.save(replace(evaluation, file=part / NAME))

    return run
