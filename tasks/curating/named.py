"""Datasets by their names: a file, a split of an app, or a curated version."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from configs.errors import ConfigurationError, DataError
from configs.loading import LoadedApp, load_app
from configs.schema.dataset import Columns
from tasks.curating.balance import class_column
from tasks.curating.differing import Record
from tasks.curating.versions import Version, find_version
from tasks.data.chat_rows import reader_of
from tasks.data.formats import Record as FileRecord
from tasks.data.formats import read_file

SPLIT = "split"
"""Column that says, of a whole version, which split a row is part of."""


class Named(NamedTuple):
    """A dataset that was named.

    Attributes:
        name: as it was named.
        records: its rows.
        columns: their roles.
        classes: column of their classes; None where that is not known.
    """

    name: str
    records: tuple[Record, ...]
    columns: Columns
    classes: str | None


def named_dataset(name: str, home: Path, app: str | None = None) -> Named:
    """Returns the rows of a dataset.

    Args:
        name: path of a file; `APP/SPLIT`, the app by its name or path; a curated version's digest or its beginning, or
            `latest` or `production-reviewed` where `app` is given: all of its splits or, as `DIGEST/SPLIT`, one.
        home: folder of all state.
        app: name or path of the app whose roles of columns a file has, and whose versions are looked through.

    Raises:
        ConfigurationError: nothing has that name, or several have.
        DataError: the file cannot be read.
    """
    loaded = load_app(app) if app else None
    path = Path(name)
    if path.is_file():
        columns = loaded.app.datasets.columns if loaded else Columns()
        return _read(name, path, columns, class_column(loaded.app) if loaded else None)
    head, _, split = name.rpartition("/")
    version = find_version(home, head or name, loaded.app.name if loaded else None)
    if version is not None:
        return _of_version(name, version, split if head else "")
    if head and (own := _app(head)) is not None:
        known = own.app.datasets.paths()
        if split in known:
            file = own.path(known[split])
            columns = own.app.datasets.columns
            read = reader_of(file, split, columns)
            return _read(name, file, columns, class_column(own.app), read)
        raise ConfigurationError(f"{name}: app {own.app.name} has no split {split!r}; known are {', '.join(known)}")
    raise ConfigurationError(
        f"{name!r} names no dataset: there is no such file, no app and split of that name, and no curated version; "
        f"write a path, APP/SPLIT, or a version's digest (`lifecycle run curate` prints it)"
    )


def _app(name: str) -> LoadedApp | None:
    try:
        return load_app(name)
    except ConfigurationError as error:
        if str(error).startswith("no app "):
            return None
        raise


def _read(
    name: str,
    path: Path,
    columns: Columns,
    classes: str | None,
    read: Callable[[Path], Iterator[FileRecord]] = read_file,
) -> Named:
    records = tuple(record.values for record in read(path))
    if not records:
        raise DataError(f"{path}: holds no rows; there is nothing to compare")
    return Named(name, records, columns, classes)


def _of_version(name: str, version: Version, split: str) -> Named:
    manifest = version.manifest
    if split and split not in manifest.rows:
        raise ConfigurationError(
            f"{name}: the version has no split {split!r}; it has {', '.join(manifest.rows) or 'none'}"
        )
    columns = Columns.model_validate(manifest.settings["columns"])
    records: list[Record] = []
    for each in (split,) if split else tuple(manifest.rows):
        own = (record.values for record in read_file(version.path(each)))
        records += own if split else ({**record, SPLIT: each} for record in own)
    classes = manifest.settings["curate"]["class_column"] or (columns.slices[0] if columns.slices else None)
    return Named(name, tuple(records), columns, classes)
