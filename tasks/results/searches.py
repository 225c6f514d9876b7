"""What a search tried, kept beside the app's results under the candidate that it found."""

import json
from pathlib import Path
from typing import ClassVar, TypeVar

from configs.errors import DataError
from configs.schema.base import Frozen
from tasks.results.store import Store
from tasks.writing import write_whole


class Search(Frozen):
    """A search that has ended, whatever it was over."""

    folder: ClassVar[str]
    """Where searches of this kind are kept, below the app's results."""

    move: str
    """Name of the move."""
    split: str
    """Dataset whose rows it used; never a gate's."""
    chosen: str
    """Digest of the candidate that it found."""


AnySearch = TypeVar("AnySearch", bound=Search)


def save_search(store: Store, search: Search) -> None:
    """Keeps a search under the candidate that it found; the newest counts.

    Raises:
        DataError: the disk is full or refuses to be written.
    """
    write_whole(_file(store, search.chosen, type(search)), search.model_dump_json().encode())


def search_of(store: Store, candidate: str, kind: type[AnySearch]) -> AnySearch | None:
    """Returns the search of a kind that found a candidate, None where none did.

    Raises:
        DataError: what is kept is damaged.
    """
    file = _file(store, candidate, kind)
    try:
        return kind.model_validate(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise DataError(f"{file}: is damaged ({error}); delete it and run augment again") from None


def _file(store: Store, candidate: str, kind: type[Search]) -> Path:
    return store.folder / kind.folder / f"{candidate}.json"
