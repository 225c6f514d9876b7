"""Processes killed, a database locked and a disk filled at random moments of releases, while users ask."""

import math
import random
import re
import sqlite3
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from itertools import cycle, islice, product
from pathlib import Path
from statistics import median

import httpx

from benchmarks.figure import Figure, Reach, Row
from benchmarks.operate.released import APP, BAD, World, released
from benchmarks.operate.releases import UPSTREAM
from benchmarks.operate.striking import KINDS, OTHER_FAULTS, Round, struck, undisturbed
from benchmarks.operate.users import Users, asking
from configs.settings import settings
from infra.simulator.behaviour import Fault
from infra.simulator.running import simulated_process
from infra.stack.parts import parts
from tasks.releasing.entry import Entry
from tasks.rollout.stages import rollout_of

_SEED = 20261129
_UPSTREAM = UPSTREAM.model_copy(update={"faults": (Fault(kind="server_error", contains=BAD),)})


def kills(home: Path, rounds: int, users: int, names: Sequence[str] = ("endpoint", "prefect", "runner")) -> Row:
    """Does so much to a stack, one thing after the other, and looks what is left.

    Args:
        home: an empty folder.
        rounds: faults.
        users: who ask at once.
        names: parts that run, with those that they need.
    """
    chance = random.Random(_SEED)  # noqa: S311 nothing secret
    with simulated_process(_UPSTREAM) as upstream, released(home, upstream, names) as world:
        ours = [part.name for part in parts(names)]
        planned = list(product((*ours, *OTHER_FAULTS), KINDS))
        chance.shuffle(planned)
        unrecorded: dict[int, float] = {}
        done = []
        with asking(Users(world.address, APP, world.names, users)) as asked:
            lengths = {kind: undisturbed(world, kind, -1 - at) for at, kind in enumerate(KINDS)}
            for number, (fault, kind) in enumerate(islice(cycle(planned), rounds)):
                done.append(struck(world, fault, kind, number, lengths[kind], chance))
                lengths[kind] = lengths[kind] if done[-1].met else lengths[kind].shortened()
                print(f"{number + 1}/{rounds}: {done[-1]}", file=sys.stderr, flush=True)
                _read_unrecorded(world, unrecorded)
                asked.wait_for(users)
        how = (
            f"{len(done)} faults, seed {_SEED}: SIGKILL of a process of each part in turn ({', '.join(ours)}), of the "
            "one beside the endpoint and of the one that releases; the file of served requests or MLflow's locked for "
            "seconds; no room for the endpoint's files or for the release's. Each at a random moment of a release, a "
            "rollback, a rollout whose candidate is as good, and one whose candidate always fails, while users ask. "
            "Verdicts are given and the releases made by a process of the benchmark's, which calls what `deploy` calls."
        )
        figures = left(world, asked, done, sum(unrecorded.values()))
        return Row(5, "What is killed, locked or full during releases", how, figures)


def left(world: World, asked: Users, done: list[Round], said: float) -> tuple[Figure, ...]:
    """Returns what a stack is left with after faults.

    Args:
        world: the stack.
        asked: users, who have ended.
        done: the faults.
        said: answers of which the endpoint has said that it could not record them.

    Raises:
        ReleaseError: the chain of the release log is broken.
    """
    world.log.verify()
    entries = world.log.entries()
    recorded = _recorded()
    missing = Counter(each.acknowledged for each in asked.whole if each.request not in recorded)
    acknowledged = sum(each.acknowledged for each in asked.whole)
    apart = [each for each in done if each.settled is None]
    met = sum(each.met for each in done)
    kinds = Counter(each.stage or each.kind for each in entries)
    return (
        Figure("faults that met a release under way", met, Reach(at_least=math.ceil(len(done) / 3)), digits=0),
        Figure(
            "faults after which served, alias and log did not agree again",
            len(apart),
            Reach(at_most=0),
            digits=0,
            note=", ".join(f"{each.fault} in a {each.kind}" for each in apart),
        ),
        *_times("until they agreed", [each.agreed for each in done]),
        *_times("until every part answered again", [each.back for each in done]),
        Figure(
            "requests lost of those that were acknowledged as recorded",
            missing[True],
            Reach(at_most=0),
            digits=0,
        ),
        Figure("requests acknowledged as recorded", acknowledged, Reach(at_least=len(done)), digits=0),
        Figure(
            "requests lost of those that were answered and not acknowledged",
            missing[False],
            digits=0,
            note=f"of {len(asked.whole) - acknowledged:,}; {said:.0f} of all were said to be, for want of room",
        ),
        Figure("answers that were mixed", len(asked.mixed), Reach(at_most=0), digits=0, note=" ".join(asked.mixed[:1])),
        Figure("releases neither finished nor undone", _open(entries), Reach(at_most=0), digits=0),
        Figure(
            "answers that came whole",
            len(asked.whole),
            Reach(at_least=len(done)),
            digits=0,
            note=f"{asked.torn} torn by a kill, {sum(asked.failed.values())} refused or failed meanwhile",
        ),
        Figure(
            "entries of the release log, whose chain is whole",
            len(entries),
            digits=0,
            note=", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())),
        ),
    )


def _times(what: str, seconds: list[float | None]) -> Iterator[Figure]:
    known = [each for each in seconds if each is not None]
    yield Figure(f"{what}, median", median(known) if known else None, digits=1, unit=" s")
    yield Figure(f"{what}, longest", max(known, default=None), digits=1, unit=" s")


def _open(entries: Sequence[Entry]) -> int:
    """Returns how many changes, and rollouts, were begun and not ended."""
    changes = [entry for entry in entries if entry.stage is None]
    pairs = zip(changes, [*changes[1:], None], strict=True)
    unfinished = sum(entry.open and (after is None or after.open) for entry, after in pairs)
    return unfinished + (rollout_of(entries) is not None)


def _read_unrecorded(world: World, unrecorded: dict[int, float]) -> None:
    """Keeps what the endpoint says it could not record, by the process that says it."""
    pid = world.supervisor.processes()["endpoint"].pid
    with suppress(httpx.HTTPError):  # it is away: the round has found that already
        text = httpx.get(f"{world.address.removesuffix('/v1')}/metrics", timeout=10, trust_env=False).text
        found = re.findall(r"^lifecycle_requests_unrecorded\{.*\} (\S+)$", text, re.MULTILINE)
        unrecorded[pid] = sum(map(float, found))


def _recorded() -> set[str]:
    with closing(sqlite3.connect(settings().folder("served") / f"{APP}.db")) as database:
        return {request for (request,) in database.execute("SELECT id FROM served")}
