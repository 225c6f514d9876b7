"""Row 8: an endpoint that rejects, fails, hangs and tears replies."""

from benchmarks.engine.bench import Bench
from benchmarks.engine.endpoints import MEAN_S, SLOTS, usual
from benchmarks.engine.subject import evaluated
from benchmarks.figure import Figure, Reach, Row
from infra.simulator.behaviour import Fault

_TIMEOUT_S = 2.0
_SHARES = {"rate_limited": 0.10, "server_error": 0.05, "hang": 0.01, "torn": 0.01}
# Faults are tried in order, so an error takes its share of what was not rejected, a torn reply of what is left then.
_ERRORS = (1 - _SHARES["rate_limited"]) * _SHARES["server_error"]
_TORN = (1 - _SHARES["rate_limited"]) * (1 - _SHARES["server_error"]) * (1 - _SHARES["hang"]) * _SHARES["torn"]


def storm(bench: Bench) -> Row:
    """Measures the wall time of the calls over the ideal one, and what became of the rows."""
    rows = bench.sizes.many
    faults = [{"kind": kind, "share": share} for kind, share in _SHARES.items()]
    behaviour = usual().model_copy(update={"faults": tuple(Fault.model_validate(fault) for fault in faults)})
    report, seen = evaluated(
        bench.folder / "storm", behaviour, rows, "engine, storm", concurrency=SLOTS, timeout_s=_TIMEOUT_S
    )
    torn = seen.last["failed"] * _TORN / (_TORN + _ERRORS)
    ideal_s = ((seen.answered + torn) * MEAN_S + seen.last["hung"] * _TIMEOUT_S) / SLOTS
    outcomes = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(report["outcomes"].items()))
    told = f"{seen.last['rejected']:,} rejected, {seen.last['failed']:,} failed, {seen.last['hung']:,} hung"
    return Row(
        8,
        f"Storm: 10 % 429, 5 % 500, 1 % hang, 1 % torn; {rows:,} rows, {SLOTS} slots, told 64",
        "The calls' span over (whole and torn replies × mean latency + hung calls × 2 s of time-out) / slots; replies "
        "that are an error at once count for nothing in the ideal.",
        (
            Figure(
                "rows with an outcome, of all", sum(report["outcomes"].values()) / rows, Reach(1, 1), 3, "", outcomes
            ),
            Figure(
                "time over the ideal time",
                seen.span_s / ideal_s,
                Reach(at_most=1.25),
                3,
                " ×",
                f"{seen.span_s:.1f} s over {ideal_s:.1f} s; {told}",
            ),
        ),
    )
