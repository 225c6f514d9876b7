from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from configs.errors import StackError
from tasks.calling.answer import Answer, Latency, Outcome, Usage
from tasks.data.row import Message
from tasks.serving.served import Served
from tasks.tracking import sending
from tasks.tracking.connection import experiment_of
from tasks.tracking.traces import write_served_traces, write_traces


@pytest.fixture
def write(client):
    """Writes an evaluation's traces into a run of their own and returns those that are there, by row."""
    runs = {}

    def make(evaluation, **more):
        experiment = experiment_of(client, evaluation.candidate.app)
        run = runs.setdefault(evaluation.id, client.create_run(experiment))
        said = write_traces(
            client, experiment, run.info.run_id, run.info.start_time, evaluation, evaluation.metrics, **more
        )
        return said, found(client, experiment, run.info.run_id, spans=len(evaluation.rows) <= 100)

    return make


def found(client, experiment, run_id, spans):
    """Returns the traces of a run by row; without their spans they are read faster."""
    traces, token = [], None
    while True:
        page = client.search_traces(
            locations=[experiment], run_id=run_id, max_results=500, page_token=token, include_spans=spans
        )
        traces += page
        token = page.token
        if not token:
            return {trace.info.client_request_id: trace for trace in traces}


def judgements(trace):
    return {each.name: each for each in trace.info.assessments}


def test_every_row_is_a_trace_with_its_question_answer_tokens_and_scores(write, evaluation):
    said, traces = write(evaluation("rows", 12))
    assert said == "all 12 rows"
    assert set(traces) == {f"r{number}" for number in range(12)}
    trace = traces["r1"]
    root, call = trace.data.spans
    assert root.inputs["question"] == "라크스퍼 텐트는 방수인가요? 1"
    assert root.inputs["context"][0]["id"] == "P01"
    assert root.outputs == call.outputs == "네, 3000 mm까지 방수입니다 [P01]"
    assert call.parent_id == root.span_id
    assert call.inputs["messages"][1] == {"role": "user", "content": "라크스퍼 텐트는 방수인가요? 1"}
    assert trace.info.token_usage == {"input_tokens": 120, "output_tokens": 12, "total_tokens": 132}
    assert trace.info.execution_duration == 250
    marks = judgements(trace)
    assert (marks["contains"].value, marks["contains"].rationale) == (1.0, "사실 1")
    assert marks["expected_response"].value == "yes, 3000 mm"
    assert "price" not in marks


def test_a_scorer_that_failed_is_an_error_of_the_scorer_and_a_target_that_failed_one_of_the_trace(write, evaluation):
    _, traces = write(evaluation("failing", 6, failed={2}, broken={3}))
    assert traces["r2"].info.state == "ERROR"
    assert traces["r2"].data.spans[0].status.description == "the endpoint answered 500"
    assert set(judgements(traces["r2"])) == {"expected_response"}
    assert traces["r3"].info.state == "OK"
    assert judgements(traces["r3"])["contains"].error.error_message == "no reference to compare with"
    assert judgements(traces["r3"])["pii_leak"].value == 0.0


def test_writing_again_writes_nothing_new(write, evaluation, monkeypatch):
    judged = evaluation("twice", 8)
    _, before = write(judged)
    monkeypatch.setattr(sending, "_send", None)
    _, after = write(judged)
    assert {row: len(trace.info.assessments) for row, trace in after.items()} == {
        row: len(trace.info.assessments) for row, trace in before.items()
    }


def test_what_an_interrupted_writing_left_out_is_written(client, write, evaluation, monkeypatch):
    """Half of the traces have no spans, as when the process dies between the two; two are not there at all."""
    judged = evaluation("half", 8)
    start = sending._send

    class Killed(BaseException):
        pass

    def dying(client, experiment, rows):
        start(client, experiment, rows[:3])
        from mlflow.tracing.client import TracingClient

        for row in rows[3:6]:
            TracingClient(client.tracking_uri).start_trace(row.info(experiment))
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(sending, "_send", dying)
        write(judged)
    _, traces = write(judged)
    assert len(traces) == 8
    assert all(len(trace.data.spans) == 2 and len(trace.info.assessments) == 3 for trace in traces.values())


def test_traces_that_do_not_arrive_are_sent_again_and_in_the_end_an_error(write, evaluation, monkeypatch):
    sent = []
    start = sending._send

    def losing(client, experiment, rows):
        sent.append(len(rows))
        start(client, experiment, rows[:2])

    monkeypatch.setattr(sending, "_send", losing)
    _, traces = write(evaluation("lossy", 6))
    assert (sent, len(traces)) == ([6, 4, 2], 6)
    with pytest.raises(StackError, match=r"kept 6 of 10 traces; the first that is missing is r6"):
        write(evaluation("lossier", 10))


def test_of_a_large_evaluation_a_share_of_each_slice_and_everything_flagged(write, evaluation):
    flagged = {7, 70, 110}
    judged = evaluation("large", 120, failed={7}, broken={70}, harmful={110})
    said, written = write(judged, limit=100)
    assert said == f"{len(written)} of 120 rows: a share of each slice, and every flagged one"
    assert 100 <= len(written) <= 103
    assert {f"r{number}" for number in flagged} <= set(written)
    assert all(trace.info.assessments for trace in written.values())
    korean = sum(trace.info.request_preview.startswith("라크스퍼") for trace in written.values())
    assert abs(korean - 50) <= 5


def served(number, **more):
    at = datetime(2026, 11, 20, tzinfo=UTC) + timedelta(seconds=number)
    answer = Answer(f"chat-{number}", Outcome.OK, "네", usage=Usage(10, 2), latency=Latency(0.5))
    one = Served(f"chat-{number}", at, "abc", 3, f"p{number}", (Message("user", f"방수? {number}"),), {}, answer, ())
    return replace(one, **more)


def test_served_requests_are_traces_once_and_their_flags_are_on_them(client):
    requests = [served(number) for number in range(4)]
    requests.append(served(4, flags=("error",), answer=Answer("chat-4", Outcome.APP_ERROR, cause="timed out")))
    for _ in range(2):
        write_served_traces("served", requests)
    write_served_traces("served", [])
    experiment = experiment_of(client, "served")
    traces = {trace.info.client_request_id: trace for trace in client.search_traces(locations=[experiment])}
    assert set(traces) == {f"chat-{number}" for number in range(5)}
    assert traces["chat-1"].info.trace_metadata["lifecycle.candidate"] == "abc"
    assert traces["chat-1"].info.trace_metadata["lifecycle.row"] == "p1"
    assert traces["chat-1"].data.spans[0].inputs["question"] == "방수? 1"
    assert traces["chat-1"].info.assessments == []
    assert [each.name for each in traces["chat-4"].info.assessments] == ["error"]
    assert traces["chat-4"].info.state == "ERROR"
