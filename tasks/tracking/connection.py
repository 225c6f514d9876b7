"""The one door to MLflow: an address that answers, a quiet client, and failures as one line."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from configs.errors import StackError
from configs.settings import settings

if TYPE_CHECKING:
    import httpx
    from mlflow import MlflowClient

_ENVIRONMENT = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_MODEL_CATALOG_URI": "",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # A server that went away in the middle is an error within seconds; the step can be run again.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
}


@contextmanager
def connect() -> "Iterator[MlflowClient]":
    """Yields a client of the MLflow server that the settings name.

    Raises:
        StackError: the server does not answer, or what the block asked of it failed.
    """
    uri = settings().mlflow_uri
    _check(uri)
    quiet()
    import requests
    from mlflow.exceptions import MlflowException

    try:
        yield _client(uri)
    except (MlflowException, requests.RequestException) as error:
        first = str(error).partition("\n")[0]
        raise StackError(f"MLflow at {uri} failed: {first}; see `lifecycle status`, then run again") from error


def quiet() -> None:
    """Keeps MLflow from telling anybody anything, before it is imported."""
    os.environ.update({name: value for name, value in _ENVIRONMENT.items() if name not in os.environ})


def experiment_of(client: "MlflowClient", app: str) -> str:
    """Returns the id of an app's experiment, which is made where it is missing."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(app)
    if found is not None:
        return str(found.experiment_id)
    try:
        return str(client.create_experiment(app, tags={"mlflow.experimentKind": "genai_development"}))
    except MlflowException:
        # Another process made it in between; where not, the error was another one and shows here.
        found = client.get_experiment_by_name(app)
        if found is None:
            raise
        return str(found.experiment_id)


def _check(uri: str) -> None:
    import httpx

    try:
        answers = _asking().get(f"{uri}/health").is_success
    except (httpx.HTTPError, httpx.InvalidURL):
        answers = False
    if not answers:
        raise StackError(f"MLflow does not answer at {uri}; start it with `lifecycle up`")


@cache
def _asking() -> "httpx.Client":
    """Returns what asks whether the server answers; one, for each would read all certificates again."""
    import httpx

    # Connecting is quick or hopeless; an answer may take a while where the machine is busy. No connection is kept: a
    # server that went away in between must not be mistaken for one that does not answer.
    return httpx.Client(timeout=httpx.Timeout(30, connect=3), limits=httpx.Limits(max_keepalive_connections=0))


@cache
def _client(uri: str) -> "MlflowClient":
    import logging

    import mlflow

    logging.getLogger("mlflow").setLevel(logging.ERROR)
    return mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)
