"""People's labels of answers: those of a file beside `app.yaml`, and those that were given in the terminal."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from configs.errors import DataError
from tasks.data.cells import as_id, as_text
from tasks.data.formats import read_file
from tasks.identity import digest
from tasks.writing import writing

if TYPE_CHECKING:
    from tasks.results.store import Store

_NEEDED = ("row_id", "metric", "label")
_TRUE = ("true", "1", "yes", "x")
_KEPT = "labels.jsonl"


class Label(NamedTuple):
    """What a person said of one answer.

    Attributes:
        row_id: the row that was answered.
        metric: name of the judge's metric.
        value: on the judge's scale.
        answer: digest of the answer's text; "" where the label does not say, so that the newest answer is meant.
        who: the person.
        at: when, as ISO 8601 writes it.
        tuning: True where it was used to write the judge's prompt: then it proves nothing any more.
        where: where it was found, for messages.
    """

    row_id: str
    metric: str
    value: int
    answer: str = ""
    who: str = ""
    at: str = ""
    tuning: bool = False
    where: str = ""


def answer_digest(text: str) -> str:
    """Names an answer by its text."""
    return digest(text)


def read_labels(path: Path) -> tuple[Label, ...]:
    """Reads a JSONL, CSV or Parquet file of labels: `row_id`, `metric` and `label` a record.

    Where it has them: `answer` (the text that was labelled), `who`, `when`, and `tuning`, which marks labels that
    were used to write the judge's prompt.

    Raises:
        DataError: it cannot be read, lacks a column, or holds a label that is no whole number; names the line.
    """
    return tuple(_read(path))


def _read(path: Path) -> Iterator[Label]:
    for record in read_file(path):
        where, values = f"{path} line {record.line}", record.values
        for column in _NEEDED:
            if column not in values:
                raise DataError(f"{where}: no column {column!r}; needed are {', '.join(_NEEDED)}")
        yield Label(
            row_id=as_id(values["row_id"], "row_id", where),
            metric=as_text(values["metric"]).strip(),
            value=as_label(values["label"], where),
            answer=answer_digest(as_text(values["answer"])) if values.get("answer") else "",
            who=as_text(values.get("who")),
            at=as_text(values.get("when")),
            tuning=as_text(values.get("tuning")).strip().lower() in _TRUE,
            where=where,
        )


def as_label(value: Any, where: str) -> int:
    """Returns a label: a whole number, written as a number, as text, or as true and false.

    Raises:
        DataError: it is none; names the place.
    """
    try:
        number = float(value)
        if number == int(number):
            return int(number)
    except (TypeError, ValueError, OverflowError):
        pass
    raise DataError(f"{where}: label {value!r} is no whole number; write one of the judge's scale")


def kept_labels(store: "Store") -> tuple[Label, ...]:
    """Returns the labels that were given in the terminal, the oldest first.

    Raises:
        DataError: the file is damaged; names the line. A last line that was cut off by a kill is passed over.
    """
    file = store.folder / _KEPT
    lines = file.read_text(encoding="utf-8").split("\n") if file.is_file() else []
    found = []
    for number, line in enumerate(lines[:-1], 1):
        where = f"{file} line {number}"
        try:
            found.append(Label(**json.loads(line))._replace(where=where))
        except (ValueError, TypeError):
            raise DataError(f"{where}: is damaged; delete the line and run again") from None
    return tuple(found)


def keep_label(store: "Store", label: Label) -> None:
    """Keeps a label for good, at once.

    Raises:
        DataError: the disk is full or refuses to be written.
    """
    file = store.folder / _KEPT
    content = {name: value for name, value in label._asdict().items() if name != "where"}
    with writing(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("ab+") as opened:
            # A line that a kill has cut off is not to swallow the next one.
            opened.seek(0, os.SEEK_END)
            if opened.tell():
                opened.seek(-1, os.SEEK_END)
                if opened.read(1) != b"\n":
                    opened.truncate(_end_of_last_line(file))
            opened.write(json.dumps(content, ensure_ascii=False).encode() + b"\n")
            opened.flush()
            os.fsync(opened.fileno())


def _end_of_last_line(file: Path) -> int:
    return file.read_bytes().rfind(b"\n") + 1
