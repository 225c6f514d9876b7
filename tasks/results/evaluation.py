"""An evaluation: what a candidate answered on a dataset in an epoch, and how that was scored."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from configs.schema.dataset import Split
from configs.schema.model import Price
from tasks.candidate import Candidate
from tasks.identity import digest
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
    return digest([candidate, dataset, sorted(scorers), epoch, price])


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A finished evaluation.

    Attributes:
        id: names its content; the same candidate, dataset, scorers, epoch and price give the same id.
        candidate: what was asked.
        split: part of the dataset.
        dataset: digest of the dataset.
        epoch: round of asking.
        rows: one row a dataset row, in its order. Columns: `row_id, cluster, answerable, slice.<column>…, question,
            reference, documents, outcome, cause, answer, context, input_tokens, output_tokens, cached_tokens, price,
            latency_total, latency_first_token, latency_per_token, attempts`. `documents` is a list of ids, `context`
            a list of `{id, text, score}`, `messages` a list of `{role, content}`.
        scores: long form, one row a score: `row_id, metric, value, why, outcome`.
        estimates: every metric over all rows, then by slice.
    """

    id: str
    candidate: Candidate
    split: Split
    dataset: str
    epoch: str
    rows: "pd.DataFrame"
    scores: "pd.DataFrame"
    estimates: tuple[Estimate, ...]

    def estimate(self, metric: str) -> Estimate | None:
        """Returns the estimate of a metric over all rows, None where it was not measured."""
        return next((e for e in self.estimates if e.metric == metric and e.slice is None), None)
