"""How many requests the endpoint answers, and what it adds to each, beside a bare pass-through in the same run."""

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.engine.processes import document, started
from benchmarks.figure import Figure, Reach, Row
from benchmarks.operate.ready import wait_ready
from benchmarks.operate.served_app import Served, served_app
from benchmarks.ports import free_ports
from infra.simulator.behaviour import Behaviour
from infra.simulator.running import simulated_process
from tasks.serving.record import RecordStore

_LATENCY_S = 0.05
_CONNECTIONS = 128
_OPEN_SHARE = 0.3


def endpoint(seconds: float) -> tuple[Row, Row]:
    """Measures both rows: the endpoint and the pass-through take turns, twice, over the same upstream."""
    behaviour = Behaviour(latency_s=_LATENCY_S, slots=4096, keep_requests=0)
    with tempfile.TemporaryDirectory() as home, simulated_process(behaviour) as upstream:
        ours, bare, direct, added, waited = [], [], [], [], []
        for turn in range(2):
            with _passing_through(upstream) as passed:
                bare.append(_rate(passed, seconds))
            with served_app(Path(home) / str(turn), upstream) as served:
                ours.append(_rate(served, seconds))
                _wait_until_looked_at(Path(home) / str(turn))
                rate = _OPEN_SHARE * ours[-1]["rate"]
                direct.append(_latency(Served(upstream, ""), rate, seconds))
                added.append(_latency(served, rate, seconds))
                waited.append(_latency(served, rate, seconds, "--wait"))
    return _throughput(ours, bare, [*ours, *bare, *direct, *added, *waited]), _added(added, waited, direct)


def _throughput(ours: list[dict[str, Any]], bare: list[dict[str, Any]], asked: list[dict[str, Any]]) -> Row:
    mine, theirs = (max(each["rate"] for each in of) for of in (ours, bare))
    failed = sum(sum(each["failed"].values()) for each in asked)
    how = (
        f"An upstream that answers after {_LATENCY_S * 1000:.0f} ms, {_CONNECTIONS} connections, one process each; the "
        "better of two turns. The bare pass-through is FastAPI on uvicorn and the openai SDK as they come; ours has a "
        "key with limits and guards, and records every request."
    )
    note = f"{mine:,.0f}/s of {theirs:,.0f}/s"
    figures = (
        Figure("requests a second, × a bare pass-through", mine / theirs, Reach(at_least=2.0), unit=" ×", note=note),
        Figure("requests that failed", failed, Reach(at_most=0), digits=0),
    )
    return Row(1, "Requests a second", how, figures)


def _added(added: list[dict[str, Any]], waited: list[dict[str, Any]], direct: list[dict[str, Any]]) -> Row:
    how = (
        f"Open loop at {_OPEN_SHARE:.0%} of that rate, less the upstream asked directly at the same rate; of each the "
        "better of two turns. It begins once the process beside the endpoint has looked at the requests of the turn "
        "before. Then the same of requests whose answers wait until they are recorded."
    )
    most = {"p50": 4.0, "p99": 15.0}
    figures = [_more(f"added latency, {name}", name, added, direct, Reach(at_most=most[name])) for name in most]
    figures += [_more(f"with a wait for the record, {name}", name, waited, direct, Reach()) for name in most]
    return Row(2, "Added latency", how, tuple(figures))


def _more(told: str, name: str, asked: list[dict[str, Any]], direct: list[dict[str, Any]], reach: Reach) -> Figure:
    best, upstream = (min(each[name] for each in of) for of in (asked, direct))
    note = f"{1000 * best:.1f} of which {1000 * upstream:.1f} upstream"
    return Figure(told, 1000 * (best - upstream), reach, unit=" ms", note=note)


def _wait_until_looked_at(home: Path) -> None:
    """Waits until every request has been flagged: a backlog is not what an endpoint at this rate has."""
    with RecordStore(home / "served" / "bench.db") as store:
        while store.unflagged(1):
            time.sleep(0.5)


def _rate(served: Served, seconds: float) -> dict[str, Any]:
    return document(_command(served, seconds, "--connections", _CONNECTIONS))


def _latency(served: Served, rate: float, seconds: float, *more: str) -> dict[str, Any]:
    return document(_command(served, seconds, "--rate", rate, *more))


def _command(served: Served, seconds: float, *arguments: object) -> list[str]:
    asked = ["--key", served.key] if served.key else []
    common = [sys.executable, "-m", "benchmarks.operate.load", served.address, *asked, "--seconds", seconds]
    return [*map(str, (*common, *arguments))]


@contextmanager
def _passing_through(upstream: str) -> Iterator[Served]:
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "benchmarks.operate.pass_through", "--upstream", upstream, "--port", str(port)]
    with started(command) as running:
        wait_ready(f"http://127.0.0.1:{port}/ready", running)
        yield Served(f"http://127.0.0.1:{port}/v1", "")
