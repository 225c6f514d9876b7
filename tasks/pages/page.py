"""What a page of an evaluation holds, however it is shown: the verdict, what it stands on, and what would change it."""

from pydantic import ConfigDict

from configs.schema.base import Frozen
from tasks.gating.verdict import RuleVerdict
from tasks.pages.numbers import counted, dollars
from tasks.scoring.score import Dimension, Direction
from tasks.statistics.estimate import Estimate


class Side(Frozen):
    """One of the two evaluations: what it is called on the page, and what it is."""

    name: str
    """Such as `candidate` and `champion`."""
    label: str
    candidate: str
    """Digest of the candidate."""
    evaluation: str
    """Id of the evaluation."""
    data: str
    """App and split."""
    dataset: str
    """Digest of the dataset."""
    epoch: str
    rows: int
    """Rows that were asked."""
    price: float | None
    """US dollars of all of its answers; None where no answer has a price."""
    tokens: int
    """Tokens of all of its calls, sent and generated."""

    @property
    def facts(self) -> str:
        """What it is, in one line."""
        spent = f"{self.tokens:,} tokens, {dollars(self.price)}"
        return f"{self.label} on {self.data}, epoch {self.epoch}, {counted(self.rows)}, {spent}"


class Line(Frozen):
    """One line of a forest plot: an estimate and what it is compared with."""

    what: str
    estimate: Estimate
    difference: bool
    """True where the estimate is of a difference between the two sides."""
    bound: float | None
    """Bound of the rule, or 0 for a difference; None where there is none."""
    says: str
    """What follows: a decision, `better`, `worse`, or ""."""


class Panel(Frozen):
    """Lines of a forest plot that share an axis, which goes from `low` to `high`."""

    # Without this, JSON would hold null for an end that is infinite.
    model_config = ConfigDict(ser_json_inf_nan="strings")

    title: str
    low: float
    high: float
    lines: tuple[Line, ...]


class Measurement(Frozen):
    """A metric on both sides, over all rows or those of a slice."""

    metric: str
    """Its name; a heuristic is called so."""
    dimension: Dimension
    better: Direction
    slice: str | None
    one: Estimate
    other: Estimate | None
    difference: Estimate | None
    """One − other, paired by row; None where there is no other side."""
    differs: bool
    """True where this is one of the metrics (or slices) that differ, all of them together at the level."""

    @property
    def says(self) -> str:
        """`better`, `worse` or, where no difference is certain, ""."""
        if not self.differs or self.difference is None or not self.difference.value:
            return ""
        return "better" if (self.difference.value > 0) is (self.better == "higher") else "worse"


class Scored(Frozen):
    """A score of a row, and why it was given."""

    metric: str
    value: float | None
    why: str


class Answered(Frozen):
    """What one side answered on a row."""

    answer: str
    """The answer; why there is none, where there is none."""
    outcome: str
    scores: tuple[Scored, ...]


class RowShown(Frozen):
    """A row with both answers."""

    row_id: str
    slices: str
    question: str
    reference: str
    one: Answered
    other: Answered | None
    gain: float
    """From −1 to 1, above 0 where the first side did better; with one side alone its score, 1 being the best."""


class Need(Frozen):
    """What would settle one rule."""

    rule: str
    words: str
    rows: int | None
    """Rows of the dataset that it would take in all; None where no number would do."""
    price: float | None
    """US dollars of those that were not asked yet, for both sides; None where it is not known."""
    seconds: float | None
    """Time of answering them, one after another; None where it is not known."""


class Page(Frozen):
    """An evaluation beside another, and what a gate says of it."""

    headline: str
    """The verdict and the difference that matters, in one line."""
    decision: str | None
    """PASS, FAIL or INCONCLUSIVE; None without a gate."""
    one: Side
    other: Side | None
    panels: tuple[Panel, ...]
    rules: tuple[RuleVerdict, ...]
    metrics: tuple[Measurement, ...]
    """Harm, honesty and quality, over all rows."""
    slices: tuple[Measurement, ...]
    costs: tuple[Measurement, ...]
    """Cost and latency, over all rows."""
    by: tuple[str, ...]
    """Metrics by which rows were chosen."""
    worst: tuple[RowShown, ...]
    """Rows on which the first side lost most; with one side alone, those that scored lowest."""
    best: tuple[RowShown, ...]
    unanswered: tuple[str, ...]
    """Causes why rows have no answer, the most frequent first."""
    conclusive: str
    """What would make it conclusive, in one sentence; "" without a gate."""
    needs: tuple[Need, ...]
    changed: tuple[str, ...]
    """Metrics that differ from the epoch before."""
    notes: tuple[str, ...]
    """How to read the numbers."""
    links: dict[str, str]

    @property
    def worst_title(self) -> str:
        """Says what `worst` holds."""
        what = "that lost most" if any(row.other for row in self.worst) else "that scored lowest"
        return f"Rows {what}, by {', '.join(self.by)}"

    @property
    def best_title(self) -> str:
        """Says what `best` holds."""
        return f"Rows that gained most, by {', '.join(self.by)}"
