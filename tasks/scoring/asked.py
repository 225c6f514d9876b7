"""Scorers that have to ask a model: what they are, and what they ask with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from configs.errors import LifecycleError
from configs.loading import LoadedApp
from configs.schema.scorer import ScorerConfig
from tasks.calling.answer import Answer
from tasks.calling.spend import Spend
from tasks.data.row import Row
from tasks.journal.journal import Journal
from tasks.scoring.score import Metric
from tasks.scoring.scorer import Need, Rating

Rated = Rating | LifecycleError
"""What asking for a rating came to: a rating, or why there is none. `BudgetUsedUp` leaves the row `skipped`, every
other error (a `CallFailure`, a judge that answers prose) is the instrument's: `scorer_error`."""


@dataclass(frozen=True, slots=True)
class Means:
    """What asking takes.

    Attributes:
        loaded: the app, its models and prices.
        journal: where finished calls are.
        epoch: round of asking.
        spend: ledger and caps; shared with whatever else the command asks.
        deferred: whether to ask through batch files, where the model's endpoint may have them.
    """

    loaded: LoadedApp
    journal: Journal
    epoch: str
    spend: Spend
    deferred: bool = False


class AskedScorer(Protocol):
    """A scorer that asks. It is told apart from a `Scorer`, which is a plain function, by its type alone."""

    @property
    def metric(self) -> Metric:
        """Name, dimension, direction, range and version of its number; the name is the configuration's."""

    @property
    def needs(self) -> frozenset[Need]:
        """What it cannot do without; rows that lack it are not rated."""

    @property
    def needs_labels(self) -> bool:
        """True where it needs what only a labelled row has."""

    @property
    def identity(self) -> str:
        """All that a score of its depends on, in one text that begins with its name: version, settings, model."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the dataset that its settings tell it to read; one that is not there is refused before asking."""

    def lacking(self, row: Row) -> str:
        """Returns what the row lacks to be rated, in words; "" where it lacks nothing."""

    async def rate(self, rows: Sequence[Row], answers: Sequence[Answer], means: Means) -> Sequence[Rated]:
        """Rates answers, all of them `ok`, to rows that lack nothing; returns what each came to, in their order.

        It paces itself by the model's limiter, and never asks again what the journal knows. What it raises counts
        for every row.
        """


MakeAsked = Callable[[ScorerConfig, LoadedApp], AskedScorer]
"""Makes a scorer that asks of its entry in `app.yaml`; raises ConfigurationError where the entry cannot be meant."""
