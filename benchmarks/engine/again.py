"""Row 6: what is asked again where nothing, one row or one scorer has changed."""

import shutil

from benchmarks.engine.apps import questions, write_app, write_rows
from benchmarks.engine.bench import Bench
from benchmarks.engine.endpoints import SLOTS, usual
from benchmarks.engine.processes import document, module
from benchmarks.engine.subject import state_of
from benchmarks.engine.watching import watching
from benchmarks.figure import Figure, Reach, Row
from infra.simulator.running import reset, simulated_process, statistics

_SCORERS, _CHANGED_SCORERS = ("exact", "contains"), ("exact", "token_f1")


def again(bench: Bench) -> Row:
    """Counts calls and seconds of runs after the first."""
    rows, folder = bench.sizes.peers, bench.folder / "again"
    asked = questions(rows)
    with simulated_process(usual()) as address:
        app = write_app(folder / "app", address, rows, concurrency=SLOTS, scorers=_SCORERS)
        command, state = module("evaluation", app), state_of(folder)
        with watching(address, "engine, first run", rows):
            document(command, state)

        def calls() -> tuple[int, float]:
            reset(address)
            wall_s: float = document(command, state)["wall_s"]
            return statistics(address)["requests"], wall_s

        shutil.rmtree(folder / "home" / "results" / "bench" / "evaluations")
        unchanged, wall_s = calls()
        write_rows(app / "rows.jsonl", ["What has changed?", *asked[1:]])
        one_row, _ = calls()
        write_app(app, address, rows, concurrency=SLOTS, scorers=_CHANGED_SCORERS)
        one_scorer, _ = calls()
    return Row(
        6,
        f"Run again, {rows:,} rows",
        "The same command in a new process, the stored evaluation deleted so that every row goes through the journal; "
        "then with one question changed, then with one of two scorers changed; requests as the endpoint counted them.",
        (
            Figure("nothing changed: calls", unchanged, Reach(at_most=0), 0),
            Figure("nothing changed: beside start-up", wall_s, Reach(at_most=3.0), 2, " s"),
            Figure("one row changed: calls", one_row, Reach(1, 1), 0),
            Figure("one scorer changed: calls", one_scorer, Reach(at_most=0), 0),
        ),
    )
