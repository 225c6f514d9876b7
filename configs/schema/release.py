"""Rules of releasing: who must agree, and how a candidate is tried on users before it is champion."""

from typing import Literal

from pydantic import Field, model_validator

from configs.schema.base import Frozen


class RolloutMetric(Frozen):
    """A metric by which a candidate on trial is compared with the champion."""

    metric: str
    """A metric that needs no reference and asks no model, `error_rate`, `abstention_rate`, `latency_total`,
    `latency_per_token` or `price`."""
    margin: float = Field(gt=0, le=1)
    """By how much it may be worse and the candidate still be promoted, as a share of the metric's range. Times and
    prices, which know no largest, are compared by the share of answers above what the champion's slowest or dearest
    twentieth takes."""


class Rollout(Frozen):
    """How traffic moves to a candidate that passed its gates: copies first, then a growing share of the users."""

    shadow: int = Field(0, ge=0)
    """Requests that the candidate answers beside the champion first, off the users' path; 0: none."""
    shares: tuple[float, ...] = Field((0.05, 0.2), min_length=1)
    """Shares of the users whom it answers, one after the other; a user stays on one side."""
    answers: int = Field(50, ge=1)
    """Answers of its own at a share before the next."""
    metrics: tuple[RolloutMetric, ...] = Field((RolloutMetric(metric="error_rate", margin=0.02),), min_length=1)
    """What decides: certainly worse on one ends it, no worse than the margin on all promotes it."""
    confidence: float = Field(0.95, gt=0.5, lt=1)
    """How certain; held however often it is looked at."""
    within_hours: float = Field(72, gt=0)
    """Hours from the first copy or the first share; what is not decided by then is ended: the champion stays.
    So many after the promotion, a watch that still lacks answers ends as unproven."""
    watch_minutes: float = Field(60, ge=0)
    """Minutes after the promotion, and longer until `answers` of them have each metric, in which a metric that is
    certainly worse than with the champion before rolls the release back."""

    @model_validator(mode="after")
    def _shares_grow(self) -> "Rollout":
        if any(not 0 < share < 1 for share in self.shares) or list(self.shares) != sorted(set(self.shares)):
            raise ValueError("`shares` are above 0 and below 1, each larger than the one before")
        return self

    @model_validator(mode="after")
    def _each_metric_once(self) -> "Rollout":
        names = [each.metric for each in self.metrics]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"`metrics` names {twice!r} twice")
        return self


class Release(Frozen):
    """Rules of releasing."""

    moved_by_hand: Literal["refuse", "warn"] = "refuse"
    """The alias `champion` moved by hand in MLflow to a candidate that passed no gate: moved back (`refuse`), or served
    with a warning (`warn`)."""
    approval: bool = False
    """Whether a person must agree before a candidate meets users; asked in the Prefect UI, or by `lifecycle rollout
    approve`."""
    rollout: Rollout | None = None
    """How traffic moves to it; all at once where not set."""

    @property
    def by_stages(self) -> bool:
        """Whether a release takes more than one step: a person's word, or a rollout."""
        return self.approval or self.rollout is not None
