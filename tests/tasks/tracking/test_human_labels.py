"""What people say of traces in MLflow becomes labels of exactly those answers."""

import mlflow
import pytest
from mlflow.entities import AssessmentSource, AssessmentSourceType

from configs.errors import DataError
from tasks.judging.labels import answer_digest
from tasks.tracking.human_labels import human_labels
from tasks.tracking.runs import record_evaluation

HUMAN, MODEL = AssessmentSourceType.HUMAN, AssessmentSourceType.LLM_JUDGE


@pytest.fixture
def traces(client, of_app, evaluation, dataset):
    """Records an evaluation of an app and returns the ids of its traces, by row."""

    def record(app):
        recorded = record_evaluation(of_app(app), evaluation(app, 4), dataset(app, 4), {})
        experiment = client.get_experiment_by_name(app).experiment_id
        found = client.search_traces(locations=[experiment], run_id=recorded.run_id, include_spans=False)
        mlflow.set_tracking_uri(client.tracking_uri)
        return {trace.info.client_request_id: trace.info.trace_id for trace in found}

    return record


def give(trace_id, name, value, kind=HUMAN, who="kim"):
    return mlflow.log_feedback(trace_id=trace_id, name=name, value=value, source=AssessmentSource(kind, who))


def test_what_people_said_is_found_and_what_code_said_is_not(traces):
    of = traces("labelled")
    give(of["r1"], "relevance", 4)
    give(of["r2"], "relevance", "2")
    give(of["r3"], "relevance", 5, kind=MODEL)
    give(of["r3"], "likes", 5)
    labels = human_labels("labelled", ["relevance"])
    assert [(each.row_id, each.value, each.who) for each in labels] == [("r1", 4, "kim"), ("r2", 2, "kim")]
    assert labels[0].answer == answer_digest("네, 3000 mm까지 방수입니다 [P01]")
    assert labels[0].at <= labels[1].at


def test_a_correction_takes_the_place_of_what_was_said_before(traces):
    of = traces("corrected")
    first = give(of["r1"], "relevance", 4)
    mlflow.override_feedback(
        trace_id=of["r1"], assessment_id=first.assessment_id, value=1, source=AssessmentSource(HUMAN, "kim")
    )
    assert [each.value for each in human_labels("corrected", ["relevance"])] == [1]


def test_what_is_no_number_is_refused_with_its_place(traces):
    of = traces("worded")
    give(of["r1"], "relevance", "good")
    with pytest.raises(
        DataError, match=f"MLflow trace {of['r1']}, feedback relevance: label 'good' is no whole number"
    ):
        human_labels("worded", ["relevance"])


def test_an_app_without_traces_has_no_labels(client):
    assert human_labels("nobody", ["relevance"]) == ()
