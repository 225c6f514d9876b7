"""Memory and disk of a training: estimated before it begins, and measured while it runs."""

import os
import shutil
from collections.abc import Iterable
from itertools import cycle, islice
from pathlib import Path
from typing import Any, NamedTuple

from configs.errors import DataError
from configs.schema.finetune import Finetune
from tasks.tuning.free_memory import free_memory_mb

_SLACK_MB = 700
"""Of torch, transformers and what else the process holds."""
_STATES, _BETWEEN = 22, 9
"""How many vectors of the model's width, and of its inner width, a token leaves in each layer for the way back."""
_ATTENDED = 4
"""Of those, vectors of all heads that attention leaves of each place of each row: queries, keys, values, its result."""


class Need(NamedTuple):
    """What a training takes at most, in megabytes."""

    memory_mb: float
    disk_mb: float


def need_of(shape: dict[str, Any], settings: Finetune, rows: list[tuple[int, int]]) -> Need:
    """Estimates what a training takes, on the high side: of a batch of the longest rows, which share nothing.

    Args:
        shape: sizes of the base; see `shape_of`.
        settings: batch, packing and rank.
        rows: tokens of each row, and how many of them are its answer's.
    """
    width, inner, layers = shape["hidden_size"], shape["intermediate_size"], shape["num_hidden_layers"]
    keys = shape["num_key_value_heads"] * shape["head_dim"]
    queries = shape["num_attention_heads"] * shape["head_dim"]
    base = layers * (2 * width * queries + 2 * width * keys + 3 * width * inner) + 2 * shape["vocab_size"] * width
    tuned = layers * settings.lora.rank * (6 * width + 2 * queries + 2 * keys + 3 * (width + inner))
    # Padded, all of a batch is as long as its longest row; packed, only attention lays its rows side by side.
    side_by_side = settings.batch * max(total for total, _ in rows)
    tokens = _most((total for total, _ in rows), settings.batch) if settings.packing else side_by_side
    answers = _most((answer for _, answer in rows), settings.batch)
    back = tokens * layers * (_STATES * width + _BETWEEN * inner) * 4
    back += (side_by_side - tokens) * layers * _ATTENDED * queries * 4
    logits = 4 * answers * shape["vocab_size"] * 4
    # The base is read in full precision before it is what it is multiplied in; the rest: gradients, the optimiser's
    # two moments, the best weights, and a checkpoint on its way to the disk.
    memory = base * 4 + tuned * 4 * 10 + back + logits
    disk = tuned * 4 * (4 * 2 + 3)
    return Need(memory / 1e6 + _SLACK_MB, disk / 1e6 + 50)


def _most(lengths: Iterable[int], batch: int) -> int:
    """Returns the sum of a batch's lengths at most; it holds rows several times where there are fewer."""
    longest = sorted(lengths, reverse=True)
    return sum(islice(cycle(longest), batch))


def check_need(need: Need, folder: Path, available_mb: float | None = None) -> None:
    """Refuses a training that this machine has not the memory or the disk for.

    Args:
        need: what it takes.
        folder: where it writes.
        available_mb: memory that there is; what is free on the GPU or the machine where not given.

    Raises:
        DataError: says how much is missing, and what takes less.
    """
    memory = available_mb if available_mb is not None else free_memory_mb()
    if need.memory_mb > memory:
        raise DataError(
            f"fine-tuning takes about {need.memory_mb / 1000:.1f} GB of memory, {memory / 1000:.1f} GB are free; "
            f"lower `finetune.batch` (and raise `finetune.accumulation`) or `finetune.max_tokens`"
        )
    free = shutil.disk_usage(folder).free / 1e6
    if need.disk_mb > free:
        raise DataError(
            f"fine-tuning takes about {need.disk_mb / 1000:.1f} GB of disk, {free / 1000:.1f} GB are free at {folder}; "
            f"free disk space or set LIFECYCLE_HOME to another disk"
        )


class Peak:
    """The most memory that this process has held since it was made.

    On Linux it is the kernel's own mark, which is set back at the start; elsewhere it is that of the whole process.
    """

    def __init__(self) -> None:
        self._clears = Path("/proc/self/clear_refs")
        try:
            self._clears.write_text("5", encoding="ascii")
        except OSError:
            self._clears = Path(os.devnull)

    @property
    def megabytes(self) -> float:
        """The most so far."""
        if self._clears.name == "clear_refs":
            for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) / 1000
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
