"""Gates: rules over estimates, readable aloud."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from configs.schema.base import Frozen

_BOUNDS = ("at_least", "at_most", "better_than_champion_by", "not_worse_than_champion_by")


Number = Annotated[float, Field(allow_inf_nan=False)]


class Rule(Frozen):
    """One demand on one metric. Exactly one of the four bounds is set; it must hold for the whole interval."""

    metric: str
    """Name of a metric."""
    slice: str | None = Field(None, pattern=r"^[^=]+=.+$")
    """`column=value`: only these rows."""
    quantile: float | None = Field(None, gt=0, lt=1)
    """The metric's quantile instead of its mean, such as 0.95 of a latency; only with `at_least` and `at_most`."""
    at_least: Number | None = None
    """The metric is at least this."""
    at_most: Number | None = None
    """The metric is at most this."""
    better_than_champion_by: Number | None = Field(None, ge=0)
    """The metric is better than the champion's by at least this, in the metric's own direction."""
    not_worse_than_champion_by: Number | None = Field(None, ge=0)
    """The metric is worse than the champion's by at most this margin."""

    @model_validator(mode="after")
    def _one_bound(self) -> "Rule":
        if sum(getattr(self, bound) is not None for bound in _BOUNDS) != 1:
            raise ValueError(f"set exactly one of {', '.join(_BOUNDS)}")
        if self.quantile is not None and self.against_champion:
            raise ValueError("a quantile is compared with a number: set at_least or at_most")
        return self

    @property
    def against_champion(self) -> bool:
        """True where the rule compares with the champion."""
        return self.better_than_champion_by is not None or self.not_worse_than_champion_by is not None

    def __str__(self) -> str:
        bound = next(name for name in _BOUNDS if getattr(self, name) is not None)
        where = f" where {self.slice}" if self.slice else ""
        part = f" ({self.quantile:g} quantile)" if self.quantile is not None else ""
        return f"{self.metric}{part}{where} {bound.replace('_', ' ')} {getattr(self, bound):g}"


class Gate(Frozen):
    """A decision: PASS where every rule holds, FAIL where one is broken, else INCONCLUSIVE."""

    rules: tuple[Rule, ...] = Field(min_length=1)
    """All of them must hold."""
    confidence: float = Field(0.95, gt=0.5, lt=1)
    """How sure a verdict is: of 0.95, at most one PASS in twenty is wrong where a rule does not hold, and at most one
    FAIL in twenty where all do."""
    min_coverage: float = Field(0.95, ge=0, le=1)
    """Share of rows that must have been answered and scored, below which the gate refuses to decide."""
    target: Literal["population", "this_set"] = "population"
    """What is judged: `population`, the users whom these rows stand for; or `this_set`, these rows and no others, of
    which everything is known once all are asked."""
    stop_early: bool = False
    """Ask rows in random order, a batch at a time, and only until every rule is settled. Looking again and again makes
    no verdict less sure. Else all rows are asked, and looked at once."""


class Gates(Frozen):
    """The lifecycle's two decisions."""

    sample: Gate
    """On the sample data: is the candidate worth the larger test?"""
    release: Gate
    """On the full data: may it be released?"""
