"""Scorers named by an app."""

from pydantic import Field

from configs.schema.base import Frozen


class ScorerConfig(Frozen):
    """One scorer of the app. Its name is the metric's name."""

    name: str = Field(min_length=1)
    """Name of a scorer; `lifecycle` lists those it knows when the name is wrong."""
    settings: dict[str, str | int | float | bool | tuple[str, ...]] = Field({})
    """Settings of that scorer, such as the phrase an abstention is recognised by."""
