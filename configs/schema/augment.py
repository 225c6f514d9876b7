"""What `augment` may change when a gate says no."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from configs.schema.base import Frozen


class _Move(Frozen):
    """What every move has: how the model is asked."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    """Short name, shown in run names and pages."""
    prompt: str | None = None
    """Prompt to use instead of the exploration's best."""
    top_k: int = Field(0, ge=0, le=20)
    """Chunks of the documents put into the prompt; 0 for none."""
    examples: int = Field(0, ge=0, le=20)
    """Few-shot examples put before the question."""


class Recipe(_Move):
    """One change: a whole recipe, so that the order of moves does not matter to what each one is."""

    kind: Literal["recipe"] = "recipe"
    """`recipe`, which need not be written."""


class SearchRetrieval(_Move):
    """A search over how documents are cut and found, by retrieval metrics first and model calls last."""

    kind: Literal["search_retrieval"]
    """`search_retrieval`."""


class SearchPrompt(_Move):
    """A search over instructions and few-shot examples."""

    kind: Literal["search_prompt"]
    """`search_prompt`."""


class FineTune(_Move):
    """Weights fitted to the app's training rows, which are asked as this move says."""

    kind: Literal["finetune"]
    """`finetune`."""
    steps: int | None = Field(None, ge=1, le=100_000)
    """Steps at most; as `finetune.steps` says where not set."""
    learning_rate: float | None = Field(None, gt=0, le=1)
    """As `finetune.learning_rate` says where not set."""
    rank: int | None = Field(None, ge=1, le=256)
    """As `finetune.lora.rank` says where not set."""
    unanswerable: float | None = Field(None, ge=0, le=1)
    """As `finetune.unanswerable` says where not set."""
    seed: int | None = Field(None, ge=0)
    """As `finetune.seed` says where not set."""


def _recipe_unless_said(move: Any) -> Any:
    return {"kind": "recipe", **move} if isinstance(move, dict) else move


Move = Annotated[
    Annotated[Recipe | SearchRetrieval | SearchPrompt | FineTune, Field(discriminator="kind")],
    BeforeValidator(_recipe_unless_said),
]


class Augment(Frozen):
    """What `augment` may do when a gate says no."""

    moves: tuple[Move, ...] = ()
    """Of those that fit the likely cause, the cheapest is tried first, one a round."""
    look_at: int = Field(8, ge=0, le=200)
    """Failing rows of a refused candidate that are looked at to find the likely cause; each takes three calls at most.
    0 for none."""
