"""How often a rollout ends as it should: simulated users, and candidates that are worse, a little worse, and equal."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np

from benchmarks.figure import Figure, Reach, Row
from configs.schema.release import Rollout as Rules
from tasks.calling.answer import Answer, Outcome
from tasks.releasing.entry import Entry
from tasks.rollout.deciding import decide
from tasks.rollout.measures import Measure
from tasks.rollout.observing import Observations
from tasks.rollout.placing import Arm, Placed
from tasks.rollout.stages import Rollout
from tasks.serving.served import Served

_OLD, _SHARE, _MARGIN = 0.8, 0.2, 0.05
_A_LOOK = 50
_MOST_OF_ITS_OWN = 2000
_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
_ANSWERS = {ok: Answer("", Outcome.OK if ok else Outcome.APP_ERROR) for ok in (True, False)}


class Ended(NamedTuple):
    """How one rollout ended.

    Attributes:
        what: `end`, `promote`, or `wait` where it had not after 2,000 answers of the candidate's.
        own: answers of the candidate's until then.
        met: share of the users who had met it by then.
    """

    what: str
    own: int
    met: float


def canary(rollouts: int) -> Row:
    """Simulates so many rollouts each of three candidates, by the code that judges real ones."""
    rng = np.random.default_rng(20261129)
    worse, slightly, equal = ([_ended(rng, new) for _ in range(rollouts)] for new in (0.7, 0.75, 0.8))
    caught = [each for each in worse if each.what == "end" and each.own <= 600]
    met = float(np.mean([each.met for each in worse]))
    how = (
        f"{rollouts} rollouts each, of users who ask once; the champion answers {_OLD:.0%} of them well and "
        f"{_SHARE:.0%} of them meet the candidate; looked at after every {_A_LOOK} requests, at 95 %, with a margin of "
        f"{_MARGIN * 100:.0f} points. A test that looks once needs about 270, and 690, answers of the candidate's."
    )
    figures = (
        _share("10 points worse: ended within 600 of its own answers", caught, rollouts, Reach(at_least=95), worse),
        _share("5 points worse: promoted", _promoted(slightly), rollouts, Reach(at_most=5), slightly),
        _share("as good: promoted within 2,000", _promoted(equal), rollouts, Reach(at_least=90), equal),
        Figure("users who met the one 10 points worse", 100 * met, unit=" %", digits=1, note="of all until it ended"),
    )
    return Row(3, "Rollouts that end as they should", how, figures)


def _promoted(ended: list[Ended]) -> list[Ended]:
    return [each for each in ended if each.what == "promote"]


def _share(what: str, hits: list[Ended], rollouts: int, reach: Reach, all_: list[Ended]) -> Figure:
    middle = int(np.median([each.own for each in hits])) if hits else 0
    others = {name: sum(each.what == name for each in all_) for name in ("end", "promote", "wait")}
    note = (
        f"median after {middle} of its own; {others['end']} ended, {others['promote']} promoted, {others['wait']} open"
    )
    return Figure(what, 100 * len(hits) / rollouts, reach, digits=1, unit=" %", note=note)


def _ended(rng: np.random.Generator, new: float) -> Ended:
    rules = Rules.model_validate(
        {"shares": [_SHARE], "answers": 50, "metrics": [{"metric": "error_rate", "margin": _MARGIN}]}
    )
    rollout, seen, asked = _rollout(), Observations([Measure("error_rate", _MARGIN, None)], {}, ()), 0
    while seen.own_answers(_SHARE) < _MOST_OF_ITS_OWN:
        seen.add(_requests(rng, new, asked))
        asked += _A_LOOK
        found = decide(rollout, rules, seen, _NOON + timedelta(hours=1), _NOON)
        if found.what != "wait":
            return Ended(found.what, seen.own_answers(_SHARE), seen.own_answers(_SHARE) / asked)
    return Ended("wait", seen.own_answers(_SHARE), seen.own_answers(_SHARE) / asked)


def _requests(rng: np.random.Generator, new: float, start: int) -> Iterator[Served]:
    drawn = rng.random(_A_LOOK) < _SHARE
    good = rng.random(_A_LOOK) < np.where(drawn, new, _OLD)
    for at in range(_A_LOOK):
        arm: Arm = "canary" if drawn[at] else "champion"
        placed = Placed("simulated", arm, _SHARE, str(start + at))
        yield Served(str(start + at), _NOON, arm, 1, "", (), {}, _ANSWERS[bool(good[at])], placed=placed)


def _rollout() -> Rollout:
    entry = Entry(
        sequence=1,
        at=_NOON.isoformat(),
        kind="stage",
        action="promote",
        stage="canary",
        release="simulated",
        candidate="new",
        version=2,
        evidence={"share": _SHARE},
        who="benchmark",
        why="simulated",
        previous_hash="",
        hash="",
    )
    return Rollout("simulated", "new", 2, "old", 1, "canary", _SHARE, False, entry, entry)
