"""A workspace on an app whose model is simulated, and rows that it answers rightly by saying them again."""

from dataclasses import replace

import pytest

from tasks.calling.asking import Spend
from tasks.data.row import Dataset
from tasks.journal.journal import Journal
from tasks.results.store import Store
from tasks.workspace import Workspace


@pytest.fixture
def workspace(tmp_path):
    """Opens a workspace on an app."""
    opened = []

    def open_(loaded):
        journal = Journal(tmp_path / "journal.db")
        opened.append(journal)
        return Workspace(loaded, "first", Spend(loaded.app.budget), journal, Store(tmp_path / "results"), tmp_path)

    yield open_
    for journal in opened:
        journal.close()


@pytest.fixture
def dataset(make_rows):
    def make(n, digest="data"):
        rows = make_rows(*(f"question number {number}" for number in range(n)))
        rows = [replace(row, reference=row.question) for row in rows]
        return Dataset("shop", "sample", "rows.jsonl", tuple(rows), digest)

    return make
