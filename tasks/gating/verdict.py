"""What a gate says, rule by rule."""

from enum import StrEnum
from typing import Literal

from configs.schema.base import Frozen
from tasks.statistics.estimate import Estimate


class Decision(StrEnum):
    """A gate's or a rule's answer."""

    PASS = "PASS"  # noqa: S105 a verdict, not a password
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"


class RuleVerdict(Frozen):
    """One rule, its estimate (of the metric, or of the paired difference to the champion) and the reason in words."""

    rule: str
    metric: str
    decision: Decision
    reason: str
    estimate: Estimate


class Verdict(Frozen):
    """A gate's decision on a candidate."""

    gate: Literal["sample", "release"]
    decision: Decision
    candidate: str
    """Digest of the candidate."""
    champion: str | None
    """Digest of the champion it was compared with."""
    evaluations: tuple[str, ...]
    """Ids of the evaluations that the decision stands on."""
    rules: tuple[RuleVerdict, ...]

    @property
    def short(self) -> str:
        """One line: the decision and what was decisive."""
        decisive = [rule for rule in self.rules if rule.decision is self.decision] if self.decision != "PASS" else []
        reasons = "; ".join(rule.reason for rule in decisive)
        return f"{self.decision}: {reasons}" if reasons else str(self.decision)
