"""Names of flow runs: the stage, the app, and what decides, so that a list of runs can be read."""

from collections.abc import Callable
from pathlib import Path

from prefect.runtime import flow_run


def run_name(stage: str, *parameters: str) -> Callable[[], str]:
    """Returns what names a stage's runs, such as `evaluate · outfitter · sample · b02d721d`.

    Args:
        stage: name of the stage.
        parameters: parameters of the run that its name carries; a digest is cut to eight digits.
    """

    def name() -> str:
        given = flow_run.parameters
        parts = (str(given[parameter])[:40] for parameter in parameters)
        return " · ".join([stage, Path(given["app"]).name, *(part[:8] if _is_digest(part) else part for part in parts)])

    return name


def _is_digest(part: str) -> bool:
    return len(part) == 16 and set(part) <= set("0123456789abcdef")
