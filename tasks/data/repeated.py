"""Rows that are asked several times: each answer is a row of its own, of the same cluster."""

from collections.abc import Iterator
from dataclasses import replace

from configs.errors import DataError
from tasks.data.row import Dataset, Row, Rows
from tasks.identity import digest


class RepeatedRows:
    """All rows once, then all of them again, and so on: what ends early has asked every row about as often.

    Args:
        rows: as they are asked first.
        repeats: how often each is asked; at least 1.
    """

    def __init__(self, rows: Rows, repeats: int) -> None:
        self._rows, self._repeats = rows, repeats

    def __len__(self) -> int:
        return len(self._rows) * self._repeats

    def __iter__(self) -> Iterator[Row]:
        """Yields `q1`, `q2`, …, `q1#2`, `q2#2`, …."""
        for repeat in range(self._repeats):
            for row in self._rows:
                yield _again(row, repeat) if repeat else row


def repeated(dataset: Dataset, repeats: int) -> Dataset:
    """Returns a dataset each row of which is asked `repeats` times; it has a digest of its own where that is not once.

    Raises:
        DataError: a row has the id that another one's further answer would get.
    """
    if repeats == 1:
        return dataset
    _check_ids(dataset, repeats)
    return replace(dataset, rows=RepeatedRows(dataset.rows, repeats), digest=digest([dataset.digest, repeats]))


def first_id(row_id: str, repeat: int) -> str:
    """Returns the id of the row that a further answer is to."""
    return row_id.removesuffix(_mark(repeat)) if repeat else row_id


def _again(row: Row, repeat: int) -> Row:
    return replace(row, id=row.id + _mark(repeat), cluster=row.cluster or row.id, repeat=repeat)


def _mark(repeat: int) -> str:
    return f"#{repeat + 1}"


def _check_ids(dataset: Dataset, repeats: int) -> None:
    taken = {row.id for row in dataset.rows if "#" in row.id}
    if not taken:
        return
    for row in dataset.rows:
        for repeat in range(1, repeats):
            if (wanted := row.id + _mark(repeat)) in taken:
                raise DataError(
                    f"{dataset.path}: with `repeats: {repeats}` answer {repeat + 1} to row {row.id!r} would get the id "
                    f"{wanted!r}, which another row has; rename that row"
                )
