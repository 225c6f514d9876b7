"""The journal: what is finished is kept, what is damaged is asked again."""

import os
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context

import pytest

from configs.errors import LifecycleError
from tasks.journal.file import checksum
from tasks.journal.journal import EpochUsage, Journal, Saving

VALUE = {"text": "2 kg, 방수", "usage": [10, 5, 0]}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "journal.db"


def _stored(path):
    with sqlite3.connect(path) as database:
        return database.execute("SELECT count(*) FROM calls").fetchone()[0]


def _change(path, statement):
    with sqlite3.connect(path) as database:
        database.execute(statement)


def test_what_was_put_is_there_after_the_journal_was_closed(path):
    with Journal(path) as journal:
        assert journal.get("k") is None
        journal.put("k", "first", "chat", VALUE)
    with Journal(path) as journal:
        assert journal.get("k") == VALUE


def test_what_was_put_is_found_before_it_is_in_the_file(path):
    with Journal(path) as journal, journal._commits._committing:
        journal.put("k", "first", "chat", VALUE)
        assert _stored(path) == 0
        assert journal.get("k") == VALUE


def test_what_was_flushed_is_in_the_file(path):
    with Journal(path) as journal:
        for number in range(700):
            journal.put(f"k{number}", "first", "chat", VALUE)
        journal.flush()
        assert _stored(path) == 700


def test_what_was_put_comes_to_the_file_by_itself(path):
    with Journal(path) as journal:
        journal.put("k", "first", "chat", VALUE)
        (writer,) = [thread for thread in threading.enumerate() if thread.name == "journal journal.db"]
        writer.join()
        assert _stored(path) == 1


def test_a_closed_journal_leaves_no_thread_and_takes_nothing(path):
    with Journal(path) as journal:
        journal.put("k", "first", "chat", VALUE)
    journal.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "journal journal.db"]
    with pytest.raises(LifecycleError, match="is closed; open it again"):
        journal.put("k", "first", "chat", VALUE)


def test_a_program_that_forgets_to_close_loses_nothing(path):
    program = (
        "import sys\nfrom pathlib import Path\nfrom tasks.journal.journal import Journal\n"
        "Journal(Path(sys.argv[1])).put('k', 'first', 'chat', {'text': 'x'})\n"
    )
    subprocess.run([sys.executable, "-c", program, path], check=True)
    assert _stored(path) == 1


def test_a_call_belongs_to_its_user(path):
    with Journal(path) as journal:
        journal.put("a", "first", "chat", VALUE, user="user-7")
        journal.put("b", "first", "chat", VALUE)
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT key, user FROM calls ORDER BY key").fetchall() == [("a", "user-7"), ("b", "")]
        (*_, plan) = database.execute(
            "EXPLAIN QUERY PLAN SELECT 1 FROM calls WHERE user = 'user-7' AND user <> ''"
        ).fetchone()
        assert "calls_by_user" in plan


def test_what_was_found_counts_as_saved_across_commands(path):
    with Journal(path) as journal:
        journal.put("a", "first", "chat", {"text": "", "usage": [10, 5, 2]})
        journal.put("v", "first", "minilm", {"vector": ""}, kind="embedding")
        assert journal.savings() == ()
        journal.get("a")
        journal.get("missing")
    with Journal(path) as journal:
        journal.get("a")
        journal.get("v")
        expected = (Saving("chat", "chat", 2, 20, 10, 4), Saving("minilm", "embedding", 1, 0, 0, 0))
        assert journal.savings() == expected


def test_a_text_that_no_file_can_hold_is_kept(path):
    with Journal(path) as journal:
        journal.put("k", "first", "chat", {"text": "half an emoji: \ud83d"})
    with Journal(path) as journal:
        assert journal.get("k") == {"text": "half an emoji: \ud83d"}


def test_a_name_that_no_file_can_hold_holds_nobody_else_up(path):
    with Journal(path) as journal:
        with pytest.raises(UnicodeEncodeError):
            journal.put("k", "first", "chat", VALUE, user="\ud83d")
        journal.put("other", "first", "chat", {"text": "", "usage": [None, 1]})
        assert journal.usage() == (EpochUsage("first", "chat", "chat", 1, 0, 1),)


def test_a_journal_of_an_earlier_version_is_taken_over(path):
    path.parent.mkdir()
    text = '{"text":"2 kg, 방수","usage":[10,5,0]}'
    with sqlite3.connect(path) as database:
        database.execute(
            "CREATE TABLE calls (key TEXT PRIMARY KEY, epoch TEXT NOT NULL, kind TEXT NOT NULL, model TEXT NOT NULL, "
            "value TEXT NOT NULL, checksum TEXT NOT NULL, at TEXT NOT NULL) WITHOUT ROWID"
        )
        row = ("k", "first", "chat", "chat", text, checksum("k", text), "2026-11-23T00:00:00+00:00")
        database.execute("INSERT INTO calls VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    for _ in range(2):
        with Journal(path) as journal:
            assert journal.get("k") == VALUE
            assert journal.usage() == (EpochUsage("first", "chat", "chat", 1, 10, 5),)


def test_what_was_used_by_epoch_kind_and_model(path):
    with Journal(path) as journal:
        journal.put("a", "first", "chat", VALUE)
        journal.put("b", "first", "chat", VALUE)
        journal.put("b", "first", "chat", VALUE)
        journal.put("c", "second", "chat", VALUE)
        journal.put("d", "second", "minilm", {"vector": ""}, kind="embedding")
        assert journal.usage() == (
            EpochUsage("first", "chat", "chat", 2, 20, 10),
            EpochUsage("second", "chat", "chat", 1, 10, 5),
            EpochUsage("second", "embedding", "minilm", 1, 0, 0),
        )
        assert journal.usage("first") == (EpochUsage("first", "chat", "chat", 2, 20, 10),)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE calls SET value = replace(value, '2 kg', '3 kg')",
        "UPDATE calls SET value = '{\"text\": '",
        "UPDATE calls SET value = x'00ff'",
        "UPDATE calls SET checksum = 'x'",
    ],
)
def test_a_damaged_record_is_reported_and_asked_again(path, damage, caplog):
    with Journal(path) as journal:
        journal.put("k", "first", "chat", VALUE)
    _change(path, damage)
    with Journal(path) as journal:
        assert journal.get("k") is None
        assert journal.get("k") is None
        assert caplog.text.count("record k is damaged and is asked again") == 1
        assert journal.damaged == 1
        assert journal.savings() == ()
        assert journal.usage()[0].calls == 1
        journal.put("k", "first", "chat", VALUE)
        assert journal.get("k") == VALUE


def test_a_file_that_is_no_journal_is_one_line(path):
    path.parent.mkdir()
    path.write_text("this is a text, and a long one: " * 100)
    with pytest.raises(LifecycleError, match=r"is damaged .* move it away and run the same command again"):
        Journal(path)


def test_a_folder_that_cannot_be_written_to_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LifecycleError, match=r"cannot be used: .*; check that the folder can be written to"):
        Journal(tmp_path / "file" / "journal.db")


def _put_many(path, writer, count):
    with Journal(path) as journal:
        for number in range(count):
            journal.put(f"{writer}-{number}", "first", "chat", VALUE)


def test_many_processes_write_at_once(path):
    writers = [get_context("spawn").Process(target=_put_many, args=(path, name, 50)) for name in "abcd"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    with Journal(path) as journal:
        assert journal.usage() == (EpochUsage("first", "chat", "chat", 200, 2000, 1000),)


def test_many_threads_share_a_journal(path):
    with Journal(path) as journal, ThreadPoolExecutor(4) as threads:
        keys = [f"k{number}" for number in range(100)]
        list(threads.map(lambda key: journal.put(key, "first", "chat", VALUE), keys))
        assert list(threads.map(journal.get, keys)) == [VALUE] * 100


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_process_that_forks_goes_on_on_both_sides(path):
    with Journal(path) as journal:
        journal.put("before", "first", "chat", VALUE)
        child = get_context("fork").Process(target=_go_on, args=(journal,))
        child.start()
        journal.put("parent", "first", "chat", VALUE)
        child.join()
        assert child.exitcode == 0
        assert [journal.get(key) for key in ("before", "parent", "child")] == [VALUE] * 3
        journal.flush()
        assert _stored(path) == 3


def _go_on(journal):
    assert journal.get("before") == VALUE
    journal.put("child", "first", "chat", VALUE)
    journal.close()
