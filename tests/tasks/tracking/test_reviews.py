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
from tasks.tracking.traces import redacted_key, served_key, write_served_traces

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


def trace_of(request, key=served_key):
    return trace_id_of(key(request))


@pytest.fixture
def store(tmp_path):
    with RecordStore(tmp_path / "served.db") as opened:
        yield opened


@pytest.fixture
def queue(tmp_path):
    with Queue(tmp_path / "queue.db") as opened:
        yield opened


@pytest.fixture
def waiting(client):
    """Finds the traces of an app that wait for a person, as the UI does, by request."""

    def find(app):
        experiment = client.get_experiment_by_name(app).experiment_id
        found = client.search_traces(locations=[experiment], filter_string="tags.review = 'pending'")
        return {trace.info.client_request_id: trace for trace in found}

    return find


@pytest.fixture
def give(client):
    """Gives something to the trace of a request, or to its redacted copy, as the UI does."""
    mlflow.set_tracking_uri(client.tracking_uri)

    def run(request, value, name="review", kind=HUMAN, key=served_key):
        source = AssessmentSource(kind, "kim")
        if name == "expected_response":
            return mlflow.log_expectation(trace_id=trace_of(request, key), name=name, value=value, source=source)
        return mlflow.log_feedback(trace_id=trace_of(request, key), name=name, value=value, source=source)

    return run


def test_what_waits_is_found_by_its_tag_and_what_has_no_trace_is_named(client, waiting):
    write_served_traces("tagged", [served("tagged-1"), served("tagged-2")])
    assert show_states({"tagged-1": "pending", "tagged-2": "pending", "tagged-gone": "pending"}) == ("tagged-gone",)
    show_states({"tagged-2": "accepted"})
    assert list(waiting("tagged")) == ["tagged-1"]


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


def test_the_queue_is_shown_caught_up_and_read_back(client, give, waiting, store, queue):
    own = served("shown-1", "I am jane@example.com, is the rope dear?")
    store.add_all([own, served("shown-2")])
    clean = served("shown-1", "I am <EMAIL_ADDRESS>, is the rope dear?")
    queue.enter([picked(clean), picked(served("shown-2"))], [], {}, {}, 2)
    assert show_queue("shown", queue, store) == 2
    assert show_queue("shown", queue, store) == 0
    found = waiting("shown")
    assert {request: trace.info.trace_id for request, trace in found.items()} == {
        "shown-1": trace_of("shown-1", redacted_key),
        "shown-2": trace_of("shown-2"),
    }
    assert "jane@" not in found["shown-1"].to_json()
    assert [each.id for each in store.untraced(5)] == ["shown-1"], "the copy is not its own trace"

    give("shown-1", "Mail 43 dollars to bob@example.com.", "expected_response", key=redacted_key)
    give("shown-2", "perhaps")
    assert read_reviews("shown", queue) == 1
    assert read_reviews("shown", queue) == 0
    (pick,) = queue.labelled()
    assert (pick.request, pick.reference, pick.who) == ("shown-1", "Mail 43 dollars to <EMAIL_ADDRESS>.", "kim")
    assert show_queue("shown", queue, store) == 1
    assert client.get_trace(trace_of("shown-1", redacted_key)).info.tags["review"] == "corrected"
    assert list(waiting("shown")) == ["shown-2"]


def test_a_trace_with_personal_data_that_is_there_already_never_waits(client, waiting, store, queue):
    own = served("raw-1", answer="Ask jane@example.com.")
    store.add_all([own, served("raw-2")])
    write_served_traces("raw", [own, served("raw-2")])
    show_states({"raw-1": "pending"})
    queue.enter([picked(served("raw-1", answer="Ask <EMAIL_ADDRESS>.")), picked(served("raw-2"))], [], {}, {}, 2)
    assert show_queue("raw", queue, store) == 2
    found = waiting("raw")
    assert set(found) == {"raw-1", "raw-2"}
    assert found["raw-1"].info.trace_id == trace_of("raw-1", redacted_key)
    assert "Ask <EMAIL_ADDRESS>." in found["raw-1"].to_json() and "jane@" not in found["raw-1"].to_json()
    assert found["raw-2"].info.trace_id == trace_of("raw-2")
    raw = client.get_trace(trace_of("raw-1"))
    assert "jane@" in raw.to_json() and "review" not in raw.info.tags
