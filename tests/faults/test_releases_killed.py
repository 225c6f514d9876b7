"""Parts killed in the middle of releases, with the real stack: a small share of what `make bench-operate` does.

Whoever started what died brings it back, and served, alias and log name one candidate again; no request that was
acknowledged as recorded is lost.
"""

import random

import pytest

from benchmarks.operate.kills import left
from benchmarks.operate.released import APP, BAD, released
from benchmarks.operate.releases import UPSTREAM
from benchmarks.operate.striking import Length, struck
from benchmarks.operate.users import Users, asking
from infra.simulator.behaviour import Fault
from infra.simulator.running import simulated

pytestmark = [pytest.mark.fault, pytest.mark.stack]

STRUCK = (("releaser", "promote"), ("endpoint", "rollout"), ("beside", "bad rollout"))
SOON = Length(0.3, 1.0)


def test_a_release_in_which_something_dies_is_finished_or_undone_and_nothing_is_lost(tmp_path):
    chance = random.Random(3)  # noqa: S311 nothing secret
    behaviour = UPSTREAM.model_copy(update={"faults": (Fault(kind="server_error", contains=BAD),)})
    with simulated(behaviour) as upstream, released(tmp_path, upstream, ("endpoint",)) as world:
        with asking(Users(world.address, APP, world.names, 4)) as users:
            done = [struck(world, *each, number, SOON, chance) for number, each in enumerate(STRUCK)]
            users.wait_for(4)
        found = left(world, users, done, said=0)
    assert {figure.what: figure.shown for figure in found if figure.reached is False} == {}
    assert len(users.whole) > 20
