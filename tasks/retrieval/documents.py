"""Reads an app's documents: records with an id and a text, or a folder of text files."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from configs.errors import DataError
from tasks.data.cells import as_id, as_text
from tasks.data.formats import read_file

_TEXT_FILES = (".md", ".txt")
_LARGEST = 64 * 2**20
"""Bytes of one text: it is held whole while it is cut, beside its chunks."""
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_SAVE = "save it as UTF-8 in an editor, or by `iconv -f {} -t UTF-8 OLD > NEW`"


class Document(NamedTuple):
    """A document. `title` is "" where it has none."""

    id: str
    title: str
    text: str


class _Found(NamedTuple):
    """A document and where it stands, for the message of an error."""

    where: str
    document: Document


def read_documents(path: Path) -> tuple[Document, ...]:
    """Reads every document, in the file's order or, of a folder, in the order of the names.

    A file is JSONL, CSV or Parquet with the columns `id`, `text` and, where wanted, `title`. Of a folder, every `.md`
    and `.txt` file in it or below it is a document: its id is the path without the ending, its title a first line that
    is a Markdown heading; hidden files are passed over. Text is UTF-8, with or without a byte order mark.

    Raises:
        DataError: it is missing, holds no document, or one that has no id or no text, is no text, repeats an id, or is
            larger than 64 MiB.
    """
    found = tuple(_of_folder(path) if path.is_dir() else _of_file(path))
    if not found:
        wanted = f"no {' or '.join(_TEXT_FILES)} files" if path.is_dir() else "no documents"
        raise DataError(f"{path}: holds {wanted}; add at least one")
    _check(path, found)
    return tuple(document for _, document in found)


def _of_file(path: Path) -> Iterator[_Found]:
    for record in read_file(path):
        where = f"{path} line {record.line}"
        for column in ("id", "text"):
            if column not in record.values:
                present = ", ".join(record.values) or "none"
                raise DataError(f"{where}: no column {column!r}; columns present are {present}; name it so")
        values = record.values
        title = " ".join(as_text(values.get("title")).split())
        yield _Found(where, Document(as_id(values["id"], "id", where), title, as_text(values["text"]).strip()))


def _of_folder(folder: Path) -> Iterator[_Found]:
    files = (file for file in folder.rglob("*") if file.suffix.lower() in _TEXT_FILES and file.is_file())
    for file in sorted(files):
        relative = file.relative_to(folder)
        if any(part.startswith(".") for part in relative.parts):
            continue
        text = _text(file)
        yield _Found(str(file), Document(relative.with_suffix("").as_posix(), _heading(text), text))


def _text(file: Path) -> str:
    try:
        if file.stat().st_size > _LARGEST:
            raise DataError(
                f"{file}: has {file.stat().st_size / 2**20:.0f} MiB, a document may have {_LARGEST // 2**20}; split "
                f"it, or make records of its parts in a JSONL file"
            )
        content = file.read_bytes()
        if content.startswith(_UTF16):
            raise DataError(f"{file}: is UTF-16; {_SAVE.format('UTF-16')}")
        if b"\0" in content:
            raise DataError(f"{file}: is binary; remove it from the documents or save it as UTF-8 text")
        return content.decode("utf-8-sig").replace("\r\n", "\n").strip()
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise DataError(
            f"{file}: not UTF-8 at byte {error.start} (0x{byte:02x}); {_SAVE.format('ITS-ENCODING')}"
        ) from None
    except OSError as error:
        raise DataError(f"{file}: cannot be read: {error.strerror}; check its permissions") from None


def _heading(text: str) -> str:
    first = text.partition("\n")[0]
    marks = first.partition(" ")[0]
    return first.strip("# \t") if marks and not marks.strip("#") else ""


def _check(path: Path, found: Iterable[_Found]) -> None:
    first: dict[str, str] = {}
    for where, document in found:
        if not document.text:
            raise DataError(f"{where}: document {document.id!r} has no text; write it or remove the document")
        if len(document.text) > _LARGEST:
            raise DataError(
                f"{where}: document {document.id!r} has {len(document.text) / 2**20:.0f} million characters, a "
                f"document may have {_LARGEST // 2**20}; split it"
            )
        if "\0" in document.text:
            raise DataError(f"{where}: document {document.id!r} is binary; `text` takes text only")
        if document.id in first:
            raise DataError(
                f"{path}: document {document.id!r} stands in {first[document.id]} and again in {where}; "
                f"give each document its own id"
            )
        first[document.id] = where
