"""Releases and rollbacks while users ask: whether any of them notices."""

import time
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

from benchmarks.figure import Figure, Reach, Row
from benchmarks.operate.agreement import agree
from benchmarks.operate.released import APP, GOOD, World, passed, released
from benchmarks.operate.users import Users, Whole, asking
from infra.simulator.behaviour import Behaviour
from infra.simulator.running import simulated_process

UPSTREAM = Behaviour(latency_s=0.05, per_token_s=0.02, slots=512, keep_requests=0)
"""An answer of a dozen tokens takes about a third of a second: a stream outlives a release."""
_BETWEEN = 20
"""Answers between two changes."""


def releases(home: Path, changes: int, users: int) -> Row:
    """Releases and goes back so many times each.

    Args:
        home: an empty folder.
        changes: so many releases, and as many rollbacks.
        users: who ask at once.
    """
    took: list[float] = []
    apart = 0
    with simulated_process(UPSTREAM) as upstream, released(home, upstream, ("endpoint",)) as world:
        with asking(Users(world.address, APP, world.names, users)) as asked:
            for number in range(changes):
                for change in (_release, _roll_back):
                    asked.wait_for(_BETWEEN)
                    began = time.monotonic()
                    change(world, number)
                    took.append(time.monotonic() - began)
                    apart += not agree(world)
            asked.wait_for(_BETWEEN)
        commits = len([entry for entry in world.log.entries() if entry.kind == "commit"]) - 1
        world.log.verify()
    by = ", ".join(f"{sum(each.by == name for each in asked.whole):,} by {name}" for name in GOOD)
    failed = ", ".join(f"{count} × {how}" for how, count in asked.failed.items())
    how = (
        f"{changes} releases and {changes} rollbacks between two candidates; MLflow and `lifecycle serve` are "
        f"processes of their own; {users} users ask again as soon as they are answered, every other time for a stream. "
        "A candidate's name stands at both ends of its answers, and the header says who answered: each answer is "
        "compared with what it must be, to the letter. Verdicts are given; no gate is asked."
    )
    figures = (
        Figure("requests that failed", sum(asked.failed.values()), Reach(at_most=0), digits=0, note=failed),
        Figure("answers that were torn", asked.torn, Reach(at_most=0), digits=0),
        Figure("answers that were mixed", len(asked.mixed), Reach(at_most=0), digits=0, note=" ".join(asked.mixed[:1])),
        Figure("changes of the champion", commits, Reach(2 * changes, 2 * changes), digits=0),
        Figure("after which served, alias and log differed", apart, Reach(at_most=0), digits=0),
        Figure("answers", len(asked.whole), digits=0, note=by),
        Figure("answers under way while the champion changed", _outlived(asked.whole), Reach(at_least=1), digits=0),
        Figure("a change takes, median", sorted(took)[len(took) // 2], unit=" s", note=f"longest {max(took):.2f} s"),
    )
    return Row(4, "Releases and rollbacks under load", how, figures)


def _release(world: World, number: int) -> None:
    from tasks.releasing.promote import promote
    from tasks.releasing.release import parts_of

    candidate = world.candidates[GOOD[1]]
    promote(
        candidate,
        world.versions[GOOD[1]],
        parts=parts_of(world.loaded),
        verdicts=passed(candidate),
        evidence={"number": number},
        who="benchmark",
        why=f"release {number}",
    )


def _roll_back(world: World, number: int) -> None:
    from tasks.releasing.release import roll_back

    roll_back(world.loaded, None, f"rollback {number}")


def _outlived(asked: list[Whole]) -> int:
    """Returns how many answers were under way when one by the other candidate began."""
    spans = sorted(asked, key=lambda each: each.began)
    return sum(any(other.by != each.by for other in _during(each, spans[at + 1 :])) for at, each in enumerate(spans))


def _during(answer: Whole, later: list[Whole]) -> Iterator[Whole]:
    return takewhile(lambda other: other.began < answer.ended, later)
