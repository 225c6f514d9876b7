"""When a broken limit is news: once for a champion, until the set of its broken limits changes."""

from pathlib import Path

from tasks.identity import digest
from tasks.writing import write_whole


def is_news(folder: Path, champion: str, broken: tuple[str, ...]) -> bool:
    """Returns whether these broken limits are others than the last time, or another champion's, and remembers them.

    A window is longer than the pause between two looks at it, so the same fault is seen many times; it starts work
    once. Limits that hold again and break again later are news again.

    Args:
        folder: the app's folder in the results store.
        champion: digest of the candidate that serves.
        broken: the limits that are broken now.
    """
    file = folder / "alerted"
    now = digest([champion, sorted(broken)])
    before = file.read_text(encoding="utf-8") if file.is_file() else ""
    if now == before:
        return False
    write_whole(file, now.encode())
    return bool(broken)
