"""Row 3: the engine and other evaluation tools, one after the other against the same endpoint."""

import math
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from benchmarks.engine.apps import questions, write_rows
from benchmarks.engine.bench import Bench
from benchmarks.engine.endpoints import SLOTS, usual
from benchmarks.engine.peers import promptfoo
from benchmarks.engine.processes import TookTooLongError, mlflow_server, module, output
from benchmarks.engine.watching import watching
from benchmarks.figure import Figure, Reach, Row
from benchmarks.machine import versions
from configs.errors import StackError
from infra.simulator.running import simulated_process

_WITHIN_S = 300.0
"""A peer that takes longer is stopped; its rate until then counts."""
_MLFLOW_WORKERS = 10
"""More make it slower: measured 8 rows a second with 10, 5 with 64."""


def peers(bench: Bench) -> Row:
    """Measures how many times as fast the engine is as each peer that is installed."""
    rows, few = bench.sizes.many, bench.sizes.peers
    own = bench.told.seen.rate
    return Row(
        3,
        f"Rate over the calls' span beside other tools, {rows:,} rows, {SLOTS} slots",
        "The same rows, one call and one exact scorer a row, by the endpoint's own statistics as in row 1: promptfoo "
        f"with `-j {SLOTS}` and no cache, inspect_ai with {SLOTS} connections and samples, and of {few:,} rows "
        f"`mlflow.genai.evaluate` with {_MLFLOW_WORKERS} workers, its own rate limit off, against a real MLflow "
        f"server; what is not through after {_WITHIN_S:.0f} s is stopped, and its rate until then counts.",
        (
            Figure("engine, rows a second", own, digits=0, unit="/s"),
            *beside_peers(bench, own, SLOTS, (1.9, 5.0)),
            _beside(bench, own, _Peer("mlflow.genai.evaluate", 15.0, few, SLOTS), _mlflow),
        ),
    )


def beside_peers(
    bench: Bench, own: float, slots: int, times: tuple[float | None, float | None] = (None, None)
) -> tuple[Figure, Figure]:
    """Measures how many times as fast the engine is as promptfoo and as inspect_ai.

    Args:
        bench: what is measured with.
        own: the engine's rows a second.
        slots: of the endpoint; as many are asked at once.
        times: how many times as fast it is to be; None for no reach.
    """
    rows = bench.sizes.many
    first, second = _Peer("promptfoo", times[0], rows, slots), _Peer("inspect_ai", times[1], rows, slots)
    return (
        _beside(bench, own, first, partial(_promptfoo, slots) if promptfoo.version() else None),
        _beside(bench, own, second, partial(_inspect, slots) if _is_installed("inspect-ai") else None),
    )


def _is_installed(package: str) -> bool:
    return versions([package])[package] != "not installed"


class _Peer(NamedTuple):
    """A tool, how many times as fast the engine is to be, how many rows it is asked, and by how many slots."""

    name: str
    times: float | None
    rows: int
    slots: int


def _beside(bench: Bench, own: float, peer: _Peer, ask: Callable[[Bench, str], None] | None) -> Figure:
    name = peer.name
    what = f"engine over {name}"
    reach = Reach(at_least=peer.times)
    if ask is None:
        return Figure(what, None, reach, 1, " ×", f"{name} is not installed: left out")
    try:
        with (
            simulated_process(usual(peer.slots)) as address,
            watching(address, name, peer.rows) as seen,
            suppress(TookTooLongError),
        ):
            ask(bench, address)
    except StackError as error:
        return Figure(what, math.nan, reach, 1, " ×", " ".join(str(error).split())[-300:])
    if not seen.answered:
        return Figure(what, math.nan, reach, 1, " ×", f"{name} asked nothing")
    note = f"{seen.rate:.1f}/s over {min(seen.answered, peer.rows):,} rows"
    return Figure(what, own / seen.rate, reach, 1, " ×", note)


def _promptfoo(slots: int, bench: Bench, address: str) -> None:
    folder = bench.folder / f"promptfoo-{slots}"
    promptfoo.ask(address, questions(bench.sizes.many), slots, folder, _WITHIN_S)


def _inspect(slots: int, bench: Bench, address: str) -> None:
    path, logs = bench.folder / "inspect.jsonl", bench.folder / f"inspect-{slots}"
    write_rows(path, questions(bench.sizes.many))
    output(module("peers.inspect_task", address, path, logs, "--at-once", slots), within_s=_WITHIN_S)


def _mlflow(bench: Bench, address: str) -> None:
    path = bench.folder / "mlflow.jsonl"
    write_rows(path, questions(bench.sizes.peers))
    with mlflow_server(bench.folder / "peer-mlflow") as server:
        output(module("peers.mlflow_evaluate", address, path, server, "--at-once", _MLFLOW_WORKERS), within_s=_WITHIN_S)
