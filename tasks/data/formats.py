"""Reads the records of a JSONL, CSV or Parquet file, one at a time; every error names the file and the line."""

import csv
import json
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from configs.errors import DataError

_BOM = b"\xef\xbb\xbf"
_AT_ONCE = 1000
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class Record(NamedTuple):
    """One record and where it stands: the line it begins at, or the row of a Parquet file, from 1."""

    line: int
    values: dict[str, Any]


class Fault(NamedTuple):
    """A line that is no record, though those around it may be: where, and one line that says it all."""

    line: int
    text: str


def read_file(path: Path) -> Iterator[Record]:
    """Yields every record of a file, in its order, as it reads it; the format follows from the name's ending.

    Text is UTF-8, with or without a byte order mark; lines end as on Unix or on Windows; empty lines are passed over.
    Values are plain: text, numbers, booleans, None (a bare NaN is None), lists and mappings. In CSV all are text.

    Raises:
        DataError: the file is missing, a directory, of another format, not UTF-8, or broken in a line; once it gets
            there.
    """
    for record in read_each(path):
        if isinstance(record, Fault):
            raise DataError(record.text)
        yield record


def read_each(path: Path) -> Iterator[Record | Fault]:
    """Yields every record of a file as `read_file` does, and what is wrong with a line in its place.

    Raises:
        DataError: the file is missing, a directory or of another format, or what is wrong is not one line's: a quote
            of a CSV file that does not close, text that is not UTF-8 there, or what is no Parquet file.
    """
    if path.is_dir():
        raise DataError(f"{path}: is a directory; name a file in it ({', '.join(_READERS)})")
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"{path}: unknown kind of file {path.suffix!r}; allowed are {', '.join(_READERS)}")
    with readable(path):
        yield from reader(path)


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turns a failure to read into one line that names the file and says what to do.

    Raises:
        DataError: the file is missing or cannot be read.
    """
    try:
        yield
    except FileNotFoundError:
        raise DataError(f"{path}: does not exist; create it or mend the name") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}; check its permissions") from None


def _lines(path: Path) -> Iterator[str | Fault]:
    """Yields the lines of a text, line ends included. Only the line feed ends one: JSON text may hold U+2028."""
    start = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            content = line.removeprefix(_BOM) if number == 1 else line
            try:
                yield content.decode()
            except UnicodeDecodeError as error:
                at = start + len(line) - len(content) + error.start
                yield Fault(number, f"{path} line {number}: not UTF-8 at byte {at}; save the file as UTF-8")
            start += len(line)


def _read_jsonl(path: Path) -> Iterator[Record | Fault]:
    for number, line in enumerate(_lines(path), start=1):
        if isinstance(line, Fault):
            yield line
        elif line.strip():
            read = _read_json(line)
            yield Record(number, read) if isinstance(read, dict) else Fault(number, f"{path} line {number}: {read}")


def _read_json(line: str) -> dict[str, Any] | str:
    """Returns the object that a line holds, or what is wrong with it."""
    try:
        values = json.loads(line, parse_constant=lambda _: None)
    except json.JSONDecodeError as error:
        return f"not valid JSON at column {error.colno}: {error.msg}; mend or remove the line"
    except ValueError:
        return "holds a number of too many digits; write it as a text"
    except RecursionError:
        return "nested too deeply; mend or remove the line"
    if not isinstance(values, dict):
        return f'found {type(values).__name__}, allowed is one object a line, such as {{"id": "r1"}}'
    if _SURROGATE.search(line) and _has_half_characters(values):
        return "holds half a character (a lone surrogate); write the character itself"
    return values


def _has_half_characters(values: dict[str, Any]) -> bool:
    try:
        json.dumps(values, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False


def _read_csv(path: Path) -> Iterator[Record | Fault]:
    csv.field_size_limit(2**31 - 1)
    header: list[str] = []
    begin = 1
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = csv.reader(file, strict=True)
        try:
            for fields in lines:
                line, begin = begin, lines.line_num + 1
                if not fields or fields == [""]:
                    continue
                if not header:
                    header = _header(path, fields)
                elif len(fields) != len(header):
                    count = f"has {len(fields)} fields, the header {len(header)}"
                    yield Fault(line, f"{path} line {line}: {count}; quote fields with commas")
                else:
                    yield Record(line, dict(zip(header, fields, strict=True)))
        except csv.Error as error:
            raise DataError(f"{path} line {begin}: not valid CSV: {error}; mend the quotes") from None
        except UnicodeDecodeError:
            fault = next((line for line in _lines(path) if isinstance(line, Fault)), None)  # names the line
            if fault is None:
                raise
            raise DataError(fault.text) from None


def _header(path: Path, fields: list[str]) -> list[str]:
    header = [field.strip() for field in fields]
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"{path}: the header names column {twice!r} twice; give each column its own name")
    return header


def _read_parquet(path: Path) -> Iterator[Record]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    with path.open("rb") as file:
        try:
            for batch in pq.ParquetFile(file).iter_batches(batch_size=_AT_ONCE):
                for row in batch.to_pylist():
                    number += 1
                    yield Record(number, {key: _plain(value) for key, value in row.items()})
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{path}: not a Parquet file: {error}; write it again") from None


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if isinstance(value, date | time | Decimal):
        return str(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


_READERS = {".jsonl": _read_jsonl, ".ndjson": _read_jsonl, ".csv": _read_csv, ".parquet": _read_parquet}
