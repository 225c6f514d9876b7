"""Tests a claim on a judged mean by what people's own would be, on rows that are looked at once."""

from tasks.gating.claim import Claim
from tasks.gating.looked_at_once import LookedAtOnce
from tasks.statistics.corrected import Corrected, corrected_mean
from tasks.statistics.corrected_bets import corrected_bounds
from tasks.statistics.intervals import Interval


class CorrectedTest(LookedAtOnce):
    """A claim on people's mean over all rows: a judge has scored them, people enough of them; see `corrected_mean`.

    That interval is Student's, which passes wrongly where few labels are unlike the others. So each end is widened to
    where bets on the labels end. More labels would settle it rather than more rows.
    """

    def holds(self, error: float) -> bool:
        """Returns whether the claim holds; bets are only asked where Student's interval says so."""
        found, above = corrected(self.claim, error), self.claim.above
        said = found is None or self.claim.holds_for(found.low if above else found.high)
        return said and super().holds(error)

    def broken(self, error: float) -> bool:
        """Returns whether the claim is false; bets are only asked where Student's interval says so."""
        found, above = corrected(self.claim, error), self.claim.above
        said = found is None or not self.claim.holds_for(found.high if above else found.low)
        return said and super().broken(error)

    def of_rows(self, error: float) -> Interval:
        """Returns people's mean and its interval, each end wrong with probability `error` at most."""
        claim, found = self.claim, corrected(self.claim, error)
        if found is None or claim.people is None:
            raise ValueError("a claim without enough labels is tested on the judge's scores alone")
        up, down = (claim.hoped, claim.feared) if claim.above else (claim.feared, claim.hoped)
        safe = corrected_bounds(claim.rows, claim.people, error, up, down)
        return Interval(found.value, min(found.low, safe.low), max(found.high, safe.high), f"{found.method}, bets")


def corrected(claim: Claim, error: float) -> Corrected | None:
    """Returns people's mean over the rows of a claim; None where too few of them have labels.

    Args:
        claim: the claim.
        error: probability that each end of the interval is wrong.
    """
    return None if claim.people is None else corrected_mean(claim.rows, claim.people, 1 - 2 * error)


def contradiction(claim: Claim, error: float) -> str:
    """Returns how people's labels contradict the judge on which side of the bound the mean is; "" where they do not.

    Args:
        claim: on rows of which some have scores.
        error: probability that each end of people's interval is wrong.
    """
    found = corrected(claim, error)
    if found is None:
        return ""
    holds = claim.holds_for(float(claim.rows.scored.values.mean()))
    against = (found.high if holds else found.low) if claim.above else (found.low if holds else found.high)
    if claim.holds_for(against) is holds:
        return ""
    return (
        f"the judge alone says {claim.rows.scored.values.mean():.3g}, people's labels say {found.value:.3g} "
        f"[{found.low:.3g}, {found.high:.3g}], on the other side of {claim.shown:g}; set `stop_early: false` to decide "
        f"on them"
    )
