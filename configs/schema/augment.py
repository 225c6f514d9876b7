"""What `augment` may change when a gate says no."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from configs.schema.base import Frozen


class _Move(Frozen):
    """What every move has."""

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


def _kind(move: Any) -> str:
    return str(move.get("kind", "recipe") if isinstance(move, dict) else move.kind)


Move = Annotated[Annotated[Recipe, Tag("recipe")], Discriminator(_kind)]


class Augment(Frozen):
    """What `augment` may do when a gate says no."""

    moves: tuple[Move, ...] = ()
    """Of those that fit the likely cause, the cheapest is tried first, one a round."""
