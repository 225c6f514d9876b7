"""A disk that is full: one line, and what is finished is kept."""

import sqlite3
import subprocess
import sys

import pytest

from configs.errors import LifecycleError
from infra.simulator.running import calls, simulated
from tasks.calling.asking import Spend
from tasks.journal.journal import Journal

pytestmark = pytest.mark.fault


@pytest.fixture
def tiny_disk(tmp_path):
    """A file system of 300 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", folder], check=False)
    if mounted.returncode:
        pytest.skip("a file system can only be mounted as root")
    yield folder
    subprocess.run(["umount", folder], check=True)


_WRITES_UNTIL_FULL = """
import resource, sys
from pathlib import Path
from configs.errors import LifecycleError
from tasks.journal.journal import Journal

written = 0
try:
    with Journal(Path(sys.argv[1])) as journal:
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
        for number in range(1000):
            journal.put(f"k{number}", "first", "chat", {"text": "x" * 1000, "usage": [1, 1, 0]})
            written += 1
except LifecycleError as error:
    print(error)
print(written)
"""


async def test_asking_stops_with_one_line_and_goes_on_where_it_stopped(
    tmp_path, make_app, make_candidate, make_rows, ask_all, monkeypatch
):
    path = tmp_path / "journal.db"
    rows = make_rows(*(f"question {number} " + "말" * 500 for number in range(60)))

    async def run(loaded, journal):
        spend = Spend(loaded.app.budget)
        options = {"loaded": loaded, "journal": journal, "epoch": "first", "spend": spend}
        return await ask_all(make_candidate(loaded), rows, **options), spend

    with simulated() as address:
        loaded = make_app(address, chat={"concurrency": 1})
        with pytest.raises(LifecycleError) as raised, Journal(path) as journal:
            pages = journal._commits._database.execute("PRAGMA page_count").fetchone()[0]
            journal._commits._database.execute(f"PRAGMA max_page_count = {pages + 8}")
            await run(loaded, journal)
        with sqlite3.connect(path) as database:
            kept = database.execute("SELECT count(*) FROM calls").fetchone()[0]
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert 0 < kept < 60
        before = calls(address)["/v1/chat/completions"]
        with Journal(path) as journal:
            answers, spend = await run(loaded, journal)
        assert len({answer.text for answer in answers}) == 60
        assert (spend.reused, spend.made) == (kept, 60 - kept)
        # Of what had come and could not be written, the error says how much it was; one call may still have been in
        # flight.
        assert str(raised.value) in [
            f"disk full at {path}; free space and run the same command again; all but the last {lost} calls are kept"
            for lost in (before - kept, before - kept - 1)
        ]


def test_a_file_system_that_refuses_to_write_leaves_a_whole_journal(tmp_path):
    path = tmp_path / "journal.db"
    ended = subprocess.run(
        [sys.executable, "-c", _WRITES_UNTIL_FULL, str(path)], capture_output=True, text=True, check=True
    )
    message, written = ended.stdout.strip().splitlines()
    assert str(path) in message
    assert 0 < int(written) < 1000
    with Journal(path) as journal:
        kept = sum(usage.calls for usage in journal.usage())
        assert 0 < kept <= int(written)
        assert journal.get(f"k{kept - 1}") == {"text": "x" * 1000, "usage": [1, 1, 0]}


def test_a_disk_that_is_full_is_one_line_and_what_is_finished_is_kept(tiny_disk):
    path = tiny_disk / "journal.db"
    with pytest.raises(LifecycleError) as raised, Journal(path) as journal:
        for number in range(1000):
            journal.put(f"k{number}", "first", "chat", {"text": "x" * 1000, "usage": [1, 1, 0]})
    with Journal(path) as journal:
        kept = sum(usage.calls for usage in journal.usage())
    assert kept > 0
    assert str(raised.value) == (
        f"disk full at {path}; free space and run the same command again; "
        f"all but the last {number + 1 - kept} calls are kept"
    )
