"""Rows 1, 2 and 4: how fast rows are answered, beside what the endpoint has room for and beside the bare SDK."""

from benchmarks.engine.bench import Bench
from benchmarks.engine.comparison import beside_peers
from benchmarks.engine.endpoints import MANY_SLOTS, SLOTS, ceiling, usual
from benchmarks.engine.subject import evaluated
from benchmarks.figure import Figure, Reach, Row


def calls_span(bench: Bench) -> Row:
    """Measures the rate over the span of the calls, told the concurrency and not, and the SDK's."""
    most, rows = ceiling(), bench.sizes.many
    told, journaled = bench.told.seen.rate, bench.told.report["journaled"]
    found = evaluated(bench.folder / "found", usual(), rows, "engine, not told").seen.rate
    whole, streamed = bench.sdk(SLOTS).rate, bench.sdk(SLOTS, stream=True).rate
    mode = "off" if whole >= streamed else "on"
    return Row(
        1,
        f"Rate over the calls' span, {rows:,} rows, {SLOTS} slots",
        "Answers over the seconds from the first request to the last reply, by the endpoint's own statistics; the "
        "ceiling is slots over mean latency, and the SDK's loop is its better one of streaming off and on, with "
        "nothing journaled or scored.",
        (
            Figure("told 64, of the ceiling", told / most, Reach(at_least=0.97), 3, note=_rates(told, most)),
            Figure("rows journaled, of all", journaled / rows, Reach(at_least=1.0), 3, note=f"{journaled:,}"),
            Figure(
                "told 64, over the openai SDK's bare loop",
                told / max(whole, streamed),
                Reach(at_least=1.0),
                3,
                " ×",
                f"streaming {mode}; off {whole:.0f}/s, on {streamed:.0f}/s",
            ),
            Figure("not told, of the ceiling", found / most, Reach(at_least=0.93), 3, note=_rates(found, most)),
        ),
    )


def whole_wall(bench: Bench) -> Row:
    """Measures the rate over the whole wall time after start-up, with the results store and MLflow."""
    most, rows, report = ceiling(), bench.sizes.many, bench.recorded.report
    rate = rows / report["wall_s"]
    recording = report["wall_s"] - report["evaluated_s"]
    note = f"{report['wall_s']:.1f} s, of which before and after the evaluation {recording:.1f} s"
    return Row(
        2,
        f"Rate over the wall time after start-up, {rows:,} rows, {SLOTS} slots, told 64",
        "As row 1, timed by its own process from opening the workspace to the end of `record_evaluation`: reading "
        "rows, asking, scoring, results store and a real MLflow server, to which 1,000 traces and everything flagged "
        "go while the others are asked; imports and the start of the server are left out.",
        (Figure("told 64, of the ceiling", rate / most, Reach(at_least=0.85), 3, note=note),),
    )


def many_slots(bench: Bench) -> Row:
    """Measures how far the engine is past one core of the SDK, and past its peers, where the endpoint is no bound."""
    rows, own = bench.sizes.many, bench.wide.seen.rate
    sdk = bench.sdk(MANY_SLOTS).rate
    note = f"{own:.0f}/s to {sdk:.0f}/s; aimed at: 2 ×"
    return Row(
        4,
        f"Rate at {MANY_SLOTS} slots, {rows:,} rows",
        "As rows 1 and 3, where the endpoint is no bound; the engine streams and is told the concurrency, the SDK's "
        "loop, as many at once, does not stream, which is its better way. Endpoint and caller share the machine's "
        "cores.",
        (
            Figure("over the openai SDK's bare loop, one core", own / sdk, digits=2, unit=" ×", note=note),
            *beside_peers(bench, own, MANY_SLOTS),
        ),
    )


def _rates(rate: float, most: float) -> str:
    return f"{rate:.1f}/s of {most:.1f}/s"
