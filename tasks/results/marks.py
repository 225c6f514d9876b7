"""Marks: words that name a candidate of an app, such as the exploration's best; the last mark counts."""

from typing import Literal

from tasks.candidate import Candidate
from tasks.results.store import Store
from tasks.writing import write_whole

Mark = Literal["best", "latest"]


def mark(store: Store, word: Mark, candidate: Candidate) -> None:
    """Gives a candidate a mark, which whoever had it before loses."""
    store.save_candidate(candidate)
    write_whole(store.folder / word, candidate.digest.encode())


def marked(store: Store, word: Mark) -> Candidate | None:
    """Returns the candidate with a mark, None where none has it."""
    file = store.folder / word
    return store.load_candidate(file.read_text(encoding="utf-8").strip()) if file.is_file() else None
