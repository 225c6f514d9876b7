"""Scorers that have to ask a model: what they are, and what they ask with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

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


class Effort(NamedTuple):
    """What rating answers is expected to take, what the journal knows left out: calls of a model, and their tokens."""

    model: str = ""
    calls: float = 0.0
    input_tokens: float = 0.0
    output_tokens: float = 0.0


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


@runtime_checkable
class Foreseeing(Protocol):
    """A scorer that asks and can say beforehand what that takes. Of others one call an answer is expected."""

    async def effort(self, rows: Sequence[Row], answers: Sequence[Answer], means: Means) -> Effort:
        """Returns what rating these answers is expected to take; nothing is called.

        Args:
            rows: rows that lack nothing.
            answers: to them; one that is not known yet has a text of about its length that is like no other.
            means: what asking takes.
        """


async def effort_of(scorer: AskedScorer, rows: Sequence[Row], answers: Sequence[Answer], means: Means) -> Effort:
    """Returns what a scorer is expected to take for some answers; nothing for rows that lack what it needs."""
    pairs = [(row, answer) for row, answer in zip(rows, answers, strict=True) if not scorer.lacking(row)]
    if not isinstance(scorer, Foreseeing):
        return Effort(calls=len(pairs))
    return await scorer.effort([row for row, _ in pairs], [answer for _, answer in pairs], means)


MakeAsked = Callable[[ScorerConfig, LoadedApp], AskedScorer]
"""Makes a scorer that asks of its entry in `app.yaml`; raises ConfigurationError where the entry cannot be meant."""
