"""Follows an evaluation into MLflow while it is asked: its run, how far it is, and the traces of what is answered.

What is written here is a head start. `record_evaluation` counts, writes what is missing, and is what fails where MLflow
does not answer: nothing here ends the asking, and only at its end it is waited for.
"""

import asyncio
import logging
import queue
import threading
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

from filelock import Timeout

from configs.errors import StackError
from tasks.candidate import Candidate
from tasks.data.row import Dataset
from tasks.results.frames import frames_of
from tasks.scoring.score import Metric
from tasks.tracking.connection import connect, experiment_of
from tasks.tracking.recording import COMPLETE, begin_run, run_lock
from tasks.tracking.runs import about_evaluation
from tasks.tracking.sampling import flagged_rows, sample_of
from tasks.tracking.sending import of_run, send, whole_traces
from tasks.tracking.traced import Traced
from tasks.tracking.traces import TRACES, row_trace

if TYPE_CHECKING:
    import pyarrow as pa
    from mlflow import MlflowClient

_log = logging.getLogger(__name__)

_PARTS = 64
"""Parts that may wait for MLflow; what comes on top is left to `record_evaluation`."""
_METRICS_EVERY_S = 5.0
_ENDS_WITHIN_S, _BREAKS_OFF_WITHIN_S = 30.0, 3.0
_LOCKED_S = 10.0
"""Wait for whoever writes the same run; after it, the run is theirs."""


class Following:
    """Follows the evaluations of one command.

    Args:
        metrics: every metric of the app, by name.
    """

    def __init__(self, metrics: Mapping[str, Metric]) -> None:
        self._metrics = metrics

    @asynccontextmanager
    async def __call__(
        self, identity: str, candidate: Candidate, dataset: Dataset, epoch: str
    ) -> "AsyncIterator[_Follower]":
        """Yields what takes the parts of one evaluation, as they are written; at the end all it took is in MLflow.

        Args:
            identity: id that the evaluation has once every row is answered.
            candidate: what is asked.
            dataset: all of its rows.
            epoch: round of asking.
        """
        follower = _Follower(identity, candidate, dataset, epoch, self._metrics)
        try:
            yield follower
        except BaseException:
            await asyncio.to_thread(follower.end, "FAILED")
            raise
        await asyncio.to_thread(follower.end, None)


class _Part(NamedTuple):
    """Some rows, where they stand in the dataset, and how far the evaluation is with them."""

    table: "pa.Table"
    position: int
    progress: dict[str, float]


class _Follower:
    """Takes parts from the thread that writes them, and writes them to MLflow in one of its own."""

    def __init__(
        self, identity: str, candidate: Candidate, dataset: Dataset, epoch: str, metrics: Mapping[str, Metric]
    ) -> None:
        self._identity, self._candidate, self._dataset, self._epoch = identity, candidate, dataset, epoch
        self._metrics = metrics
        self._parts: queue.SimpleQueue[_Part | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._status: str | None = None
        self._given_up = False
        self._rows = self._failed = 0
        self._price = 0.0

    def __call__(self, table: "pa.Table") -> None:
        """Takes the next rows of the dataset, as `to_table` makes them; before any row is answered they only wait."""
        outcomes, position = table.column("outcome").to_pylist(), self._rows
        self._rows += table.num_rows
        self._failed += sum(outcome != "ok" for outcome in outcomes)
        self._price += sum(price or 0.0 for price in table.column("price").to_pylist())
        if self._parts.qsize() < _PARTS and (self._thread is None or self._thread.is_alive()):
            progress = {"rows": float(self._rows), "failed": float(self._failed), "price": self._price}
            self._parts.put(_Part(table, position, progress))
        if self._thread is None and "ok" in outcomes:
            self._thread = threading.Thread(target=self._follow, name="following", daemon=True)
            self._thread.start()

    def end(self, status: str | None) -> None:
        """Waits a while until what was taken is written; what is not by then is left to `record_evaluation`.

        Args:
            status: of the run, where it does not go on.
        """
        if self._thread is None:
            return
        self._status = status
        self._parts.put(None)
        self._thread.join(_ENDS_WITHIN_S if status is None else _BREAKS_OFF_WITHIN_S)
        self._given_up = True

    def _follow(self) -> None:
        app = self._candidate.app
        try:
            with connect() as client, run_lock(app, "evaluation", self._identity, wait_s=_LOCKED_S):
                self._write(client)
        except (StackError, Timeout) as error:
            _log.debug("the evaluation is recorded at its end: %s", error)
        except Exception as error:  # whatever it is, the asking goes on
            _log.warning("not followed in MLflow, recorded at its end: %s: %s", type(error).__name__, error)

    def _write(self, client: "MlflowClient") -> None:
        experiment = experiment_of(client, self._candidate.app)
        about = about_evaluation(self._candidate, self._dataset.split, self._epoch)
        run = begin_run(client, experiment, "evaluation", self._identity, *about)
        if COMPLETE in run.data.tags:
            return
        run_id, started_ms = run.info.run_id, run.info.start_time
        sample = sample_of(self._dataset.rows, TRACES)
        there = whole_traces(client, experiment, of_run(run_id))
        told, progress = time.monotonic(), None
        while self._status is None and not self._given_up and (part := self._parts.get()) is not None:
            traces = self._traces(part, run_id, started_ms, sample)
            send(client, experiment, [trace for trace in traces if trace.trace_id not in there])
            progress = part.progress
            if time.monotonic() - told >= _METRICS_EVERY_S:
                _tell(client, run_id, progress)
                told, progress = time.monotonic(), None
        if progress is not None:
            _tell(client, run_id, progress)
        if self._status is not None:
            client.set_terminated(run_id, self._status)

    def _traces(self, part: _Part, run_id: str, started_ms: int, sample: frozenset[str]) -> list[Traced]:
        """Returns the traces of a part: those of the sample, and what a person should see.

        Not those of rows that came to nothing: asked or scored again they would be others.
        """
        frames = frames_of(part.table.column_names, part.table.column)
        whole = (frames.rows["outcome"] == "ok") & ~frames.rows["scorer_failed"]
        chosen = (sample | flagged_rows(frames, self._metrics)) & frozenset(frames.rows.loc[whole, "row_id"])
        return [
            row_trace(record, self._candidate, run_id, started_ms + position, self._metrics)
            for position, record in enumerate(part.table.to_pylist(), start=part.position)
            if record["row_id"] in chosen
        ]


def _tell(client: "MlflowClient", run_id: str, progress: Mapping[str, float]) -> None:
    from mlflow.entities import Metric as Point

    now, step = int(time.time() * 1000), int(progress["rows"])
    points = [Point(f"progress.{name}", value, now, step) for name, value in progress.items()]
    client.log_batch(run_id, metrics=points)
