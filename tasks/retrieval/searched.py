"""What a search over retrieval tried."""

from typing import Any, ClassVar

from pydantic import Field

from configs.schema.augment import Recipe
from configs.schema.base import Frozen
from tasks.results.searches import Search
from tasks.retrieval.measuring import RetrievalQuality
from tasks.statistics.estimate import Estimate


class Setting(Frozen):
    """One way of finding passages, and how well it found them."""

    recipe: Recipe
    """What it is: `top_k` is what was looked at, not what is shown."""
    told: str
    """The same in words."""
    index: str
    """Digest of its index."""
    quality: RetrievalQuality
    """Measured before a model was called."""


class Finalist(Frozen):
    """A setting that the model was asked with."""

    candidate: str
    """Digest of the candidate."""
    told: str
    """Its retrieval in words."""
    estimate: Estimate | None
    """Of the app's `explore.rank_by`, on the round's rows."""


class Round(Frozen):
    """One round of asking: the finalists, the best first."""

    rows: int
    """Rows that each was asked."""
    board: tuple[Finalist, ...]


class RetrievalSearch(Search):
    """Everything that a search tried."""

    folder: ClassVar[str] = "retrieval-searches"

    rows: int
    """Rows of it that say what should be found."""
    metric: str
    """What settings were ranked by before a model was called."""
    rank_by: str
    """What finalists were ranked by."""
    settings: tuple[Setting, ...]
    """Every setting, the best first."""
    rounds: tuple[Round, ...]
    """Every round of asking, in order."""
    stopped: str = Field("", max_length=500)
    """Why it ended before its end; "" where it did not."""

    def as_rows(self) -> list[dict[str, Any]]:
        """Returns a table of the settings, the best first: what each is, and its metrics as `value [low, high]`."""
        return [
            {"rank": rank, "retrieval": each.told, "index": each.index[:8], "served": _shown(each.quality.served)}
            | {estimate.metric: _shown(estimate) for estimate in each.quality.estimates}
            for rank, each in enumerate(self.settings, start=1)
        ]

    def rounds_as_rows(self) -> list[dict[str, Any]]:
        """Returns a table of the rounds: a row a finalist and round."""
        return [
            {"rows": each.rows, "rank": rank, "retrieval": one.told, self.rank_by: _shown(one.estimate)}
            for each in self.rounds
            for rank, one in enumerate(each.board, start=1)
        ]


def _shown(estimate: Estimate | None) -> str:
    if estimate is None or estimate.value is None or estimate.low is None or estimate.high is None:
        return ""
    return f"{estimate.value:.3g} [{estimate.low:.3g}, {estimate.high:.3g}]"
