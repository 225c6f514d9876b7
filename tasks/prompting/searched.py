"""What a search over prompts tried, kept beside the app's results under the candidate that it found."""

import json
from pathlib import Path
from typing import Any

from configs.errors import DataError
from configs.schema.base import Frozen
from tasks.results.store import Store
from tasks.writing import write_whole


class PromptSearch(Frozen):
    """Everything that a search tried."""

    move: str
    """Name of the move."""
    split: str
    """Dataset whose rows it scored on; never a gate's."""
    rows: int
    """Rows of it that it could ask."""
    trials: tuple[dict[str, Any], ...]
    """Every arm in every step, in the order in which they were asked: what it is made of, what it reached."""
    began_with: str
    """Digest of the first arm."""
    chosen: str
    """Digest of the candidate that it found."""
    cut_off: bool
    """Whether the budget ended it before its last step."""
    url: str
    """Of its run in MLflow."""


def save_search(store: Store, search: PromptSearch) -> None:
    """Keeps a search under the candidate that it found; the newest counts.

    Raises:
        DataError: the disk is full or refuses to be written.
    """
    write_whole(_file(store, search.chosen), search.model_dump_json().encode())


def search_of(store: Store, candidate: str) -> PromptSearch | None:
    """Returns the search that found a candidate, None where none did.

    Raises:
        DataError: what is kept is damaged.
    """
    file = _file(store, candidate)
    try:
        return PromptSearch.model_validate(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise DataError(f"{file}: is damaged ({error}); delete it and run augment again") from None


def _file(store: Store, candidate: str) -> Path:
    return store.folder / "prompt-searches" / f"{candidate}.json"
