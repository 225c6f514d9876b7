"""The journal when something breaks: a process is killed, the disk is full, the file is damaged or locked."""

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from configs.errors import LifecycleError
from tasks.journal import file as journal_file
from tasks.journal.journal import Journal
from tasks.journal.reading import report
from tasks.journal.repairing import Repaired, repair

pytestmark = pytest.mark.fault

VALUE = {"text": "2 kg, 방수 " * 20, "usage": [10, 5, 0]}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.db"


_PUTS_AND_TELLS = """
import sys
from pathlib import Path
from tasks.journal.journal import Journal

with Journal(Path(sys.argv[1])) as journal:
    number = 0
    while True:
        for _ in range(7):
            journal.put(f"{sys.argv[2]}{number}", "first", "chat", {"text": f"{number} " * 100, "usage": [1, 1, 0]})
            number += 1
        journal.flush()
        print(number, flush=True)
"""


def _writer(path, name):
    command = [sys.executable, "-c", _PUTS_AND_TELLS, str(path), name]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("lines", [1, 20, 100])
def test_what_was_flushed_outlives_a_kill(path, lines):
    writers = {name: _writer(path, name) for name in ("a", "b")}
    told = {}
    for name, writer in writers.items():
        for _ in range(lines):
            told[name] = int(writer.stdout.readline())
    for writer in writers.values():
        os.kill(writer.pid, signal.SIGKILL)
    for name, writer in writers.items():
        # The last line may have been cut off.
        told[name] = max([told[name], *(int(line) for line in writer.communicate()[0].split("\n")[:-1])])
    with Journal(path) as journal:
        for name, count in told.items():
            for number in range(count):
                assert journal.get(f"{name}{number}") == {"text": f"{number} " * 100, "usage": [1, 1, 0]}
    assert report(path, verify=True).damaged == 0
    with sqlite3.connect(path) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.fixture
def limited(path):
    """Lets a journal's file grow by some pages only; None lifts the limit."""

    def limit(journal, pages):
        database = journal._commits._database
        now = database.execute("PRAGMA page_count").fetchone()[0]
        database.execute(f"PRAGMA max_page_count = {now + pages if pages else 1 << 30}")

    return limit


def test_on_a_full_disk_nothing_is_dropped_and_all_is_written_once_there_is_room(path, limited):
    full = f"disk full at {path}; free space and run the same command again; what is finished is kept"
    with Journal(path) as journal:
        limited(journal, 20)
        with pytest.raises(LifecycleError) as raised:
            for number in range(300):
                journal.put(f"k{number}", "first", "chat", VALUE)
            journal.flush()
        assert str(raised.value) == full
        assert all(journal.get(f"k{earlier}") == VALUE for earlier in range(number + 1))
        limited(journal, None)
        journal.flush()
    with Journal(path) as journal:
        assert all(journal.get(f"k{earlier}") == VALUE for earlier in range(number + 1))


def test_what_the_thread_could_not_write_is_raised_by_the_next_put_which_is_taken(path, limited):
    with Journal(path) as journal:
        limited(journal, 4)
        for number in range(100):
            journal._commits._records[f"k{number}"] = _record(f"k{number}")
        journal._commits.count("chat", "chat", (0, 0, 0))
        journal._commits._writer.join()
        with pytest.raises(LifecycleError, match="disk full"):
            journal.put("next", "first", "chat", VALUE)
        assert journal.get("next") == VALUE
        limited(journal, None)
    with Journal(path) as journal:
        assert journal.get("next") == VALUE
        assert journal.usage()[0].calls == 101


def _record(key):
    text = '{"text":"' + "x" * 500 + '"}'
    return journal_file.Record(
        key, "first", "chat", "chat", text, journal_file.checksum(key, text), "2026", "", 0, 0, 0
    )


def test_closing_on_a_full_disk_keeps_what_fits_and_says_how_much_does_not(path, limited):
    with pytest.raises(LifecycleError) as raised, Journal(path) as journal:
        limited(journal, 20)
        # In one go: what does not fit as a whole fits in part.
        with journal._commits._committing:
            for number in range(300):
                journal.put(f"k{number}", "first", "chat", VALUE)
    with Journal(path) as journal:
        kept = sum(usage.calls for usage in journal.usage())
        assert [number for number in range(300) if journal.get(f"k{number}")] == list(range(kept))
    assert kept > 0
    assert f"; all but the last {300 - kept} calls are kept" in str(raised.value)


def test_a_journal_that_stays_locked_is_one_line_and_loses_nothing(path, monkeypatch):
    monkeypatch.setattr(journal_file, "WAIT_S", 0.1)
    with Journal(path) as journal, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        journal.put("k", "first", "chat", VALUE)
        with pytest.raises(LifecycleError, match=r"was locked for 0\.1 s; end the process that holds it"):
            journal.flush()
        assert journal.get("k") == VALUE
        other.execute("ROLLBACK")
    with Journal(path) as journal:
        assert journal.get("k") == VALUE


def test_a_hit_that_cannot_be_counted_fails_nobody(path, monkeypatch, caplog):
    monkeypatch.setattr(journal_file, "WAIT_S", 0.1)
    with Journal(path) as journal:
        journal.put("k", "first", "chat", VALUE)
    with closing(sqlite3.connect(path, isolation_level=None)) as other, Journal(path) as journal:
        other.execute("BEGIN IMMEDIATE")
        assert journal.get("k") == VALUE
        journal.close()
    assert "what reuse saved could not be counted" in caplog.text


@pytest.mark.parametrize("part", ["2 kg", "방수"])
def test_a_flipped_byte_is_noticed_and_asked_again(path, part, caplog):
    with Journal(path) as journal:
        journal.put("k", "first", "chat", VALUE)
    content = bytearray(path.read_bytes())
    content[content.index(part.encode()) + 1] ^= 0x41
    path.write_bytes(content)
    with Journal(path) as journal:
        assert journal.get("k") is None
        assert "record k is damaged and is asked again" in caplog.text
        assert report(path, verify=True).damaged == 1
        journal.put("k", "first", "chat", VALUE)
        assert journal.get("k") == VALUE
        journal.flush()
        assert report(path, verify=True).damaged == 0


@pytest.fixture
def torn(path):
    """A journal of 2000 calls with garbage over a tenth of its pages."""
    with Journal(path) as journal:
        for number in range(2000):
            journal.put(f"k{number}", "first", "chat", {**VALUE, "number": number})
    content = bytearray(path.read_bytes())
    pages = len(content) // 4096
    start = pages // 2
    content[start * 4096 : (start + pages // 10) * 4096] = os.urandom(pages // 10 * 4096)
    path.write_bytes(content)
    return path


def test_what_can_be_read_of_a_torn_file_is_used(torn):
    with Journal(torn) as journal:
        found = {number: journal.get(f"k{number}") for number in range(2000)}
        whole = {number: value for number, value in found.items() if value is not None}
        assert 1000 < len(whole) < 2000
        assert all(value == {**VALUE, "number": number} for number, value in whole.items())
        assert journal.damaged == 2000 - len(whole)
        assert journal.usage()[0].calls >= len(whole)
    assert report(torn, verify=True).damaged > 0


def test_a_torn_file_is_repaired_while_another_has_it_open(torn):
    with Journal(torn) as journal:
        readable = {f"k{number}" for number in range(2000) if journal.get(f"k{number}")}
        repaired = repair(torn)
        assert repaired.kept >= len(readable)
        assert all(journal.get(key) for key in readable)
        journal.put("new", "first", "chat", VALUE)
        saved = journal.savings()[0].calls
    assert saved == 2 * len(readable)
    assert report(torn, verify=True).damaged == 0
    with sqlite3.connect(torn) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert repair(torn) == Repaired(repaired.kept + 1, 0)


def test_a_broken_last_page_hides_no_other(path):
    with Journal(path) as journal:
        for number in range(500):
            journal.put(f"k{number}", "first", "chat", VALUE)
        journal.flush()
        (page,) = journal._reader.execute("SELECT max(pageno) FROM dbstat WHERE name = 'calls'").fetchone()
    content = bytearray(path.read_bytes())
    content[(page - 1) * 4096 : page * 4096] = bytes(4096)
    path.write_bytes(content)
    assert 480 < report(path).usage[0].calls < 500


def test_records_whose_pages_are_gone_are_counted(path):
    with Journal(path) as journal:
        for number in range(3000):
            journal.put(f"k{number}", "first", "chat", {"text": "x" * 300, "usage": [1, 1, 0]})
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(path.read_bytes())
    content[60 * 4096 : 90 * 4096] = bytes(30 * 4096)
    path.write_bytes(content)
    missing = report(path, verify=True).damaged
    assert 100 < missing < 1000
    assert repair(path) == Repaired(3000 - missing, missing)
    assert report(path, verify=True).damaged == 0
