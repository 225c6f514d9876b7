"""Curated versions: a folder each, named by a digest of all that is in it, written whole or not at all."""

import json
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

from filelock import FileLock
from pydantic import Field, ValidationError

from configs.errors import ConfigurationError, DataError
from configs.schema.base import Frozen
from configs.schema.dataset import Columns, Split
from tasks.curating.item import Apart, Broken, Item
from tasks.data.file_rows import row_of
from tasks.data.formats import Record, read_file, readable
from tasks.data.row import Dataset, Row
from tasks.identity import digest
from tasks.writing import write_whole, writing

MANIFEST, APART, LATEST = "curation.json", "apart.jsonl", "latest"
REVIEWED = "production-reviewed"
"""Name that points at the newest version of what people have said of requests, as `latest` does at `curate`'s."""
ORIGIN = "curated_from"
"""Column that says where a curated row comes from."""


class Manifest(Frozen):
    """What a curated version is and how it came about; nothing in it depends on when it was made.

    Its digest is the version's name.
    """

    app: str
    settings: dict[str, Any]
    """The app's `curate`, and the roles of its columns."""
    sources: dict[str, str]
    """Digest of each source by its name."""
    guarded: dict[str, str]
    """Digest of each split that stays as it is."""
    splits: dict[str, str]
    """Digest of the rows of each split."""
    rows: dict[str, int]
    """Rows of each split."""
    funnel: tuple[dict[str, Any], ...]
    """Rows left after each step."""
    apart: dict[str, int]
    """Rows set apart, by reason."""
    balance: dict[str, dict[str, int]]
    """Rows of each class in each split."""
    synthetic: dict[str, Any] = Field(default_factory=dict)
    """What became of the teacher's rows."""


class Version(NamedTuple):
    """A curated version on disk."""

    digest: str
    folder: Path
    manifest: Manifest

    def path(self, split: str) -> Path:
        """Returns the file of one split's rows."""
        return self.folder / f"{split}.jsonl"


def version_folder(home: Path, app: str) -> Path:
    """Returns the folder of an app's curated versions."""
    return home / "curated" / app


def version_path(home: Path, manifest: Manifest, split: str) -> Path:
    """Returns the file of a split of the version that a manifest describes."""
    return version_folder(home, manifest.app) / digest(manifest) / f"{split}.jsonl"


def save_version(
    home: Path,
    manifest: Manifest,
    splits: Mapping[str, Sequence[Item]],
    apart: Sequence[Apart],
    broken: Sequence[Broken],
    pointer: str = LATEST,
) -> Version:
    """Writes a version, unless it is there, and has a name point at it: `latest` or `production-reviewed`.

    Its files: one of rows a split, `apart.jsonl` with every row that was set apart and why, and `curation.json`.

    Raises:
        DataError: the disk is full or refuses to be written; nothing half-written stays.
    """
    name = digest(manifest)
    folder = version_folder(home, manifest.app)
    target = folder / name
    files = {f"{split}.jsonl": _lines(map(record_of, items)) for split, items in splits.items()}
    files[APART] = _lines([*map(_apart_record, apart), *(each._asdict() for each in broken)])
    files[MANIFEST] = manifest.model_dump_json(indent=1).encode()
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        (home / "locks").mkdir(exist_ok=True)
        with FileLock(home / "locks" / f"curated-{manifest.app}.lock"):
            if not target.exists():
                _write(folder / f".{name}", target, files)
            write_whole(folder / pointer, name.encode())
    return Version(name, target, manifest)


def _write(part: Path, target: Path, files: Mapping[str, bytes]) -> None:
    """Writes files into a hidden folder, which is moved into place once they are all there."""
    shutil.rmtree(part, ignore_errors=True)  # a killed process's
    part.mkdir()
    try:
        for name, content in files.items():
            write_whole(part / name, content)
        part.replace(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def find_version(home: Path, name: str, app: str | None = None) -> Version | None:
    """Returns a curated version by its digest, by that digest's beginning, or by a name; None where there is none.

    Args:
        home: folder of all state.
        name: what is looked for: at least four digits of a digest, `latest` or `production-reviewed`.
        app: the app whose version it is; any app's where not given, but then not by a name.

    Raises:
        ConfigurationError: several begin so.
        DataError: it is damaged.
    """
    if name in (LATEST, REVIEWED):
        file = version_folder(home, app) / name if app else None
        return find_version(home, file.read_text(encoding="utf-8").strip(), app) if file and file.is_file() else None
    if len(name) < 4 or not set(name) <= set("0123456789abcdef"):
        return None
    found = sorted((home / "curated").glob(f"{app or '*'}/{name}*/{MANIFEST}"))
    if len(found) > 1:
        listed = ", ".join(f"{each.parent.parent.name} {each.parent.name}" for each in found[:5])
        raise ConfigurationError(f"{len(found)} curated versions begin with {name!r}: {listed}; write more of it")
    return _read(found[0].parent) if found else None


def versions(home: Path, app: str) -> tuple[Version, ...]:
    """Returns every curated version of an app, in no order that means anything.

    Raises:
        DataError: one of them is damaged.
    """
    return tuple(_read(file.parent) for file in sorted(version_folder(home, app).glob(f"[!.]*/{MANIFEST}")))


def curated_dataset(version: Version, split: str, columns: Columns) -> Dataset:
    """Returns the rows of one split as a dataset, as whatever learns from them or measures by them takes it."""
    path = version.path(split)
    rows = tuple(row_of(path, record, columns) for record in read_file(path))
    return _dataset(version.manifest, split, path, rows)


def made_dataset(manifest: Manifest, split: str, path: Path, items: Sequence[Item], columns: Columns) -> Dataset:
    """Returns the rows of one split as they will be read from its file, before it is written."""
    return _dataset(manifest, split, path, rows_as_read(items, path, columns))


def rows_as_read(items: Sequence[Item], path: Path, columns: Columns) -> tuple[Row, ...]:
    """Returns items as the rows that a reader of their file will find."""
    return tuple(row_of(path, Record(line, record_of(item)), columns) for line, item in enumerate(items, 1))


def record_of(item: Item) -> dict[str, Any]:
    """Returns an item as it stands in a curated file: its columns, and where it comes from."""
    return {**item.row.columns, ORIGIN: item.source}


def _dataset(manifest: Manifest, split: str, path: Path, rows: tuple[Row, ...]) -> Dataset:
    names = Counter(name for row in rows for name in row.columns)
    shared = frozenset(name for name, count in names.items() if count == len(rows))
    return Dataset(manifest.app, cast("Split", split), str(path), rows, manifest.splits[split], tuple(names), shared)


def _apart_record(apart: Apart) -> dict[str, Any]:
    return {**record_of(apart.item), "set_apart": apart.reason, "because": apart.detail}


def _lines(records: Iterable[Mapping[str, Any]]) -> bytes:
    return "".join(json.dumps(record, ensure_ascii=False, default=str) + "\n" for record in records).encode()


def _read(folder: Path) -> Version:
    path = folder / MANIFEST
    with readable(path):
        content = path.read_bytes()
    try:
        return Version(folder.name, folder, Manifest.model_validate_json(content))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        at = ".".join(map(str, first["loc"]))
        raise DataError(
            f"{path}: does not describe a curated version: {f'{at}: ' if at else ''}{first['msg']}; "
            f"remove its folder and run `lifecycle run curate` again"
        ) from None
