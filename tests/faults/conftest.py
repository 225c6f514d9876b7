"""The command by which a fault meets a process of its own."""

import sys
from pathlib import Path

import pytest


@pytest.fixture
def asking(tmp_path):
    """Returns the command that asks the app from `make_app` so many rows in a process of its own."""

    def command(rows):
        # Under a name that has a price.
        for name in ("models.yaml", "app.yaml"):
            file = tmp_path / name
            renamed = file.read_text().replace("chat:", "smollm2-135m:", 1).replace("- chat", "- smollm2-135m")
            file.write_text(renamed)
        return [sys.executable, str(Path(__file__).with_name("asking_process.py")), str(tmp_path), str(rows)]

    return command
