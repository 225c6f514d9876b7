"""What a gate says, rule by rule."""

from enum import StrEnum
from typing import Literal

from configs.schema.base import Frozen
from tasks.statistics.estimate import Estimate

GateName = Literal["sample", "release"]


class Decision(StrEnum):
    """A gate's or a rule's answer."""

    PASS = "PASS"  # noqa: S105 a verdict, not a password
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"


class RuleVerdict(Frozen):
    """One rule, what it stands on, and the reason in words.

    Attributes:
        estimate: of the metric, or of the paired difference to the champion; each end of its interval holds with the
            gate's confidence.
        bound: what the estimate is compared with, in its own unit; a margin is a bound of the difference. None
            where there is nothing to compare with.
        above: True where the estimate must be at least the bound, False where at most.
        may_pass: True where rows that are not asked yet may still show that it holds.
        may_fail: True where they may still show that it is broken.
        rows_needed: about so many rows would settle it if the estimate stays what it is; None where none would.
    """

    rule: str
    metric: str
    decision: Decision
    reason: str
    estimate: Estimate
    bound: float | None = None
    above: bool = True
    may_pass: bool = False
    may_fail: bool = False
    rows_needed: int | None = None


class Verdict(Frozen):
    """A gate's decision on a candidate."""

    gate: GateName
    decision: Decision
    candidate: str
    """Digest of the candidate."""
    champion: str | None
    """Digest of the champion it was compared with."""
    evaluations: tuple[str, ...]
    """Ids of the evaluations that the decision stands on."""
    rules: tuple[RuleVerdict, ...]
    terms: str = ""
    """What the decision is by: the gate and the scorers behind its rules, as they were configured."""
    target: Literal["population", "this_set"] = "population"
    """What was judged."""
    rows_used: int = 0
    """Rows that were asked."""
    rows_available: int = 0
    """Rows that there are."""

    @property
    def settled(self) -> bool:
        """True where further rows would not change it: decided, or neither PASS nor FAIL is in reach any more."""
        if self.decision is not Decision.INCONCLUSIVE:
            return True
        open_rules = [rule for rule in self.rules if rule.decision is Decision.INCONCLUSIVE]
        return not all(rule.may_pass for rule in open_rules) and not any(rule.may_fail for rule in open_rules)

    @property
    def short(self) -> str:
        """One line: the decision and what was decisive."""
        decisive = [rule for rule in self.rules if rule.decision is self.decision] if self.decision != "PASS" else []
        reasons = "; ".join(rule.reason for rule in decisive)
        return f"{self.decision}: {reasons}" if reasons else str(self.decision)
