"""A served request that was added is there after a crash, whole, and is found by when, by whom and for which row."""

import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from tasks.calling.answer import Answer, Latency, Outcome, Passage, ToolCall, Usage
from tasks.data.row import Message
from tasks.data.tool_turn import ToolTurn
from tasks.serving.record import RecordStore
from tasks.serving.record_file import RecordError
from tasks.serving.served import EmbeddedTexts, Served

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def served(number=1, **changes):
    answer = Answer(
        row_id=f"r{number}",
        outcome=Outcome.OK,
        text="네, 방수입니다. Yes, it is waterproof.",
        messages=(Message("system", "Be short."), Message("user", "방수인가요?")),
        context=(Passage("tent-1", "Waterproof to 3,000 mm.", 0.75),),
        usage=Usage(20, 9, 4),
        latency=Latency(0.5, 0.1, 0.05),
        price=0.0001,
        attempts=1,
    )
    values = {
        "id": f"r{number}",
        "at": NOON + timedelta(minutes=number),
        "candidate": "c1",
        "version": 3,
        "row_id": f"row-{number}",
        "messages": (Message("user", "방수인가요? Is it waterproof?"),),
        "columns": {"question": "방수인가요?"},
        "answer": answer,
    }
    return Served(**(values | changes))


def failed(number, outcome=Outcome.APP_ERROR):
    return served(number, answer=Answer(f"r{number}", outcome, cause="the model refused", attempts=1))


@pytest.fixture
def store(tmp_path):
    with RecordStore(tmp_path / "served" / "shop.db") as opened:
        yield opened


def test_a_request_comes_back_as_it_was(store):
    store.add(served())
    store.add(failed(2))
    assert store.window(NOON, NOON + timedelta(hours=1)) == [served(), failed(2)]


def test_tools_and_a_fallback_come_back_too(store):
    calls = [{"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}]
    turn = ToolTurn("assistant", "", {"tool_calls": calls})
    answer = Answer("r1", Outcome.OK, tool_calls=(ToolCall("c2", "weather", '{"도시": 1}'),), attempts=1)
    passed = {"tools": [{"type": "function"}], "turns": [turn._asdict()]}
    added = served(messages=(turn, Message("user", "Well?")), answer=answer, passed=passed, fallback="spare")
    store.add(added)
    [found] = store.window(NOON, NOON + timedelta(hours=1))
    assert found == added and not found.is_candidates_answer
    assert found.messages[0]._asdict() == {"role": "assistant", "content": None, "tool_calls": calls}


def test_a_file_of_an_earlier_release_is_read_and_written(store):
    store.add(served())
    with sqlite3.connect(store.path) as earlier:
        for column in ("passed", "tool_calls", "fallback"):
            earlier.execute(f"ALTER TABLE served DROP COLUMN {column}")
        earlier.execute("DROP TABLE embedded")
    with RecordStore(store.path) as opened:
        opened.add(served(2, fallback="spare"))
        assert opened.window(NOON, NOON + timedelta(hours=1)) == [served(), served(2, fallback="spare")]


def test_what_texts_cost_that_were_embedded_counts_as_spent(store):
    store.add(served(key="lk-1"))
    store.add_all([EmbeddedTexts(NOON, "lk-1", 2, 9, 0.5)])
    store.add_all([EmbeddedTexts(NOON, "lk-2", 2, 9, 0.5)])
    assert store.spent("lk-1", NOON) == pytest.approx(0.5001)
    assert store.spent("lk-1", NOON + timedelta(hours=1)) == 0


def test_what_was_added_is_on_the_disk_before_anything_is_closed(store):
    store.add(served())
    with sqlite3.connect(store.path) as other:
        assert other.execute("SELECT answer FROM served").fetchone() == (served().answer.text,)
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_window_takes_its_beginning_and_not_its_end(store):
    for number in range(4):
        store.add(served(number))
    found = store.window(NOON + timedelta(minutes=1), NOON + timedelta(minutes=3))
    assert [each.id for each in found] == ["r1", "r2"]


def test_a_window_of_one_candidate(store):
    store.add(served(1))
    store.add(served(2, candidate="c2"))
    assert [each.id for each in store.window(NOON, NOON + timedelta(hours=1), "c2")] == ["r2"]


def test_rows_count_as_answered_by_a_candidate_only_where_it_answered_them(store):
    store.add(served(1))
    store.add(failed(2))
    store.add(served(3, candidate="c2"))
    store.add(served(4, row_id=""))
    assert store.answered_rows("c1") == {"row-1"}


def test_flags_then_traces(store):
    store.add(served(1))
    store.add(served(2))
    assert [each.id for each in store.unflagged(1)] == ["r1"]
    assert store.untraced(10) == []
    store.flag([("r1", ["abstained"])])
    assert [each.id for each in store.unflagged(10)] == ["r2"]
    store.flag([("r2", [])])
    assert [each.flags for each in store.untraced(10)] == [("abstained",), ()]
    store.mark_traced(["r1"])
    assert [each.id for each in store.untraced(10)] == ["r2"]


def test_the_same_request_is_not_recorded_twice(store):
    store.add(served())
    with pytest.raises(RecordError, match="UNIQUE"):
        store.add(served())
    assert store.count() == 1


def test_a_file_that_is_no_database_is_one_line(tmp_path):
    (tmp_path / "shop.db").write_text("not a database, but long enough to look like one" * 30)
    with pytest.raises(RecordError, match=r"shop\.db: cannot be opened: .*; free the disk or mend the folder's rights"):
        RecordStore(tmp_path / "shop.db")
