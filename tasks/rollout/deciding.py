"""What follows from what both sides have answered: wait, a larger share, promotion, the end, or the way back.

Each metric is a test that may be looked at after every answer. Ending needs one metric on which the candidate is
certainly worse, and the level is divided by how many there are; promoting needs all of them, each at the full level:
certainly no worse than its margin. So a candidate as good as the champion is ended by mistake, and one that is worse by
the margin promoted, with the probability that the configuration leaves at most.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

import numpy as np

from configs.schema.release import Rollout as Rules
from tasks.rollout.measures import Measure
from tasks.rollout.observing import Observations
from tasks.rollout.stages import Rollout
from tasks.statistics.anytime import lowest_possible
from tasks.statistics.intervals import Interval
from tasks.statistics.two_arms import Gains, difference, evidence_above

What = Literal["wait", "begin", "canary", "promote", "end", "settle", "roll back"]


class Decision(NamedTuple):
    """What is to be done.

    Attributes:
        what: the step.
        why: in words.
        share: of `canary`, the next share of the users.
    """

    what: What
    why: str
    share: float = 0.0


class Found(NamedTuple):
    """One metric of a rollout, as it is shown.

    Attributes:
        metric: its name.
        margin: by how much the candidate may be worse.
        difference: candidate − champion in shares of the range, above 0 where the candidate is better; None before
            there is any.
        new: answers of the candidate's that have it.
        old: answers of the champion's that have it.
        worse: evidence that the candidate is worse, as a share of what ends the rollout.
        fine: evidence that it is no worse than the margin, as a share of what the promotion needs.
    """

    metric: str
    margin: float
    difference: Interval | None
    new: int
    old: int
    worse: float
    fine: float


def decide(rollout: Rollout, rules: Rules, seen: Observations, now: datetime, began: datetime) -> Decision:
    """Returns the next step of a rollout that candidate and champion answer, or that is watched.

    Args:
        rollout: where it stands.
        rules: the app's.
        seen: what was answered.
        now: the time.
        began: when the candidate was first asked, or promoted.
    """
    if rollout.promoted:
        return _watched(rules, seen, now, began)
    if worse := _worse(rollout, rules, seen):
        return Decision("end", f"{worse} is certainly worse than the champion's")
    hours = rules.within_hours
    if now - began > timedelta(hours=hours):
        return Decision("end", f"not shown to be no worse than the champion within {hours:g} hours")
    return _copied(rules, seen) if rollout.stage == "shadow" else _met(rollout, rules, seen)


def found_of(rollout: Rollout, rules: Rules, seen: Observations) -> tuple[Found, ...]:
    """Returns what both sides' answers say of each metric; slow where there are many."""
    return tuple(_found(rollout, rules, seen, measure) for measure in seen.measures)


def _found(rollout: Rollout, rules: Rules, seen: Observations, measure: Measure) -> Found:
    gains, error = _gains(rollout, seen, measure), 1 - rules.confidence
    worse, fine = evidence_above(gains.mirrored, 0.0), _evidence_fine(seen, measure)
    return Found(
        measure.name,
        measure.margin,
        difference(gains, rules.confidence),
        *seen.answered(measure),
        worse=float(max(worse.max(), 0.0) / np.log(len(seen.measures) / error)),
        fine=float(max(fine.max(), 0.0) / np.log(1 / error)),
    )


def _gains(rollout: Rollout, seen: Observations, measure: Measure) -> Gains:
    """What is missing speaks against nobody here: an instrument that failed is never a model that failed."""
    return seen.paired(measure) if rollout.stage == "shadow" else seen.drawn(measure, missing_is_worst=False)


def _evidence_fine(seen: Observations, measure: Measure) -> "np.typing.NDArray[np.float64]":
    return evidence_above(seen.drawn(measure, missing_is_worst=True), -measure.margin)


def _fine(seen: Observations, measure: Measure, error: float) -> bool:
    return bool(_evidence_fine(seen, measure).max() >= np.log(1 / error))


def _worse(rollout: Rollout, rules: Rules, seen: Observations) -> str | None:
    enough = np.log(len(seen.measures) / (1 - rules.confidence))
    for measure in seen.measures:
        if evidence_above(_gains(rollout, seen, measure).mirrored, 0.0).max() >= enough:
            return measure.name
    return None


def _met(rollout: Rollout, rules: Rules, seen: Observations) -> Decision:
    own = seen.own_answers(rollout.share)
    if own < rules.answers:
        return Decision("wait", f"{own} of {rules.answers} answers at {rollout.share:.0%} of the users")
    larger = [share for share in rules.shares if share > rollout.share]
    if larger:
        why = f"{own} answers at {rollout.share:.0%}, none of the metrics is certainly worse"
        return Decision("canary", why, larger[0])
    lacking = [each.name for each in seen.measures if not _fine(seen, each, 1 - rules.confidence)]
    if lacking:
        return Decision("wait", f"not yet certain to be no worse than the margin: {', '.join(lacking)}")
    return Decision("promote", f"certainly no worse than the margin on {_listed(seen.measures)}")


def _copied(rules: Rules, seen: Observations) -> Decision:
    if seen.copies < rules.shadow:
        return Decision("wait", f"{seen.copies} of {rules.shadow} copies answered")
    why = f"{seen.copies} copies answered, none of the metrics is certainly worse"
    return Decision("canary", why, rules.shares[0])


def _watched(rules: Rules, seen: Observations, now: datetime, began: datetime) -> Decision:
    """The champion before answers nobody any more: what its mean was at least, is what the new one must not fall below.

    Half of the error is what that bound may be wrong by, half what the comparison may.
    A metric that too few answers have proves nothing: it is waited for, and ends the watch as unproven, not as well.
    """
    error = (1 - rules.confidence) / len(seen.measures) / 2
    for measure in seen.measures:
        before, after = seen.before(measure), seen.after(measure)
        if not before.values.size or not after.values.size:
            continue
        was = _at_least(before, error)
        if evidence_above(after.mirrored, -was).max() >= np.log(1 / error):
            return Decision("roll back", f"{measure.name} is certainly worse than the champion's before it")
    watched, few, since = f"{seen.watched} answers since the promotion", _few(rules, seen), now - began
    if since < timedelta(minutes=rules.watch_minutes) or (few and since < timedelta(hours=rules.within_hours)):
        return Decision("wait", f"{watched}, too few to compare: {few}" if few else watched)
    if few:
        late = f"within {rules.within_hours:g} hours of its promotion too few answers came to compare: {few}"
        return Decision("end", f"unproven, and still champion: {late}")
    return Decision("settle", f"{watched}, none of the metrics is certainly worse than the champion's before it")


def _few(rules: Rules, seen: Observations) -> str:
    """Returns the metrics that too few answers have, with how many do; "" where there are none."""
    few = []
    for measure in seen.measures:
        (_, before), after = seen.answered(measure), seen.answered_since(measure)
        if after < rules.answers:
            few.append(f"{measure.name} ({after} of {rules.answers})")
        elif not before:
            few.append(f"{measure.name} (none of the champion's answers)")
    return ", ".join(few)


def _at_least(levels: Gains, error: float) -> float:
    value = float(levels.values.mean())
    return lowest_possible(lambda bound: evidence_above(levels, bound), value, 0.0, error)


def _listed(measures: Sequence[Measure]) -> str:
    return ", ".join(f"{each.name} ({each.margin:g})" for each in measures)
