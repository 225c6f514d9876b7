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
    meta_prompt: str | None = None
    """Meta-prompt to put before it, by its name; none where not set."""
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
