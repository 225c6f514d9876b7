"""Addresses of pages in MLflow's UI, as its router (3.17) knows them."""

from urllib.parse import quote

from configs.settings import settings


def experiment_url(experiment_id: str) -> str:
    """Returns the page of an app's experiment."""
    return _page(f"experiments/{experiment_id}")


def run_url(experiment_id: str, run_id: str) -> str:
    """Returns the page of a run: parameters, metrics, artifacts."""
    return _page(f"experiments/{experiment_id}/runs/{run_id}")


def evaluation_url(experiment_id: str, run_id: str) -> str:
    """Returns the page of an evaluation: every row with its answer and scores."""
    return _page(f"experiments/{experiment_id}/evaluation-runs/{run_id}")


def trace_url(experiment_id: str, trace_id: str) -> str:
    """Returns the page of one trace."""
    return _page(f"experiments/{experiment_id}/traces/{trace_id}")


def prompt_url(name: str) -> str:
    """Returns the page of a prompt's versions; `name` is the registry's (`app.prompt`)."""
    return _page(f"prompts/{quote(name, safe='')}")


def model_version_url(app: str, version: int) -> str:
    """Returns the page of a version of an app's registered model."""
    return _page(f"models/{quote(app, safe='')}/versions/{version}")


def _page(path: str) -> str:
    return f"{settings().mlflow_uri}/#/{path}"
