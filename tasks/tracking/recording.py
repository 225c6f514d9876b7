"""Writes one MLflow run about one thing, so that writing it again continues it and never doubles it."""

import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from filelock import FileLock, Timeout

from configs.settings import settings
from tasks.releasing.promote import current_user
from tasks.tracking.connection import connect, experiment_of
from tasks.tracking.links import run_url
from tasks.tracking.sending import delete_traces, of_run

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from mlflow import MlflowClient
    from mlflow.entities import Run

    from tasks.data.row import Dataset

KIND, KEY, COMPLETE = "lifecycle.kind", "lifecycle.key", "lifecycle.complete"
_TABLES = "mlflow.loggedArtifacts"
"""Tag by which MLflow's UI finds a run's tables."""


class RecordedRun(NamedTuple):
    """A run and its page."""

    run_id: str
    url: str


class Place(NamedTuple):
    """Where a run is being written: what `Content.more` gets to write traces with."""

    client: "MlflowClient"
    experiment_id: str
    run_id: str
    started_ms: int


@dataclass
class Content:
    """What a run holds.

    Attributes:
        name: of the run, as people read it.
        tags: beyond the run's kind and key.
        parameters: text or numbers; None is left out.
        metrics: numbers; None is left out.
        datasets: inputs.
        texts: artifacts by file name.
        tables: artifacts by file name (`.json`), each a list of rows of one shape.
        figures: artifacts by file name (`.png`).
        more: writes what else belongs to the run, before it is complete; returns tags. Safe to do again.
    """

    name: str
    tags: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    datasets: "Sequence[Dataset]" = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    figures: "Mapping[str, Figure]" = field(default_factory=dict)
    more: Callable[[Place], Mapping[str, str]] | None = None


def record_run(app: str, kind: str, key: str, content: Callable[[], Content], begun: str | None = None) -> RecordedRun:
    """Records one thing as a run of the app's experiment; what is recorded already is found and left alone.

    The tag `lifecycle.complete` is set last: a run without it was interrupted, and is written on.

    Args:
        app: name of the app.
        kind: what is recorded, such as `evaluation`.
        key: names it; one run a kind and key.
        content: makes the content; called only where there is something to write.
        begun: key under which it may have been begun; such a run is taken over where it is not complete.

    Raises:
        StackError: MLflow does not answer or refuses it.
    """
    with connect() as client, run_lock(app, kind, key):
        experiment = experiment_of(client, app)
        run = find_run(client, experiment, kind, key)
        if run is None or COMPLETE not in run.data.tags:
            made = content()
            run = run or _taken_over(client, app, kind, key, begun)
            run = run or _create(client, experiment, kind, key, made.name, made.tags)
            _write(client, experiment, run, made)
        return RecordedRun(run.info.run_id, run_url(experiment, run.info.run_id))


def run_lock(app: str, kind: str, key: str, wait_s: float = -1) -> FileLock:
    """Returns the lock of whoever writes a run.

    Args:
        app: name of the app.
        kind: what is recorded.
        key: names it.
        wait_s: seconds to wait for it; for ever where negative.
    """
    return FileLock(settings().folder("locks") / f"mlflow-{app}-{kind}-{key}.lock", timeout=wait_s)


def begin_run(
    client: "MlflowClient", experiment: str, kind: str, key: str, name: str, tags: Mapping[str, str]
) -> "Run":
    """Returns the run of a kind and key, made where it is missing; one that is not complete counts as running.

    Whoever calls it holds its `run_lock`, and holds it while it writes.
    """
    run = find_run(client, experiment, kind, key)
    if run is None:
        return _create(client, experiment, kind, key, name, tags)
    if COMPLETE not in run.data.tags and run.info.status != "RUNNING":
        client.update_run(run.info.run_id, "RUNNING")
    return run


def discard_begun(app: str, kind: str, key: str) -> None:
    """Deletes a run that was begun and became none, with its traces; not one that somebody else writes.

    Raises:
        StackError: MLflow does not answer or refuses it.
    """
    with connect() as client, suppress(Timeout), run_lock(app, kind, key, wait_s=0):
        experiment = experiment_of(client, app)
        run = find_run(client, experiment, kind, key)
        if run is None or COMPLETE in run.data.tags:
            return
        delete_traces(client, experiment, of_run(run.info.run_id))
        client.delete_run(run.info.run_id)


def find_run(client: "MlflowClient", experiment: str, kind: str, key: str) -> "Run | None":
    """Returns the run of a kind and key, None where there is none."""
    wanted = f"tags.`{KIND}` = '{kind}' AND tags.`{KEY}` = '{key}'"
    found = client.search_runs([experiment], wanted, max_results=1, order_by=["attributes.start_time ASC"])
    return found[0] if found else None


def as_json(value: Any) -> str:
    """Returns JSON as people read it."""
    return json.dumps(value, ensure_ascii=False, indent=2)


def _create(client: "MlflowClient", experiment: str, kind: str, key: str, name: str, tags: Mapping[str, str]) -> "Run":
    fixed = {KIND: kind, KEY: key, "mlflow.user": current_user(), "mlflow.source.name": "lifecycle"}
    return client.create_run(experiment, run_name=name, tags={**fixed, **tags})


def _taken_over(client: "MlflowClient", app: str, kind: str, key: str, begun: str | None) -> "Run | None":
    if begun is None or begun == key:
        return None
    # Where somebody asks the same again already, the run is theirs.
    with suppress(Timeout), run_lock(app, kind, begun, wait_s=0):
        run = find_run(client, experiment_of(client, app), kind, begun)
        if run is not None and COMPLETE not in run.data.tags:
            client.set_tag(run.info.run_id, KEY, key)
            return run
    return None


def _write(client: "MlflowClient", experiment: str, run: "Run", content: Content) -> None:
    from mlflow.entities import Metric, Param, RunTag

    run_id, started = run.info.run_id, run.info.start_time
    parameters = [Param(name, str(value)[:6000]) for name, value in content.parameters.items() if value is not None]
    # The same time and step each time, so that a metric that was written before is the same metric.
    metrics = [Metric(name, value, started, 0) for name, value in content.metrics.items() if value is not None]
    for start in range(0, max(len(parameters), len(metrics)), 100):
        client.log_batch(run_id, metrics[start : start + 100], parameters[start : start + 100])
    if content.datasets:
        client.log_inputs(run_id, [_input(dataset) for dataset in content.datasets])
    _write_artifacts(client, run_id, content)
    tags = dict(content.more(Place(client, experiment, run_id, started)) if content.more else {})
    if content.tables:
        tags[_TABLES] = json.dumps([{"path": name, "type": "table"} for name in content.tables])
    client.log_batch(run_id, tags=[RunTag(name, value) for name, value in tags.items()])
    client.set_terminated(run_id)
    client.set_tag(run_id, COMPLETE, "true")


def _write_artifacts(client: "MlflowClient", run_id: str, content: Content) -> None:
    texts = {**content.texts, **{name: _table(rows) for name, rows in content.tables.items()}}
    if not texts and not content.figures:
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, text in texts.items():
            (folder / file).write_text(text, encoding="utf-8")
        for file, figure in content.figures.items():
            figure.savefig(folder / file, dpi=120)
        client.log_artifacts(run_id, str(folder))


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Returns rows in the form of MLflow's own `log_table`, which appends where this is written anew."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return json.dumps({"columns": columns, "data": [[row.get(name) for name in columns] for row in rows]}, default=str)


def _input(dataset: "Dataset") -> Any:
    from mlflow.entities import Dataset as Entity
    from mlflow.entities import DatasetInput, InputTag

    source = json.dumps({"uri": os.path.relpath(dataset.path)})
    profile = json.dumps({"num_rows": len(dataset.rows)})
    entity = Entity(name=dataset.name, digest=dataset.digest, source_type="local", source=source, profile=profile)
    return DatasetInput(entity, [InputTag("mlflow.data.context", dataset.split)])
