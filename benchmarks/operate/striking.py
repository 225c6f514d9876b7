"""One fault at a random moment of a release, and how long it takes until all is well again."""

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from benchmarks.engine.processes import started
from benchmarks.operate.agreement import agree
from benchmarks.operate.faults import fill, kill, lock
from benchmarks.operate.released import BAD, GOOD, World
from configs.errors import StackError
from infra.stack.health import healthy
from infra.stack.parts import parts
from tasks.rollout.stages import rollout_of

KINDS = ("promote", "rollback", "rollout", "bad rollout")
"""What the process that releases is asked to do: the last two by stages, the last of a candidate that always fails."""
OTHER_FAULTS = ("beside", "releaser", "locked", "full")
"""What may be done beside the killing of a part: the process beside the endpoint or the one that releases killed, a
database locked, no room on the disk."""

_WITHIN_S = 240.0
_LOOK_EVERY_S = 0.3
_SHORTENED = 0.7


class Round(NamedTuple):
    """What came of one fault; seconds count from it, None where it did not come.

    Attributes:
        fault: what was done.
        kind: during what.
        met: whether there was what it was done to, and a release was under way.
        agreed: until served, alias and log named one candidate for the first time.
        back: until every part answered.
        settled: until all of that held, and no release was under way any more.
    """

    fault: str
    kind: str
    met: bool
    agreed: float | None
    back: float | None
    settled: float | None


class Length(NamedTuple):
    """How long a release takes that nothing happens to, in seconds: the process that releases, and all of it."""

    releaser: float
    whole: float

    def shortened(self) -> "Length":
        """Returns the length to go by once a release was over before it was struck."""
        return Length(_SHORTENED * self.releaser, _SHORTENED * self.whole)


def struck(world: World, fault: str, kind: str, number: int, length: Length, chance: random.Random) -> Round:
    """Has a process release, strikes while it does, and waits until nothing is under way any more.

    Args:
        world: the stack.
        fault: name of a part, whose process is killed, or one of `OTHER_FAULTS`.
        kind: one of `KINDS`.
        number: of the release.
        length: of such a release; it is struck within it, the process that releases while that lives.
        chance: says when, and which process.
    """
    with _releaser(world, kind, number) as process:
        _tell(process)
        time.sleep(chance.uniform(0, length.releaser if fault == "releaser" else length.whole))
        under_way = _under_way(world, process)
        met = _strike(world, fault, process, chance) and under_way
        began = time.monotonic()
        agreed = back = None
        while time.monotonic() - began < _WITHIN_S:
            # Agreement last: nothing changes any more once a release is over.
            over, up, in_agreement = not _under_way(world, process), _all_up(world), agree(world)
            since = time.monotonic() - began
            agreed = since if agreed is None and in_agreement else agreed
            back = since if back is None and up else back
            if over and up and in_agreement:
                return Round(fault, kind, met, agreed, back, since)
            time.sleep(_LOOK_EVERY_S)
    return Round(fault, kind, met, agreed, back, None)


def undisturbed(world: World, kind: str, number: int) -> Length:
    """Returns how long a release takes that nothing happens to.

    Raises:
        StackError: it does not end.
    """
    with _releaser(world, kind, number) as process:
        began, releaser = time.monotonic(), None
        _tell(process)
        while _under_way(world, process):
            if time.monotonic() - began > _WITHIN_S:
                raise StackError(f"a {kind} does not end within {_WITHIN_S:.0f} s, though nothing is done to it")
            releaser = time.monotonic() - began if releaser is None and process.poll() is not None else releaser
            time.sleep(_LOOK_EVERY_S / 3)
        whole = time.monotonic() - began
        return Length(whole if releaser is None else releaser, whole)


def _under_way(world: World, process: "subprocess.Popen[str]") -> bool:
    """Returns whether a release that was told to begin is not over."""
    return process.poll() is None or rollout_of(world.log.entries()) is not None


def _strike(world: World, fault: str, process: "subprocess.Popen[str]", chance: random.Random) -> bool:
    """Does it, and returns whether there was what it was done to."""
    if fault == "locked":
        lock(chance)
        return True
    if fault == "full":
        return fill(world, process, chance)
    return kill(world, fault, process, chance)


@contextmanager
def _releaser(world: World, kind: str, number: int) -> "Iterator[subprocess.Popen[str]]":
    """Has a process ready that releases once it is told to."""
    served = world.names.get(world.served() or "", GOOD[0])
    name = BAD if kind == "bad rollout" else next(each for each in GOOD if each != served)
    module = [sys.executable, "-m", "benchmarks.operate.releaser"]
    with started([*module, str(world.folder), kind.removeprefix("bad "), name, str(number)]) as running:
        if running.process.stdout is not None:
            running.process.stdout.readline()
        yield running.process


def _tell(process: "subprocess.Popen[str]") -> None:
    if process.stdin is not None:
        process.stdin.write("\n")
        process.stdin.flush()


def _all_up(world: World) -> bool:
    """Returns whether every part of the stack answers, and is one that the supervisor knows."""
    known = world.supervisor.processes()
    ours = [part for part in parts() if known[part.name].state != "STOPPED"]
    return all(known[part.name].is_alive for part in ours) and len(healthy(ours)) == len(ours)
