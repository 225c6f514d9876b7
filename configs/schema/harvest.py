"""How production becomes rows: which served requests people are shown, and what their labels start."""

from typing import Literal

from pydantic import Field

from configs.schema.base import Frozen

Flag = Literal["error", "abstained", "pii_leak", "profanity"]
"""What a served request may be flagged for."""


class Harvest(Frozen):
    """Which of the served requests people are to look at, and what happens with what they say."""

    flags: tuple[Flag, ...] = ("error", "abstained", "pii_leak", "profanity")
    """Requests with one of these flags are picked."""
    worst: float = Field(0.05, ge=0, le=0.5)
    """Share of the requests that is picked for the worst scores of each metric; 0 for none, and then nothing is
    scored."""
    metrics: tuple[str, ...] = ()
    """Metrics whose worst scores are picked; every metric of quality, honesty and harm that needs no reference where
    empty."""
    at_most: int = Field(100, ge=0)
    """Requests that one harvest picks for a reason at most, in turn for each kind of reason; those drawn by chance come
    on top."""
    random_share: float = Field(0.02, ge=0, le=1)
    """Share of all requests that is drawn by chance, whatever else is known of them."""
    random_at_most: int = Field(50, ge=0)
    """Requests that one harvest draws by chance at most."""
    augment_after: int | None = Field(None, ge=1)
    """Newly labelled requests after which `augment` starts by itself; never where not set."""
