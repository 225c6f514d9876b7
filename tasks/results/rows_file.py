"""The file of an evaluation's rows: written part by part, read part by part, never whole in memory."""

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.calling.answer import Answer
from tasks.data.row import Row
from tasks.results.frames import Frames, frames_of, schema, to_table
from tasks.scoring.score import Score

if TYPE_CHECKING:
    from types import TracebackType

    import pyarrow as pa

NAME = "rows.parquet"

_PAGE_BYTES = 65_536
_GROUP = 2048
"""Rows of a row group: of smaller ones the file's own directory, which stays in memory, becomes large."""


class RowsWriter:
    """Writes rows as they are done; nothing of them stays in memory.

    Args:
        path: the file, made anew.
        slices: names of the slice columns.
        metrics: names of the scored metrics.
    """

    def __init__(self, path: Path, slices: Sequence[str], metrics: Sequence[str]) -> None:
        # pyarrow would import pandas at the first row, and hold up the calls that are in flight then.
        import pandas  # noqa: F401
        import pyarrow.parquet as pq

        self._slices, self._metrics = slices, metrics
        self._file = path.open("wb")
        # Texts hardly repeat: dictionaries of them, and large pages, would only fill the memory.
        repeated = ["outcome", "cause", *(f"slice.{name}" for name in slices)]
        self._parquet = pq.ParquetWriter(
            self._file,
            schema(slices, metrics),
            compression="zstd",
            use_dictionary=repeated,
            data_page_size=_PAGE_BYTES,
        )
        self._group: list[pa.Table] = []

    def __enter__(self) -> "RowsWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: "TracebackType | None"
    ) -> None:
        try:
            # A writer that is left open would write once more when it is collected: into a closed file.
            with suppress(*() if kind is None else (OSError,)):
                self._write_group()
                self._parquet.close()
            if kind is None:
                self._file.flush()
                os.fsync(self._file.fileno())
        finally:
            self._file.close()

    def write(self, rows: Sequence[Row], answers: Sequence[Answer], scores: Sequence[Score]) -> "pa.Table":
        """Writes the next rows of the dataset, and returns them as they are written."""
        table = to_table(rows, answers, scores, self._slices, self._metrics)
        self._group.append(table)
        if sum(part.num_rows for part in self._group) >= _GROUP:
            self._write_group()
        return table

    def _write_group(self) -> None:
        import pyarrow as pa

        group, self._group = self._group, []
        if group:
            self._parquet.write_table(pa.concat_tables(group))


def read_frames(path: Path) -> Frames:
    """Returns what estimates are made of."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:

        def column(name: str) -> "pa.ChunkedArray":
            return file.read(columns=[name], use_threads=False).column(name)

        frames = frames_of(file.schema_arrow.names, column)
    pa.default_memory_pool().release_unused()
    return frames


def read_rows(path: Path, ids: Collection[str] | None = None, first: int | None = None) -> Iterator[dict[str, Any]]:
    """Yields whole rows in the dataset's order, as mappings of column to value.

    Args:
        path: the file.
        ids: rows to yield; all where not given.
        first: so many at most.
    """
    import pyarrow.parquet as pq

    left = float("inf") if first is None else first
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=256):
            for record in batch.to_pylist():
                if left <= 0:
                    return
                if ids is None or record["row_id"] in ids:
                    left -= 1
                    yield record
