"""One run of the benchmark: its sizes, its folder, and the evaluations that several rows look at."""

from functools import cached_property
from pathlib import Path

from benchmarks.engine.apps import questions, write_rows
from benchmarks.engine.endpoints import MANY_SLOTS, SLOTS, instant, usual
from benchmarks.engine.processes import mlflow_server, module, output
from benchmarks.engine.sizes import Sizes
from benchmarks.engine.subject import Evaluated, evaluated
from benchmarks.engine.watching import Watch, watching
from infra.simulator.running import simulated_process


class Bench:
    """What the rows share.

    Args:
        sizes: how much is measured.
        folder: an empty one, for everything.
    """

    def __init__(self, sizes: Sizes, folder: Path) -> None:
        self.sizes = sizes
        self.folder = folder

    @cached_property
    def told(self) -> Evaluated:
        """Many rows at 64 slots, the concurrency told."""
        return evaluated(self.folder / "told", usual(), self.sizes.many, "engine, told 64", concurrency=SLOTS)

    @cached_property
    def recorded(self) -> Evaluated:
        """The same, recorded in MLflow."""
        with mlflow_server(self.folder / "recorded-mlflow") as server:
            label = "engine, told 64, with MLflow"
            rows, folder = self.sizes.many, self.folder / "recorded"
            return evaluated(folder, usual(), rows, label, concurrency=SLOTS, server=server)

    @cached_property
    def wide(self) -> Evaluated:
        """Many rows at 512 slots, the concurrency told."""
        label = f"engine, told {MANY_SLOTS}"
        return evaluated(self.folder / "wide", usual(MANY_SLOTS), self.sizes.many, label, concurrency=MANY_SLOTS)

    @cached_property
    def instant(self) -> Evaluated:
        """Many rows against an endpoint without latency."""
        label = f"engine, no latency, {self.sizes.many} rows"
        return evaluated(self.folder / "instant", instant(), self.sizes.many, label, concurrency=SLOTS)

    @cached_property
    def endless(self) -> Evaluated:
        """Very many rows against an endpoint without latency."""
        label = f"engine, no latency, {self.sizes.endless} rows"
        return evaluated(self.folder / "endless", instant(), self.sizes.endless, label, concurrency=SLOTS)

    def sdk(self, slots: int, *, stream: bool = False) -> Watch:
        """Asks many rows by the bare SDK loop, as many at once as there are slots, and returns what was seen."""
        path = self.folder / "many.jsonl"
        write_rows(path, questions(self.sizes.many))
        streaming = ["--stream"] if stream else []
        label = f"openai SDK loop, {slots} at once, streaming {'on' if stream else 'off'}"
        with simulated_process(usual(slots)) as address, watching(address, label, self.sizes.many) as seen:
            output(module("sdk_loop", address, path, "--at-once", slots, *streaming))
        return seen
