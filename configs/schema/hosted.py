"""Fine-tuning by a provider: a job at an endpoint that has OpenAI's fine-tuning routes."""

from typing import Literal

from pydantic import Field

from configs.schema.base import Frozen


class HostedTuning(Frozen):
    """A provider's fine-tuning job, as the alternative to training on this machine."""

    model: str
    """Name of the model to tune, of kind `openai`. Its price needs `training`; `input` and `output` are what the tuned
    model will cost."""
    epochs: int = Field(3, ge=1, le=50)
    """How often each example is trained on; never left to the provider, for the price follows from it."""
    batch: int | None = Field(None, ge=1, le=256)
    """Examples of one step; the provider chooses where not set."""
    learning_rate_multiplier: float | None = Field(None, gt=0, le=10)
    """Factor of the provider's learning rate; the provider chooses where not set."""
    seed: int = Field(7, ge=0, le=2**31 - 1)
    """Seed of the job."""
    suffix: str = Field("lifecycle", pattern=r"^[A-Za-z0-9-]{1,18}$")
    """Part of the tuned model's name."""
    price: float = Field(1.0, ge=0)
    """US dollars that the job may cost at most, its tokens counted with a margin; `budget.price` holds as well."""
    checkpoint: Literal["last", "best"] = "last"
    """Which state of the model is the candidate: the last, or that whose loss on the held-out examples is lowest."""
    interrupted: Literal["cancel", "keep"] = "cancel"
    """What becomes of the job where the command is interrupted or its `budget.minutes` are over: cancelled, or kept for
    the same command to follow later. Killed, it is always kept."""
    most_tokens: int = Field(65_536, ge=1)
    """Tokens of one example at most."""
