"""Row 10: a run that is killed again and again, and then finished by the same command."""

import random
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.engine.apps import write_app
from benchmarks.engine.bench import Bench
from benchmarks.engine.endpoints import SLOTS, usual
from benchmarks.engine.processes import document, module, started
from benchmarks.engine.subject import state_of
from benchmarks.engine.watching import say
from benchmarks.figure import Figure, Reach, Row
from configs.errors import StackError
from infra.simulator.running import simulated_process, statistics
from tasks.journal.commits import COMMIT_INTERVAL_S
from tasks.journal.journal import Journal

_SEED = 20261125
_LONGEST_S = 0.4
"""So that the run is not through before the last kill: a life of 0.7 s answers about 90 rows, measured."""
_START_WITHIN_S = 60.0
_COMMITS = 50


class _Kill(NamedTuple):
    """One kill: calls sent before it that no later run finds, and those that need not have been durable then."""

    lost: int
    in_flight: int
    recent: int


def killed(bench: Bench) -> Row:
    """Counts the calls that are paid twice, and the rows that are lost."""
    rows, kills, folder = bench.sizes.killed, bench.sizes.kills, bench.folder / "killed"
    chance = random.Random(_SEED)  # noqa: S311 nothing secret
    with simulated_process(usual()) as address:
        app = write_app(folder / "app", address, rows, concurrency=SLOTS)
        commit_s = _longest_commit(folder)
        bound_s = COMMIT_INTERVAL_S + commit_s
        done = []
        for number in range(kills):
            done.append(_kill(app, folder, address, chance.uniform(bound_s, _LONGEST_S), bound_s))
            if number % 5 == 4:
                say(f"  killed {number + 1} times, {_durable(folder)} of {rows} rows durable")
        report = document(module("evaluation", app), state_of(folder))
        repeated = statistics(address)["repeated"]
    allowed = [kill.in_flight + kill.recent for kill in done]
    worst = max(kill.lost - most for kill, most in zip(done, allowed, strict=True))
    broken = sum(kill.lost > most for kill, most in zip(done, allowed, strict=True))
    answered = report["outcomes"].get("ok", 0)
    return Row(
        10,
        f"kill -9 at {kills} random moments of a run of {rows:,} rows, then the same command to its end",
        f"One run, killed a random time (seed {_SEED}, at most {_LONGEST_S:g} s) after the first call of each start; "
        "paid twice are the calls sent less those in the journal's file, not yet durable those that the endpoint saw "
        f"broken off and its answers of the last {COMMIT_INTERVAL_S:g} s, the commit interval, and "
        f"{commit_s * 1000:.1f} ms, the longest of {_COMMITS} commits of such a journal on this disk.",
        (
            Figure("rows lost", rows - answered, Reach(at_most=0), 0, note=f"{answered:,} answered"),
            Figure(
                "kills with more calls paid twice than not yet durable",
                broken,
                Reach(at_most=0),
                0,
                note=f"paid twice a kill: {min(k.lost for k in done)} to {max(k.lost for k in done)}; "
                f"nearest to the bound: {-worst} below",
            ),
            Figure(
                "calls paid twice over those not yet durable, in sum",
                repeated / max(1, sum(allowed)),
                Reach(at_most=1.0),
                3,
                note=f"{repeated:,} over {sum(allowed):,}",
            ),
        ),
    )


def _longest_commit(folder: Path) -> float:
    """Returns the seconds of the longest of some commits of as many records as an interval has."""
    path = folder / "commits" / "journal.db"
    path.parent.mkdir(parents=True)
    longest = 0.0
    with Journal(path) as journal:
        for number in range(_COMMITS):
            for record in range(16):
                journal.put(f"{number}-{record}", "first", "bench", {"text": "x" * 200, "usage": [100, 20, 0]})
            began = time.perf_counter()
            journal.flush()
            longest = max(longest, time.perf_counter() - began)
    return longest


def _kill(app: Path, folder: Path, address: str, after_s: float, bound_s: float) -> _Kill:
    """Starts the evaluation, kills it so long after its first call, and returns what was lost."""
    before, durable = statistics(address), _durable(folder)
    with started(module("evaluation", app), state_of(folder)) as (process, said):
        deadline = time.monotonic() + _START_WITHIN_S
        while statistics(address)["requests"] == before["requests"]:
            if process.poll() is not None or time.monotonic() > deadline:
                said.seek(0)
                raise StackError(f"the evaluation ended before it was killed: {said.read()[-1000:]}")
            time.sleep(0.005)
        time.sleep(after_s - bound_s)
        earlier = statistics(address)["answered"]
        time.sleep(bound_s)
        process.kill()
        process.wait()
    after = _settled(address)
    return _Kill(
        lost=after["requests"] - before["requests"] - (_durable(folder) - durable),
        in_flight=after["abandoned"] - before["abandoned"],
        recent=after["answered"] - earlier,
    )


def _settled(address: str) -> dict[str, int]:
    """Returns the statistics once the endpoint has noticed that nobody is there any more."""
    while (found := statistics(address))["in_flight"]:
        time.sleep(0.01)
    return found


def _durable(folder: Path) -> int:
    """Returns how many calls the journal's file has."""
    path = folder / "home" / "journal.db"
    if not path.exists():
        return 0
    with Journal(path) as journal:
        return sum(usage.calls for usage in journal.usage())
