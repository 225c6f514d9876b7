"""The command by which a fault meets a process of its own."""

import sys
from pathlib import Path

import pytest


@pytest.fixture
def asking(tmp_path):
    """Returns the command that asks the app from `make_app` so many rows in a process of its own."""
    return lambda rows: _command(tmp_path, "asking_process.py", rows)


@pytest.fixture
def judging(tmp_path):
    """Returns the command in which a judge of the app from `make_app` rates so many answers."""
    return lambda rows: _command(tmp_path, "judging_process.py", rows)


def _command(folder, process, rows):
    # Under a name that has a price.
    for name in ("models.yaml", "app.yaml"):
        file = folder / name
        file.write_text(file.read_text().replace("chat:", "smollm2-135m:", 1).replace("- chat", "- smollm2-135m"))
    return [sys.executable, str(Path(__file__).with_name(process)), str(folder), str(rows)]
