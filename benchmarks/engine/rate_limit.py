"""Row 9: an endpoint with a rate limit that the engine is not told of."""

import time
from typing import Any

from benchmarks.engine.apps import write_app
from benchmarks.engine.bench import Bench
from benchmarks.engine.endpoints import usual
from benchmarks.engine.processes import Running, module, started
from benchmarks.engine.subject import state_of
from benchmarks.engine.watching import LOOK_EVERY_S, Watch, watching
from benchmarks.figure import Figure, Reach, Row
from configs.errors import StackError
from infra.simulator.running import simulated_process

_PER_MINUTE, _BURST = 1200, 20


def rate_limit(bench: Bench) -> Row:
    """Measures how near the engine comes to the limit, and how many of its calls are rejected."""
    folder, sizes = bench.folder / "limited", bench.sizes
    enough = int(_PER_MINUTE / 60 * sizes.limited_s * 1.5)
    behaviour = usual().model_copy(update={"requests_per_minute": float(_PER_MINUTE), "burst": _BURST})
    with simulated_process(behaviour) as address:
        app = write_app(folder / "app", address, enough)
        with (
            watching(address, "engine, rate limit, not told", enough) as seen,
            started(module("evaluation", app), state_of(folder)) as running,
        ):
            settled = _seen_after(sizes.settling_s, seen, running)
            ended = _seen_after(sizes.limited_s, seen, running)
    seconds = ended["seconds"] - settled["seconds"]
    sent = ended["requests"] - settled["requests"]
    rejected = ended["rejected"] - settled["rejected"]
    limit = _PER_MINUTE / 60
    return Row(
        9,
        f"A rate limit of {_PER_MINUTE:,} requests a minute, burst {_BURST}, not told",
        f"Differences of the endpoint's statistics between {sizes.settling_s:.0f} and {sizes.limited_s:.0f} s after "
        "the first request; a reset would fill the bucket again and so give requests away. No rate-limit headers.",
        (
            Figure(
                "admitted, of the limit",
                (sent - rejected) / seconds / limit,
                Reach(at_least=0.95),
                3,
                note=f"{(sent - rejected) / seconds:.2f}/s of {limit:.0f}/s",
            ),
            Figure(
                "rejected, of the calls",
                rejected / sent * 100,
                Reach(at_most=3.0),
                2,
                " %",
                f"{rejected} of {sent}; in the first {sizes.settling_s:.0f} s "
                f"{settled['rejected']} of {settled['requests']}",
            ),
        ),
    )


def _seen_after(seconds: float, seen: Watch, running: Running) -> dict[str, Any]:
    """Returns the statistics so long after the first request."""
    while seen.last.get("seconds", 0.0) < seconds:
        if running.process.poll() is not None:
            raise StackError("the evaluation under a rate limit ended before its time")
        time.sleep(LOOK_EVERY_S)
    return seen.last
