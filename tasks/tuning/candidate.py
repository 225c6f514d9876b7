"""What a fine-tune comes to: a candidate, and what is known of how it was made."""

from typing import NamedTuple

from tasks.candidate import Candidate
from tasks.tuning.adapters import Card
from tasks.tuning.comparing import Agreement


class FinetunedCandidate(NamedTuple):
    """A candidate with its adapter, and how the training went.

    Attributes:
        candidate: with the prompt and retrieval that the move says, and the adapter.
        card: of the adapter.
        served: how often the served model agrees with the trained one; None where that cannot be asked.
        url: of the run in MLflow.
    """

    candidate: Candidate
    card: Card
    served: Agreement | None
    url: str
