"""OpenAI's chat fine-tuning JSONL as rows: a line's last message is the reference, and what is said before it is asked.

Lines are checked as a provider checks them; see `chat_checks`.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from configs.errors import DataError
from configs.schema.dataset import Columns, Split
from tasks.data.cells import as_text
from tasks.data.chat_checks import calls_tools, findings_of, is_trained
from tasks.data.formats import Record, read_file

_SUFFIXES = (".jsonl", ".ndjson")


def reader_of(path: Path, split: Split, columns: Columns) -> Callable[[Path], Iterator[Record]]:
    """Returns what reads the records of a split's file: one of `train` may be chat fine-tuning JSONL.

    Its first line says whether it is.

    Raises:
        DataError: the file cannot be read.
    """
    if split != "train" or path.suffix.lower() not in _SUFFIXES:
        return read_file
    first = next(read_file(path), None)
    return partial(read_chat_rows, columns=columns) if first and is_chat_line(first, columns) else read_file


def read_chat_rows(path: Path, columns: Columns) -> Iterator[Record]:
    """Yields every line of a file as a record of the app's columns, named by its number: `line-7`.

    Raises:
        DataError: the file cannot be read, or a line is none of which such a record can be made; names the line.
    """
    for record in read_file(path):
        made = chat_record(path, record, columns)
        yield Record(record.line, {columns.id: f"line-{record.line}", **made.values})


def is_chat_line(record: Record, columns: Columns) -> bool:
    """Returns whether a record is a line of chat fine-tuning JSONL: without an id, its end the assistant's words."""
    messages = record.values.get("messages")
    if as_text(record.values.get(columns.id)).strip() or not isinstance(messages, list) or not messages:
        return False
    return isinstance(messages[-1], dict) and messages[-1].get("role") == "assistant"


def chat_record(path: Path, record: Record, columns: Columns) -> Record:
    """Returns a line as a record of the app's columns, without an id; columns that a line has nothing for are empty.

    What the assistant says before the last message is part of the conversation, whatever its weight.

    Raises:
        DataError: the line is broken, calls tools, ends with what is not to be learnt, or is more than the app has
            columns for.
    """
    where = f"{path} line {record.line}"
    findings = list(findings_of(record.values))
    if findings:
        more = f" (and {len(findings) - 1} more in this line)" if len(findings) > 1 else ""
        raise DataError(f"{where}: {findings[0].text}{more}")
    *said, last = record.values["messages"]
    if any(map(calls_tools, (*said, last))):
        raise DataError(f"{where}: calls tools, which a row has no place for; leave it out")
    if not is_trained(last):
        raise DataError(f"{where}: ends with nothing that is to be learnt; end it with the assistant's answer")
    if columns.reference is None:
        raise DataError(f"{where}: the app has no column for its answer; set `datasets.columns.reference`")
    empty = (columns.documents, columns.cluster, columns.answerable, *columns.slices)
    values: dict[str, Any] = {**dict.fromkeys(name for name in empty if name), columns.reference: last["content"]}
    if columns.question and len(said) == 1 and said[0]["role"] == "user":
        values[columns.question] = said[0]["content"]
    elif columns.messages:
        values[columns.messages] = [{"role": each["role"], "content": each["content"]} for each in said]
    else:
        raise DataError(
            f"{where}: is more than one question and its answer, and the app has no column for a conversation; "
            f"set `datasets.columns.messages: messages`"
        )
    return Record(record.line, values)
