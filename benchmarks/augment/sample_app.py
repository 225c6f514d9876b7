"""The sample app through the real stack: a turn of its loop, then its fine-tuned candidate beside its first one."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure, Reach, Row
from benchmarks.own_stack import EVERY_ROW, own_stack
from configs.loading import load_app

_APP = "outfitter"
_REACHES = {
    "contains": ("facts", Reach(at_least=0.80)),
    "citation": ("right citation", Reach(at_least=0.80)),
    "abstention": ("abstention", Reach(at_least=0.70)),
    "over_refusal": ("over-refusal", Reach(at_most=0.15)),
}
"""By metric: what it is called, and what the fine-tuned candidate is to reach."""


def sample_app(folder: Path, quick: bool) -> Row:
    """Turns the loop once on fresh state, and asks both candidates every row, whatever the gates have asked.

    Args:
        folder: an empty one.
        quick: two steps of the one move that fits weights, and the sample rows.
    """
    changes, data = (_few_steps(), "sample") if quick else ((), "full")
    with own_stack(folder / "home") as lifecycle:
        looped = lifecycle.run("loop", "--app", _APP, changes=changes)
        # What the loop has made is found again, not made again.
        tuned = lifecycle.run("finetune", "--app", _APP, changes=changes)
        first = looped["verdicts"][0]["candidate"]
        asked = [
            lifecycle.run(
                "evaluate",
                *("--app", _APP),
                changes=(*changes, *EVERY_ROW, f"candidate={candidate}", f"data={data}"),
            )
            for candidate in (tuned["candidate"], first)
        ]
    return Row(
        1,
        f"The sample app `{_APP}`: its fine-tuned candidate beside its first one",
        f"`lifecycle run loop --app {_APP}` on a stack of its own, with the embedded model; then "
        f"{asked[0]['rows']['used']} rows of its {data} data for both candidates, without stopping early. The first "
        "one is the exploration's best, which is released as `bootstrap`. Intervals are of 95 %, by clusters.",
        figures(looped, tuned, *asked),
    )


def figures(
    looped: Mapping[str, Any], tuned: Mapping[str, Any], fitted: Mapping[str, Any], first: Mapping[str, Any]
) -> tuple[Figure, ...]:
    """Returns the row's figures from the documents that the stages print.

    Args:
        looped: of `loop`.
        tuned: of `finetune`.
        fitted: of `evaluate` for the fine-tuned candidate.
        first: of `evaluate` for the first candidate.
    """
    verdict = looped["verdicts"][0]
    said_no = verdict["gate"] == "sample" and verdict["verdict"] == "FAIL"
    turn = f"{looped['end']}; {looped['calls']['made']} calls"
    training = f"{tuned['steps']} steps, {tuned['rows_per_s']:.1f} rows/s"
    return (
        *(_figure(f"fine-tuned: {name}", metric, fitted, reach) for metric, (name, reach) in _REACHES.items()),
        *(_figure(f"first: {name}", metric, first, Reach()) for metric, (name, _) in _REACHES.items()),
        Figure("the sample gate's first verdict is no", float(said_no), Reach(1, 1), digits=0, note=verdict["reason"]),
        Figure("turn of the loop", looped["seconds"], digits=0, unit=" s", note=turn),
        Figure("of which training", tuned["seconds"], digits=0, unit=" s", note=training),
    )


def _figure(what: str, metric: str, evaluated: Mapping[str, Any], reach: Reach) -> Figure:
    found = _estimate(evaluated["estimates"], metric)
    if found["value"] is None:
        return Figure(what, None, reach, note="no row scored")
    notes = [f"[{found['low']:.2f}, {found['high']:.2f}] of {found['n']}"]
    if not reach.holds(found["value"]):
        bound = reach.at_least if reach.at_least is not None else reach.at_most
        notes.append(f"falls short by {abs(found['value'] - (bound or 0)):.3f}")
    return Figure(what, found["value"], reach, digits=3, note="; ".join(notes))


def _estimate(estimates: Sequence[Mapping[str, Any]], metric: str) -> Mapping[str, Any]:
    """Returns a metric's mean over all rows."""
    return next(
        each for each in estimates if each["metric"] == metric and each["slice"] is None and each["quantile"] is None
    )


def _few_steps() -> tuple[str, ...]:
    moves = [move for move in load_app(_APP).app.augment.moves if move.kind == "finetune"]
    only = json.dumps([move.model_dump(mode="json", exclude_unset=True) for move in moves[:1]])
    return (f"augment.moves={only}", "loop.max_rounds=1", "finetune.steps=2")
