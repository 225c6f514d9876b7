"""Follows an evaluation into MLflow while it is asked: its run, how far it is, and the traces of what is answered.

What is written here is a head start. `record_evaluation` counts, writes what is missing, and is what fails where MLflow
does not answer: nothing here holds up or ends the asking.
"""

import asyncio
import logging
import queue
import threading
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from configs.errors import StackError
from tasks.candidate import Candidate
from tasks.data.row import Dataset
from tasks.results.frames import frames_of
from tasks.scoring.score import Metric
from tasks.tracking.connection import connect, experiment_of
from tasks.tracking.recording import COMPLETE, begin_run
from tasks.tracking.runs import about_evaluation
from tasks.tracking.sampling import flagged_rows, sample_of
from tasks.tracking.sending import send, whole_traces
from tasks.tracking.traces import TRACES, of_run, row_trace

if TYPE_CHECKING:
    import pyarrow as pa
    from mlflow import MlflowClient

_log = logging.getLogger(__name__)

_PARTS = 64
"""Parts that may wait for MLflow; what comes on top is left to `record_evaluation`."""
_METRICS_EVERY_S = 5.0


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


class _Follower:
    """Takes parts from the thread that writes them, and writes them to MLflow in one of its own."""

    def __init__(
        self, identity: str, candidate: Candidate, dataset: Dataset, epoch: str, metrics: Mapping[str, Metric]
    ) -> None:
        self._identity, self._candidate, self._dataset, self._epoch = identity, candidate, dataset, epoch
        self._metrics = metrics
        self._parts: queue.SimpleQueue[pa.Table | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._ended: str | None = None

    def __call__(self, part: "pa.Table") -> None:
        """Takes the next rows of the dataset, as `to_table` makes them; before any row is answered they only wait."""
        if self._parts.qsize() < _PARTS and (self._thread is None or self._thread.is_alive()):
            self._parts.put(part)
        if self._thread is None and "ok" in part.column("outcome").to_pylist():
            self._thread = threading.Thread(target=self._follow, name="following", daemon=True)
            self._thread.start()

    def end(self, status: str | None) -> None:
        """Waits until what was taken is written.

        Args:
            status: of the run, where it does not go on.
        """
        if self._thread is None:
            return
        self._ended = status
        self._parts.put(None)
        self._thread.join()

    def _follow(self) -> None:
        try:
            with connect() as client:
                self._write(client)
        except StackError as error:
            _log.debug("the evaluation is recorded at its end: %s", error)

    def _write(self, client: "MlflowClient") -> None:
        experiment = experiment_of(client, self._candidate.app)
        about = about_evaluation(self._candidate, self._dataset.split, self._epoch)
        run = begin_run(client, experiment, "evaluation", self._identity, *about)
        if COMPLETE in run.data.tags:
            return
        writing = _Writing(client, experiment, run.info.run_id, run.info.start_time)
        sample = sample_of(self._dataset.rows, TRACES)
        there = whole_traces(client, experiment, of_run(writing.run_id))
        while (part := self._parts.get()) is not None:
            writing.rows(part, self._candidate, self._metrics, sample, there)
        if self._ended is not None:
            client.set_terminated(writing.run_id, self._ended)


class _Writing:
    """A run that is being written, and how far it is."""

    def __init__(self, client: "MlflowClient", experiment: str, run_id: str, started_ms: int) -> None:
        self.run_id = run_id
        self._client, self._experiment, self._started_ms = client, experiment, started_ms
        self._rows = self._failed = 0
        self._price = 0.0
        self._told = float("-inf")

    def rows(
        self,
        part: "pa.Table",
        candidate: Candidate,
        metrics: Mapping[str, Metric],
        sample: frozenset[str],
        there: Mapping[str, int],
    ) -> None:
        """Writes the traces of the next rows: those of the sample, and what a person should see."""
        frames = frames_of(part.column_names, part.column)
        chosen = sample | flagged_rows(frames, metrics)
        traces = [
            row_trace(record, candidate, self.run_id, self._started_ms + self._rows + position, metrics)
            for position, record in enumerate(part.to_pylist())
            if record["row_id"] in chosen
        ]
        send(self._client, self._experiment, [trace for trace in traces if trace.trace_id not in there])
        self._rows += part.num_rows
        self._failed += int((frames.rows["outcome"] != "ok").sum())
        self._price += float(frames.rows["price"].sum())
        if time.monotonic() - self._told >= _METRICS_EVERY_S:
            self._tell()

    def _tell(self) -> None:
        from mlflow.entities import Metric as Point

        now = int(time.time() * 1000)
        seen: dict[str, Any] = {"rows": self._rows, "failed": self._failed, "price": self._price}
        points = [Point(f"progress.{name}", value, now, self._rows) for name, value in seen.items()]
        self._client.log_batch(self.run_id, metrics=points)
        self._told = time.monotonic()
