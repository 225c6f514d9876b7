"""What the processes of a machine share about an endpoint: its limits as they were found, and who wants how much.

Best effort by design: where the file cannot be used, each process keeps to what it finds out by itself.
"""

import logging
import os
import sqlite3
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from tasks.calling.limits.control import Control

_log = logging.getLogger(__name__)

_GONE_AFTER_S = 2.0
"""Seconds after which a process that has not been seen counts as gone."""
_TABLES = """
CREATE TABLE IF NOT EXISTS limits (
    endpoint TEXT PRIMARY KEY, concurrency REAL NOT NULL, rate REAL, at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS callers (
    endpoint TEXT NOT NULL, process TEXT NOT NULL, wanted REAL NOT NULL, seen REAL NOT NULL,
    PRIMARY KEY (endpoint, process)
) WITHOUT ROWID;
"""


def fair_share(limit: float, wanted: Sequence[float], mine: int, turn: int) -> float:
    """Returns how many of `limit` places one of several callers may take.

    Nobody gets more than it wants while another lacks (max-min fairness). Places are whole: those that cannot be
    divided go around, one turn each.

    Args:
        limit: places in all.
        wanted: places that each caller wants.
        mine: position of the caller.
        turn: number of the turn, which goes up with time.
    """
    left, shares = float(int(limit)), [0.0] * len(wanted)
    hungry = set(range(len(wanted)))
    while hungry and left >= len(hungry):
        each = int(left / len(hungry))
        for caller in tuple(hungry):
            taken = min(each, max(0.0, wanted[caller] - shares[caller]))
            shares[caller] += taken
            left -= taken
            if shares[caller] >= wanted[caller]:
                hungry.discard(caller)
    for step in range(int(left) if hungry else 0):
        ordered = sorted(hungry)
        shares[ordered[(turn + step) % len(ordered)]] += 1
    return shares[mine]


class Table:
    """The shared file, seen by one process.

    Args:
        path: its file; its folder is there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._process = f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._known: tuple[float, float | None] | None = None
        self._database: sqlite3.Connection | None = None

    def meet(self, endpoint: str, control: Control, wanted: int) -> float:
        """Says what this process wants and has found out, takes over what others have, and returns its share.

        Args:
            endpoint: name of the endpoint.
            control: its limits; changed where another process knows them better.
            wanted: calls that this process would have in flight.

        Returns:
            Share of the limits that this process may use, from 0 to 1.
        """
        try:
            return self._meet(endpoint, control, wanted)
        except sqlite3.Error as error:
            _log.debug("limits are not shared: %s: %s", self._path, error)
            return 1.0

    def leave(self, endpoint: str) -> None:
        """Wants nothing any more."""
        try:
            if self._database is not None:
                self._database.execute(
                    "DELETE FROM callers WHERE endpoint = ? AND process = ?", (endpoint, self._process)
                )
        except sqlite3.Error as error:
            _log.debug("limits are not shared: %s: %s", self._path, error)

    def _opened(self) -> sqlite3.Connection:
        if self._database is None:
            self._database = sqlite3.connect(self._path, timeout=1.0, isolation_level=None)
            self._database.execute("PRAGMA journal_mode = WAL")
            # What is lost here is found out again.
            self._database.execute("PRAGMA synchronous = OFF")
            self._database.executescript(_TABLES)
        return self._database

    def _meet(self, endpoint: str, control: Control, wanted: int) -> float:
        database, now = self._opened(), time.time()
        database.execute("BEGIN IMMEDIATE")
        try:
            self._exchange(database, endpoint, control, now)
            database.execute("DELETE FROM callers WHERE seen < ?", (now - _GONE_AFTER_S,))
            database.execute(
                "INSERT OR REPLACE INTO callers VALUES (?, ?, ?, ?)", (endpoint, self._process, wanted, now)
            )
            callers = database.execute(
                "SELECT process, wanted FROM callers WHERE endpoint = ? ORDER BY process", (endpoint,)
            ).fetchall()
            database.execute("COMMIT")
        except BaseException:
            database.execute("ROLLBACK")
            raise
        if len(callers) == 1:
            return 1.0
        # Who asks for nothing yet may ask in a moment.
        places = [max(1.0, each) for _, each in callers]
        mine = [process for process, _ in callers].index(self._process)
        return fair_share(control.limit, places, mine, int(now)) / max(1.0, float(int(control.limit)))

    def _exchange(self, database: sqlite3.Connection, endpoint: str, control: Control, now: float) -> None:
        """Writes what this process has found out since it last looked; where it has found nothing, takes what is there.

        Limits that nobody has held for long are forgotten: the endpoint may have others by now.
        """
        mine = (control.limit, control.rate)
        found = database.execute(
            "SELECT concurrency, rate FROM limits WHERE endpoint = ? AND at > ?", (endpoint, now - _GONE_AFTER_S)
        ).fetchone()
        if found is not None and self._known in (None, mine):
            control.take_over(found[0], found[1])
        self._known = (control.limit, control.rate)
        database.execute("INSERT OR REPLACE INTO limits VALUES (?, ?, ?, ?)", (endpoint, *self._known, now))
