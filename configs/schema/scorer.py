"""Scorers named by an app."""

from pydantic import Field

from configs.schema.base import Frozen


class ScorerConfig(Frozen):
    """One scorer of the app. Its name is the metric's name."""

    name: str = Field(min_length=1)
    """Name of the metric, and of the scorer where `scorer` names no other; a wrong one is answered with those that
    there are."""
    scorer: str | None = None
    """Name of the scorer, where the metric is to have a name of its own: one scorer may be named several times, with
    other settings. `mlflow:Name` is one of MLflow's."""
    file: str | None = None
    """Python file, relative to `app.yaml`, that holds the scorer: a decorated function."""
    model: str | None = None
    """Model that judges, from `models.yaml`; only for judges."""
    settings: dict[str, str | int | float | bool | tuple[str, ...]] = Field({})
    """Settings of that scorer, such as the phrase an abstention is recognised by."""
