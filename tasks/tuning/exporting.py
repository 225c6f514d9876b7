"""A split's rows as a file of chat fine-tuning JSONL, for whoever trains elsewhere."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from configs.errors import DataError
from tasks.data.chat_checks import findings_of
from tasks.data.chat_lines import line_of, write_chat_lines
from tasks.data.row import Dataset, Row
from tasks.tuning.example import TrainingExample


class Exported(NamedTuple):
    """How many rows became lines, and how many have no reference that could be learnt."""

    lines: int
    left_out: int


def export_rows(dataset: Dataset, path: Path) -> Exported:
    """Writes a dataset's rows, one a line: the conversation as the row has it, without a prompt, then its reference.

    Raises:
        DataError: the file is there already or cannot be written, no row has a reference, or a provider would not take
            a row; names the row.
    """
    if path.exists():
        raise DataError(f"{path}: is there already; name another file, or remove it")
    examples = tuple(_examples(dataset.name, dataset.rows))
    if not examples:
        raise DataError(f"{dataset.name}: no row has a reference, so that there is nothing to learn; add some")
    write_chat_lines(examples, path)
    return Exported(len(examples), len(dataset.rows) - len(examples))


def _examples(name: str, rows: Iterable[Row]) -> Iterator[TrainingExample]:
    for row in rows:
        if not row.reference.strip():
            continue
        example = TrainingExample(row.id, row.messages, row.reference, row.cluster)
        finding = next(findings_of(line_of(example)), None)
        if finding is not None:
            raise DataError(f"{name} row {row.id}: {finding.text}")
        yield example
