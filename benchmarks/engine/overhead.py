"""Rows 5 and 7: what the engine needs of the processor and of memory beside the calls."""

from benchmarks.engine.apps import write_app
from benchmarks.engine.bench import Bench
from benchmarks.engine.endpoints import SLOTS, instant
from benchmarks.engine.processes import document, module
from benchmarks.engine.subject import evaluated
from benchmarks.engine.watching import watching
from benchmarks.figure import Figure, Reach, Row
from infra.simulator.running import simulated_process


def processor(bench: Bench) -> Row:
    """Measures CPU time a row, that of the bare calls taken off, and how it grows."""
    rows, more = bench.sizes.many, bench.sizes.endless
    own, calls = bench.instant.report["cpu_s"] / rows * 1000, _bare_calls(bench) / rows * 1000
    at_last = bench.endless.report["cpu_s"] / more * 1000
    return Row(
        5,
        f"CPU beside the calls, {rows:,} and {more:,} rows",
        "Process CPU of `evaluate_candidate` against an endpoint without latency, less that of as many bare "
        "`call_model` calls in another process, both 64 at once; the growth compares the whole CPU a row.",
        (
            Figure(
                "own CPU a row: journal, scoring, writing",
                own - calls,
                Reach(at_most=0.5),
                3,
                " ms",
                f"{own:.3f} ms less {calls:.3f} ms",
            ),
            Figure(
                f"CPU a row at {more:,} over that at {rows:,}",
                at_last / own,
                Reach(at_most=1.2),
                2,
                " ×",
                f"{at_last:.3f} ms over {own:.3f} ms",
            ),
        ),
    )


def memory(bench: Bench) -> Row:
    """Measures peak memory of very many rows over that of few."""
    few, more = bench.sizes.peers, bench.sizes.endless
    small = evaluated(bench.folder / "few", instant(), few, f"engine, no latency, {few} rows", concurrency=SLOTS)
    least, most = small.report["peak_mib"], bench.endless.report["peak_mib"]
    return Row(
        7,
        f"Peak memory of {more:,} rows",
        "`ru_maxrss` of a whole process that evaluates once: reading the dataset, asking, scoring, writing, estimates.",
        (
            Figure(
                f"over that of {few:,} rows",
                most / least,
                Reach(at_most=1.3),
                2,
                " ×",
                f"{most:.0f} MiB over {least:.0f} MiB",
            ),
        ),
    )


def _bare_calls(bench: Bench) -> float:
    folder, rows = bench.folder / "bare", bench.sizes.many
    with simulated_process(instant()) as address:
        app = write_app(folder / "app", address, rows, concurrency=SLOTS)
        with watching(address, f"bare calls, no latency, {rows} rows", rows):
            cpu_s: float = document(module("bare_calls", app, "--at-once", SLOTS))["cpu_s"]
            return cpu_s
