"""The queue is on the disk or not there at all, and what a person says is kept at once."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.harvesting.picked import Review
from tasks.harvesting.queue import Queue, QueueError, queue_path

SAID = Review("corrected", "43 dollars.", "kim", "2026-11-02T09:00:00+00:00")

HARVEST = """
import asyncio, os, signal, sys
from tasks.harvesting.admitting import admit
from tasks.harvesting import queue as queues
from tasks.harvesting.selecting import select
from tasks.serving.record import record_store
from tasks.workspace import open_workspace

folder, kill_in = sys.argv[1:]

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

class Killed(queues.Queue):
    def _write(self, *statements):
        if kill_in == "commit" and len(statements) > 2:
            with self._connection:
                for statement, values in statements[:-1]:
                    self._connection.executemany(statement, values)
                die()
        return super()._write(*statements)

async def harvest():
    with open_workspace(folder) as workspace, record_store("shop") as store:
        with Killed(queues.queue_path(workspace.home, "shop")) as queue:
            selection = await select(workspace, store, queue)
            if kill_in == "select":
                die()
            admitted = await admit(workspace, store, queue, selection)
            if kill_in == "admit":
                die()
            queue.enter(admitted.picked, admitted.passed_over, selection.again, admitted.draws, selection.reached)

asyncio.run(harvest())
"""


@pytest.mark.fault
@pytest.mark.parametrize("kill_in", ["select", "admit", "commit"])
def test_killed_and_run_again_the_queue_is_the_same(make_shop, serve, vote, harvest, look, queue, home, kill_in):
    folder = make_shop({"random_share": 0.3})
    for number in range(12):
        flags = ("abstained",) * (number % 2)
        serve(f"r{number}", f"What of number {number} in your list?", f"It is {number}.", flags=flags)
    vote("r4")
    root = Path(__file__).parents[3]
    killed = subprocess.run(
        [sys.executable, "-c", HARVEST, folder, kill_in],
        check=False,
        cwd=root,
        env={**os.environ, "LIFECYCLE_HOME": str(home), "PYTHONPATH": str(root)},
        timeout=200,
    )
    assert killed.returncode == -signal.SIGKILL
    assert (queue.all(), queue.reached) == ((), 0)
    expected = set(look(folder).reasons)
    harvest(folder)
    assert {each.request for each in queue.all()} == expected
    assert len(expected) > 6
    assert queue.reached == 12


def test_what_was_said_first_counts_and_is_there_after_a_restart(make_shop, serve, harvest, queue):
    serve("r1", "How dear is the rope of yours?", "I do not know.", flags=("abstained",))
    harvest(make_shop())
    assert queue.review("r1", SAID)
    assert not queue.review("r1", Review("rejected"))
    assert not queue.review("nobody", SAID)
    with Queue(queue.path) as again:
        (pick,) = again.labelled()
        assert (pick.state, pick.reference, pick.who) == ("corrected", "43 dollars.", "kim")
        assert again.counts() == {"pending": 0, "accepted": 0, "corrected": 1, "unanswerable": 0, "rejected": 0}
        assert again.pending() == ()


def test_what_its_trace_does_not_show_is_told_once(make_shop, serve, harvest, queue):
    serve("r1", "How dear is the rope of yours?", "I do not know.", flags=("abstained",))
    harvest(make_shop())
    assert queue.untold() == {"r1": "pending"}
    queue.told({"r1": "pending"})
    assert queue.untold() == {}
    queue.review("r1", SAID)
    assert queue.untold() == {"r1": "corrected"}


def test_a_file_that_is_no_queue_is_one_line(tmp_path):
    path = queue_path(tmp_path, "shop")
    path.parent.mkdir()
    path.write_text("not a database, and long enough to be looked at as one" * 40, encoding="utf-8")
    with pytest.raises(QueueError, match=r"shop.db: cannot be opened: .*; free the disk or mend"):
        Queue(path)
