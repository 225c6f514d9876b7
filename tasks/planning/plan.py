"""What a plan says: rows, what they cost, and whether they are there."""

from typing import NamedTuple

from configs.schema.base import Frozen


class Assumptions(NamedTuple):
    """What a plan is made for.

    Attributes:
        power: probability of showing what is so.
        confidence: of the gate.
        discordant: share of rows on which two candidates differ, where nothing was measured.
        difference: how far inside a rule's bound the truth is; as far as the rule's own margin where None.
    """

    power: float
    confidence: float
    discordant: float
    difference: float | None = None

    @property
    def error(self) -> float:
        """Probability of showing what is not so."""
        return 1 - self.confidence


class Amount(Frozen):
    """Rows, and what they cost."""

    rows: int
    price: float | None
    """US dollars, for all sides that are asked; None where it is not known."""
    seconds: float | None
    """Time of answering them one after another; None where it is not known."""
    in_data: tuple[str, ...]
    """Datasets that have so many."""


class Scenario(Frozen):
    """The rows it takes if one thing is so."""

    truth: str
    """What is so."""
    at_once: Amount
    """All rows asked, and looked at once."""
    sequential: Amount | None
    """On average, where the gate looks after every row; None where it was too long to simulate."""
    nine_in_ten: int | None
    """Rows with which nine sequential gates of ten are done."""


class Question(Frozen):
    """One rule, or one wanted difference."""

    rule: str
    metric: str
    basis: str
    """What is known of the rows: from where, and how they are spread."""
    design_effect: float
    """How many times as many rows it takes because rows of a cluster are alike."""
    scenarios: tuple[Scenario, ...]
    note: str
    """Why there are fewer scenarios than there might be; ""."""


class Plan(Frozen):
    """What an app's questions take."""

    app: str
    power: float
    confidence: float
    data: dict[str, int]
    """Rows of each dataset that a gate stands before."""
    row_price: float | None
    row_seconds: float | None
    questions: tuple[Question, ...]
