"""Addresses of pages in MLflow's UI, as the router of 3.17 knows them."""

from configs.settings import settings


def run_url(experiment_id: str, run_id: str) -> str:
    """Returns the page of a run: parameters, metrics, artifacts and, of an evaluation, every row as a trace."""
    return f"{settings().mlflow_uri}/#/experiments/{experiment_id}/runs/{run_id}"


def artifact_url(run: str, file: str) -> str:
    """Returns the page of a file of a run, by the address of the run's."""
    return f"{run}/artifacts/{file}"


def version_url(app: str, version: int) -> str:
    """Returns the page of a model version: its candidate, and the run that it came from."""
    return f"{settings().mlflow_uri}/#/models/{app}/versions/{version}"
