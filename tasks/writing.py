"""Files written whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from configs.errors import DataError


def write_whole(path: Path, content: bytes | memoryview) -> None:
    """Writes a file under another name in its folder, which is made where missing, then moves it into place.

    Raises:
        DataError: the disk is full or refuses to be written; nothing half-written stays.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".", dir=path.parent)
        part = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.chmod(0o644)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns a failure to write into one line that names the path and says what to do."""
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{path}: cannot be written: {error.strerror or error}; "
            f"free disk space or set LIFECYCLE_HOME to another disk, then run again"
        ) from None
