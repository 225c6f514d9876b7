"""An evaluation is in MLflow while it is asked, and recording it at its end writes nothing twice."""

import asyncio
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from tasks.tracking import sending
from tasks.tracking.connection import experiment_of
from tasks.tracking.following import Following
from tasks.tracking.recording import COMPLETE, KEY, find_run, run_lock
from tasks.tracking.runs import record_evaluation


def follow(evaluation, dataset, parts=3, fail_after=None, then=lambda _: None):
    """Hands an evaluation's rows on as they would be written."""
    table = pq.read_table(evaluation.file, partitioning=None)
    step = -(-table.num_rows // parts)

    async def asked():
        following = Following(evaluation.metrics)
        async with following(evaluation.identity, evaluation.candidate, dataset, evaluation.epoch) as take:
            for number in range(parts):
                if number == fail_after:
                    raise KeyboardInterrupt
                take(table.slice(number * step, step))
        then(evaluation)

    asyncio.run(asked())


@pytest.fixture
def run_of(client):
    """Finds the run of an evaluation."""

    def find(evaluation, key=None):
        experiment = experiment_of(client, evaluation.candidate.app)
        return find_run(client, experiment, "evaluation", key or evaluation.identity)

    return find


@pytest.fixture
def traces_of(client):
    """Returns the traces of a run by row, without their spans."""

    def find(run):
        found = client.search_traces(
            locations=[run.info.experiment_id], run_id=run.info.run_id, max_results=500, include_spans=False
        )
        assert len({trace.info.client_request_id for trace in found}) == len(found)
        return {trace.info.client_request_id: trace for trace in found}

    return find


def test_what_is_answered_is_there_before_the_end_and_not_written_again(
    run_of, traces_of, evaluation, dataset, of_app, monkeypatch
):
    judged, asked = evaluation("followed", 12, failed={2}), dataset("followed", 12)
    follow(judged, asked)
    run = run_of(judged)
    assert run.info.status == "RUNNING"
    assert run.info.run_name == f"{judged.candidate.label} · sample"
    assert COMPLETE not in run.data.tags
    assert run.data.metrics["progress.rows"] == 12
    assert run.data.metrics["progress.failed"] == 1
    before, sent, send = traces_of(run), [], sending._send
    assert set(before) <= {row.id for row in asked.rows} - {"r2"}, "what came to nothing may be asked again"
    monkeypatch.setattr(sending, "_send", lambda *about: (sent.extend(about[2]), send(*about)))
    recorded = record_evaluation(of_app("followed"), judged, asked, judged.metrics)
    assert recorded.run_id == run.info.run_id
    assert len(sent) == 12 - len(before), "only what MLflow has lost is sent again"
    after = run_of(judged)
    assert after.info.status == "FINISHED"
    assert after.data.tags["lifecycle.traces"] == "all 12 rows"
    times = [trace.info.request_time for trace in traces_of(run).values()]
    assert len(set(times)) == len(times), "each row at its own place"


def test_an_evaluation_that_ends_partial_takes_the_run_over(run_of, evaluation, dataset, of_app):
    whole = evaluation("partial", 8, failed={1})
    partial = replace(whole, id="partial-of-it")
    follow(partial, dataset("partial", 8))
    begun = run_of(partial)
    recorded = record_evaluation(of_app("partial"), partial, dataset("partial", 8), whole.metrics)
    assert recorded.run_id == begun.info.run_id
    assert run_of(partial) is None, "the whole evaluation will have a run of its own"
    assert run_of(partial, "partial-of-it").data.tags[KEY] == "partial-of-it"


def test_rows_that_fail_again_leave_the_one_run_that_is_there(run_of, traces_of, evaluation, dataset, of_app):
    partial, asked = replace(evaluation("again", 6, failed={1}), id="partial-again"), dataset("again", 6)
    for _ in range(2):
        follow(partial, asked)
        record_evaluation(of_app("again"), partial, asked, partial.metrics)
    assert run_of(partial) is None, "what was begun the second time is gone"
    assert len(traces_of(run_of(partial, "partial-again"))) == 6


def test_whoever_writes_the_same_run_already_keeps_it(run_of, evaluation, dataset, of_app):
    partial, asked = replace(evaluation("theirs", 6, failed={1}), id="partial-theirs"), dataset("theirs", 6)
    follow(partial, asked)
    begun = run_of(partial)
    with run_lock("theirs", "evaluation", partial.identity):
        recorded = record_evaluation(of_app("theirs"), partial, asked, partial.metrics)
    assert recorded.run_id != begun.info.run_id
    assert run_of(partial).info.run_id == begun.info.run_id


def test_a_run_that_broke_off_says_so_and_is_written_on_without_doubles(run_of, traces_of, evaluation, dataset):
    judged, asked = evaluation("broken", 9), dataset("broken", 9)
    with pytest.raises(KeyboardInterrupt):
        follow(judged, asked, fail_after=2)
    run = run_of(judged)
    assert run.info.status == "FAILED"
    before = traces_of(run)
    assert len(before) <= 6
    follow(judged, asked)
    assert run_of(judged).info.status == "RUNNING"
    after = traces_of(run)
    assert len(after) == 9
    assert all(len(after[row].info.assessments) == len(trace.info.assessments) for row, trace in before.items())


def test_a_complete_run_is_left_alone(run_of, evaluation, dataset, of_app):
    judged, asked = evaluation("complete", 4), dataset("complete", 4)
    record_evaluation(of_app("complete"), judged, asked, judged.metrics)
    before = run_of(judged)
    follow(judged, asked)
    after = run_of(judged)
    assert after.info.status == "FINISHED"
    assert after.data.metrics == before.data.metrics


def test_of_what_no_row_answered_there_is_no_run(run_of, evaluation, dataset):
    judged = evaluation("dead", 6, failed=range(6))
    follow(judged, dataset("dead", 6))
    assert run_of(judged) is None


def test_without_mlflow_the_asking_goes_on(evaluation, dataset):
    judged, done = evaluation("alone", 4), []
    follow(judged, dataset("alone", 4), then=done.append)
    assert done == [judged]
