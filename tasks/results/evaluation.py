"""An evaluation: what a candidate answered on a dataset in an epoch, and how that was scored."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from configs.schema.dataset import Split
from configs.schema.model import Price
from tasks.calling.answer import Outcome
from tasks.candidate import Candidate
from tasks.identity import digest
from tasks.results.expected import Expected
from tasks.results.rows_file import read_rows
from tasks.statistics.estimate import Estimate

if TYPE_CHECKING:
    import pandas as pd


def evaluation_id(
    candidate: str, dataset: str, scorers: tuple[str, ...], epoch: str, price: Price | None = None
) -> str:
    """Names an evaluation by what it is.

    Args:
        candidate: digest of the candidate.
        dataset: digest of the dataset.
        scorers: name, version and settings of each scorer, as one text each.
        epoch: the round of asking.
        price: of the candidate's model; None where it has none.
    """
    # What training costs changes no evaluation.
    paid = price.model_dump(mode="json", exclude={"training"}) if price else None
    return digest([candidate, dataset, sorted(scorers), epoch, paid])


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A finished evaluation.

    Attributes:
        id: names its content; the same candidate, dataset, scorers, epoch and price give the same id.
        identity: the id that it has once every row is answered.
        candidate: what was asked.
        split: part of the dataset.
        dataset: digest of the dataset.
        epoch: round of asking.
        rows: one line a dataset row, without its texts; see `Frames`.
        scores: one line a dataset row, two columns a metric; see `Frames`.
        estimates: every metric over all rows, then by slice.
        available: how many rows the dataset has; more than were asked where fewer were enough to decide. 0 where that
            was not kept.
        expected: what asking it was expected to take; None where that was not said.
        file: where the whole rows are, texts and reasons included; None for one that was never stored.
    """

    id: str
    identity: str
    candidate: Candidate
    split: Split
    dataset: str
    epoch: str
    rows: "pd.DataFrame"
    scores: "pd.DataFrame"
    estimates: tuple[Estimate, ...]
    file: Path | None = None
    expected: Expected | None = None
    available: int = 0

    def whole_rows(self, ids: Collection[str] | None = None, first: int | None = None) -> Iterator[dict[str, Any]]:
        """Yields rows with their texts, in the dataset's order.

        Args:
            ids: rows to yield; all where not given.
            first: so many at most.
        """
        return read_rows(self.file, ids, first) if self.file else iter(())

    @property
    def stopped_early(self) -> bool:
        """True where fewer rows were asked than there are."""
        return self.available > len(self.rows)

    @property
    def outcomes(self) -> dict[Outcome, int]:
        """How many rows ended how. A row that was answered and that a scorer failed on ends `scorer_error`."""
        counted = Counter(zip(self.rows["outcome"], self.rows["scorer_failed"], strict=True))
        found = dict.fromkeys(Outcome, 0)
        for (outcome, scorer_failed), count in counted.items():
            answered = outcome == Outcome.OK
            found[Outcome.SCORER_ERROR if answered and scorer_failed else Outcome(outcome)] += count
        return found

    def estimate(self, metric: str) -> Estimate | None:
        """Returns the estimate of a metric over all rows, None where it was not measured."""
        return next((e for e in self.estimates if (e.metric, e.slice, e.quantile) == (metric, None, None)), None)
