"""Requests that wait for a person are found in MLflow by a tag, and what people say of them there is read back."""

from datetime import UTC, datetime

import mlflow
import pytest
from mlflow.entities import AssessmentSource, AssessmentSourceType

from tasks.calling.answer import Answer, Outcome
from tasks.data.row import Message
from tasks.harvesting.picked import Picked, Reason
from tasks.harvesting.queue import Queue
from tasks.harvesting.showing import read_reviews, show_queue
from tasks.serving.record import RecordStore
from tasks.serving.served import Served
from tasks.tracking.reviews import said_of, show_states
from tasks.tracking.traced import trace_id_of
from tasks.tracking.traces import served_key, write_served_traces

AT = datetime(2026, 11, 1, tzinfo=UTC)
HUMAN, CODE = AssessmentSourceType.HUMAN, AssessmentSourceType.CODE


def served(name, question="How dear is the rope?", answer="I do not know."):
    told = Answer(name, Outcome.OK, answer, attempts=1)
    return Served(name, AT, "c" * 16, 1, "", (Message("user", question),), {}, told, ())


def picked(each):
    return Picked(
        each.id,
        1,
        each.at.isoformat(),
        each.candidate,
        "",
        each.messages,
        {},
        each.answer.text,
        "",
        (),
        (Reason("random"),),
    )


def trace_of(request):
    return trace_id_of(served_key(request))


@pytest.fixture
def store(tmp_path):
    with RecordStore(tmp_path / "served.db") as opened:
        yield opened


@pytest.fixture
def queue(tmp_path):
    with Queue(tmp_path / "queue.db") as opened:
        yield opened


@pytest.fixture
def give(client):
    """Gives something to the trace of a request, as the UI does."""
    mlflow.set_tracking_uri(client.tracking_uri)

    def run(request, value, name="review", kind=HUMAN):
        source = AssessmentSource(kind, "kim")
        if name == "expected_response":
            return mlflow.log_expectation(trace_id=trace_of(request), name=name, value=value, source=source)
        return mlflow.log_feedback(trace_id=trace_of(request), name=name, value=value, source=source)

    return run


def test_what_waits_is_found_by_its_tag_and_what_has_no_trace_is_named(client):
    write_served_traces("tagged", [served("tagged-1"), served("tagged-2")])
    assert show_states({"tagged-1": "pending", "tagged-2": "pending", "tagged-gone": "pending"}) == ("tagged-gone",)
    show_states({"tagged-2": "accepted"})
    experiment = client.get_experiment_by_name("tagged").experiment_id
    found = client.search_traces(locations=[experiment], filter_string="tags.review = 'pending'")
    assert [trace.info.client_request_id for trace in found] == ["tagged-1"]


def test_what_people_say_of_what_waits_is_read_and_the_last_word_counts(client, give):
    names = [f"said-{number}" for number in range(6)]
    write_served_traces("said", [served(name) for name in names])
    show_states(dict.fromkeys(names[:5], "pending"))
    give("said-0", "accept")
    give("said-1", "43 dollars. [D3]", "expected_response")
    give("said-2", "reject")
    give("said-2", "unanswerable")
    give("said-3", "accept", kind=CODE)
    give("said-4", True, "vote")
    give("said-5", "accept")
    said = {each.request: (each.state, each.reference, each.who) for each in said_of("said")}
    assert said == {
        "said-0": ("accepted", "", "kim"),
        "said-1": ("corrected", "43 dollars. [D3]", "kim"),
        "said-2": ("unanswerable", "", "kim"),
    }


def test_the_queue_is_shown_caught_up_and_read_back(client, give, store, queue):
    own = served("shown-1", "I am jane@example.com, is the rope dear?")
    store.add_all([own, served("shown-2")])
    clean = served("shown-1", "I am <EMAIL_ADDRESS>, is the rope dear?")
    queue.enter([picked(clean), picked(served("shown-2"))], [], {}, {}, 2)
    assert show_queue("shown", queue, store) == 2
    assert show_queue("shown", queue, store) == 0
    trace = client.get_trace(trace_of("shown-1"))
    assert trace.info.tags["review"] == "pending"
    assert "jane@" not in trace.to_json()
    assert store.untraced(5) == []

    give("shown-1", "Mail 43 dollars to bob@example.com.", "expected_response")
    give("shown-2", "perhaps")
    assert read_reviews("shown", queue) == 1
    assert read_reviews("shown", queue) == 0
    (pick,) = queue.labelled()
    assert (pick.request, pick.reference, pick.who) == ("shown-1", "Mail 43 dollars to <EMAIL_ADDRESS>.", "kim")
    assert show_queue("shown", queue, store) == 1
    assert client.get_trace(trace_of("shown-1")).info.tags["review"] == "corrected"
