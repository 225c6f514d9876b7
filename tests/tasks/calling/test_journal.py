"""The journal: what is finished is kept, what is damaged is asked again."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context

import pytest

from configs.errors import LifecycleError
from tasks.calling.journal import EpochUsage, Journal

VALUE = {"text": "2 kg, 방수", "usage": [10, 5, 0]}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "journal.db"


def test_what_was_put_is_there_after_the_journal_was_closed(path):
    with Journal(path) as journal:
        assert journal.get("k") is None
        journal.put("k", "first", "chat", VALUE)
    with Journal(path) as journal:
        assert journal.get("k") == VALUE


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
    with sqlite3.connect(path) as database:
        database.execute(damage)
    with Journal(path) as journal:
        assert journal.get("k") is None
        assert "record k is damaged and is asked again" in caplog.text
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
    writers = [get_context("spawn").Process(target=_put_many, args=(path, name, 50)) for name in ("a", "b")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    with Journal(path) as journal:
        assert journal.usage() == (EpochUsage("first", "chat", "chat", 100, 1000, 500),)


def test_many_threads_share_a_journal(path):
    with Journal(path) as journal, ThreadPoolExecutor(4) as threads:
        keys = [f"k{number}" for number in range(100)]
        list(threads.map(lambda key: journal.put(key, "first", "chat", VALUE), keys))
        assert list(threads.map(journal.get, keys)) == [VALUE] * 100
