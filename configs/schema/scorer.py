"""Scorers named by an app."""

from typing import Literal

from pydantic import Field

from configs.schema.base import Frozen


class ScorerConfig(Frozen):
    """One scorer of the app. Its name is the metric's name."""

    name: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,79}$")
    """Name of the metric, and of the scorer where `scorer` names no other; a wrong one is answered with those that
    there are."""
    scorer: str | None = None
    """Name of the scorer, where the metric is to have a name of its own: one scorer may be named several times, with
    other settings. `mlflow:Name` is one of MLflow's."""
    file: str | None = None
    """Python file, relative to `app.yaml`, that holds the scorer: a decorated function."""
    model: str | None = None
    """Model that judges or embeds, from `models.yaml`; only for scorers that ask one."""
    dimension: Literal["quality", "harm", "honesty", "cost", "latency"] | None = None
    """What the metric judges, where it is not what the scorer says; `quality` for a scorer of MLflow's."""
    direction: Literal["higher", "lower"] | None = None
    """Whether more is better, where it is not what the scorer says; `higher` for a scorer of MLflow's."""
    settings: dict[str, str | int | float | bool | tuple[str, ...]] = Field({})
    """Settings of that scorer, such as the phrase an abstention is recognised by; docs/scorers.md lists them. One
    called `…_file` names a file beside `app.yaml`, one called `column` or `…_column` a column of the dataset."""
