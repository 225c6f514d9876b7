"""Served requests as columns and in parts, so that very many of them need not be held in memory."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Self

from tasks.serving.record_file import ASKED, RecordFile

_ITS_OWN = f"candidate = ? AND {ASKED} AND fallback = '' AND tool_calls = ''"
"""What users asked and a candidate answered itself; see `Served.is_candidates_answer`."""
_MARKS = 500
"""Values of one query."""


class Facts(NamedTuple):
    """A served request without its texts; the names are those of `Evaluation.rows`, where it has them."""

    id: str
    row_id: str
    outcome: str
    cause: str
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    price: float | None
    latency_total: float
    latency_first_token: float | None
    latency_per_token: float | None
    down: int | None
    """1 where a person has voted it down, 0 where up, None where nobody has voted."""


class Recorded(NamedTuple):
    """A request in the order in which requests were recorded, which no clock can turn round."""

    number: int
    at: str
    facts: Facts


class Voted(NamedTuple):
    """A vote in the order in which votes first came."""

    number: int
    request: str
    at: str
    down: bool


class Counted(NamedTuple):
    """How many requests there were, and how many of them failed or were voted down."""

    n: int
    bad: float


class ServedReader:
    """Reads the file of an app's served requests: what users asked, not the copies that a candidate on trial answers.

    Of a candidate's are those that show how it answers: not where a fallback did, nor where a tool is called first.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self._file = RecordFile(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def window(self, since: datetime, until: datetime, candidate: str) -> list[Facts]:
        """Returns what a candidate answered from `since` on and before `until`, oldest first."""
        found = self._file.query(_FACTS, [since.isoformat(), until.isoformat(), candidate])
        return [Facts(*row) for row in found]

    def played(self, candidate: str) -> frozenset[str]:
        """Returns the rows of the production dataset that were played to a candidate."""
        query = f"SELECT DISTINCT row_id FROM served WHERE {_ITS_OWN} AND row_id <> ''"  # noqa: S608 constants
        return frozenset(row_id for (row_id,) in self._file.query(query, [candidate]))

    def after(self, candidate: str, number: int, limit: int) -> list[Recorded]:
        """Returns the next requests that a candidate answered, in the order in which they were recorded.

        Args:
            candidate: its digest.
            number: of the last that is known already; 0 for none.
            limit: so many at most.
        """
        found = self._file.query(_AFTER, [candidate, number, limit])
        return [Recorded(row[0], row[1], Facts(*row[2:])) for row in found]

    def votes_after(self, candidate: str, number: int, limit: int) -> list[Voted]:
        """Returns the next votes on what a candidate answered, each in its newest form; see `after`."""
        found = self._file.query(_VOTES_AFTER, [candidate, number, limit])
        return [Voted(number, request, at, not good) for number, request, at, good in found]

    def later_than(self, moment: datetime, candidate: str) -> int:
        """Returns how many requests of a candidate bear a later time, as where a clock was wrong."""
        query = f"SELECT count(*) FROM served WHERE at >= ? AND {_ITS_OWN}"  # noqa: S608 constants
        return int(self._file.query(query, [moment.isoformat(), candidate])[0][0])

    def errors(self, since: datetime, until: datetime) -> Counted:
        """Returns how many requests of the app's there were, whoever answered, and how many failed."""
        n, bad = self._file.query(_ERRORS, [since.isoformat(), until.isoformat()])[0]
        return Counted(n, bad)

    def voted_down(self, since: datetime, until: datetime) -> Counted:
        """Returns how many requests of the app's were voted on, whoever answered, and how many down."""
        n, bad = self._file.query(_VOTED_DOWN, [since.isoformat(), until.isoformat()])[0]
        return Counted(n, bad)

    def questions(self, ids: Sequence[str]) -> dict[str, str]:
        """Returns the last message of each of some requests, by id."""
        return self._texts("coalesce(json_extract(messages, '$[#-1].content'), '')", ids)

    def answers(self, ids: Sequence[str]) -> dict[str, str]:
        """Returns the answer of each of some requests, by id."""
        return self._texts("answer", ids)

    def _texts(self, column: str, ids: Sequence[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for start in range(0, len(ids), _MARKS):
            part = ids[start : start + _MARKS]
            marks = ", ".join("?" * len(part))
            # The column is a constant of this module; every value is a parameter.
            found |= self._file.query(f"SELECT id, {column} FROM served WHERE id IN ({marks})", part)  # noqa: S608
        return found


_COLUMNS = (
    "id, row_id, outcome, cause, input_tokens, output_tokens, cached_tokens, price, latency_total, "
    "latency_first_token, latency_per_token, "
    "(SELECT max(1 - good) FROM feedback WHERE feedback.request = served.id)"
)
_FACTS = f"SELECT {_COLUMNS} FROM served WHERE at >= ? AND at < ? AND {_ITS_OWN} ORDER BY at, id"  # noqa: S608
_AFTER = f"SELECT rowid, at, {_COLUMNS} FROM served WHERE {_ITS_OWN} AND rowid > ? ORDER BY rowid LIMIT ?"  # noqa: S608
_VOTES_AFTER = f"""
SELECT feedback.id, feedback.request, feedback.at, good
FROM feedback JOIN served ON served.id = feedback.request
WHERE {_ITS_OWN} AND feedback.id > ? ORDER BY feedback.id LIMIT ?
"""  # noqa: S608
_ERRORS = f"""
SELECT count(*), total(outcome <> 'ok') FROM served WHERE at >= ? AND at < ? AND outcome <> 'skipped' AND {ASKED}
"""  # noqa: S608
_VOTED_DOWN = f"""
SELECT count(*), total(down) FROM (
    SELECT max(1 - good) AS down FROM feedback JOIN served ON served.id = feedback.request
    WHERE served.at >= ? AND served.at < ? AND {ASKED} GROUP BY request
)
"""  # noqa: S608
