"""Who uses the stack: the parts that `lifecycle up` keeps, and the processes that use it for a while.

One small file a user under `home/stack/users`, named by process and holding its start time, so that the number of a
process that has ended is never mistaken for a new one's. The caller holds the stack's lock.
"""

import json
from collections.abc import Collection
from pathlib import Path
from uuid import uuid4

import psutil

from configs.settings import settings


def enter() -> Path:
    """Registers this process as a user. Returns the file to give to `leave`."""
    process = psutil.Process()
    path = _folder() / f"{process.pid}-{uuid4().hex[:8]}.json"
    path.write_text(json.dumps({"pid": process.pid, "started": process.create_time()}), encoding="utf-8")
    return path


def leave(path: Path) -> None:
    """Takes a user off the list; one that is already off it is no error."""
    path.unlink(missing_ok=True)


def live_users() -> int:
    """Returns the number of live users. Those whose process has ended are taken off the list."""
    live = 0
    for path in _folder().glob("*.json"):
        if _is_live(path):
            live += 1
        else:
            path.unlink(missing_ok=True)
    return live


def kept() -> frozenset[str]:
    """Returns the names of the parts that stay up when the last user leaves."""
    try:
        return frozenset(json.loads(_kept_path().read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError):
        return frozenset()


def keep(names: Collection[str]) -> None:
    """Adds parts to those that stay up."""
    temporary = _kept_path().with_suffix(".new")
    temporary.write_text(json.dumps(sorted(kept() | set(names))), encoding="utf-8")
    temporary.replace(_kept_path())


def forget_all() -> None:
    """Nothing is kept and nobody uses the stack: it is down."""
    _kept_path().unlink(missing_ok=True)
    for path in _folder().glob("*.json"):
        path.unlink(missing_ok=True)


def _is_live(path: Path) -> bool:
    try:
        user = json.loads(path.read_text(encoding="utf-8"))
        return bool(psutil.Process(user["pid"]).create_time() == user["started"])
    except (psutil.Error, OSError, ValueError, KeyError):
        return False


def _folder() -> Path:
    return settings().folder("stack", "users")


def _kept_path() -> Path:
    return settings().folder("stack") / "kept.json"
