"""The memory of a stack's processes, read again and again beside what is measured."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import psutil

from benchmarks.operate.released import World

_EVERY_S = 1.0


class Memory:
    """What was read, in bytes, by process: `endpoint`, `beside` for the process beside it, and `mlflow`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._stopped = threading.Event()
        self.read: dict[str, list[int]] = {"endpoint": [], "beside": [], "mlflow": []}

    def run(self) -> None:
        """Reads once a second until `stop`; a process that does not run right now is left out."""
        while not self._stopped.wait(_EVERY_S):
            known = self._world.supervisor.processes()
            with suppress(psutil.NoSuchProcess):
                endpoint, mlflow = psutil.Process(known["endpoint"].pid), psutil.Process(known["mlflow"].pid)
                beside = endpoint.children(recursive=True)
                of = {"endpoint": [endpoint], "beside": beside, "mlflow": [mlflow, *mlflow.children(recursive=True)]}
                for name, processes in of.items():
                    if processes:
                        self.read[name].append(sum(process.memory_info().rss for process in processes))

    def stop(self) -> None:
        """Ends the reading."""
        self._stopped.set()


@contextmanager
def memory_read(world: World) -> Iterator[Memory]:
    """Has the memory read while the block runs."""
    memory = Memory(world)
    thread = threading.Thread(target=memory.run, name="memory")
    thread.start()
    try:
        yield memory
    finally:
        memory.stop()
        thread.join()


def megabytes(read: Sequence[int]) -> str:
    """Returns where it began and where it ended, as people read it."""
    return f"{read[0] / 1e6:.0f} MB at the beginning, {read[-1] / 1e6:.0f} MB at the end" if read else "not seen"
