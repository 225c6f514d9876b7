"""What people say of served answers, kept beside them until it is on their traces."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from tasks.serving.record_file import RecordFile

_VOTE = """
INSERT INTO feedback (at, request, good, comment, key) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (request, key) DO UPDATE SET at = excluded.at, good = excluded.good, comment = excluded.comment, traced = 0
"""


@dataclass(frozen=True, slots=True)
class Vote:
    """What a person says of an answer.

    Attributes:
        request: id of the request.
        good: whether the answer is.
        comment: in words; "" for none.
        at: when it came, in UTC.
        key: id of the key that it came with; "" for none.
        number: by which the store knows it; 0 before it is added.
    """

    request: str
    good: bool
    comment: str
    at: datetime
    key: str = ""
    number: int = 0


class Votes:
    """The votes in a file of served requests."""

    def __init__(self, file: RecordFile) -> None:
        self._file = file

    def add(self, vote: Vote) -> bool:
        """Adds what a person says of an answer, so that its request gets a trace; False where there is no such request.

        It must be of the same key; of several votes the last counts.

        Raises:
            RecordError: it could not be written.
        """
        if not self._file.query("SELECT 1 FROM served WHERE id = ? AND key = ?", [vote.request, vote.key]):
            return False
        values = (vote.at.isoformat(), vote.request, vote.good, vote.comment, vote.key)
        self._file.write((_VOTE, [values]), ("UPDATE served SET traced = 0 WHERE id = ?", [(vote.request,)]))
        return True

    def untraced(self, limit: int) -> list[Vote]:
        """Returns votes that are not on their traces yet, the oldest first; of requests that have been traced."""
        query = (
            "SELECT request, good, comment, feedback.at, feedback.key, feedback.id "
            "FROM feedback JOIN served ON served.id = feedback.request "
            "WHERE feedback.traced = 0 AND served.traced = 1 ORDER BY feedback.id LIMIT ?"
        )
        return [
            Vote(request, bool(good), comment, datetime.fromisoformat(at), key, number)
            for request, good, comment, at, key, number in self._file.query(query, [limit])
        ]

    def mark_traced(self, votes: Iterable[Vote]) -> None:
        """Notes that votes are on their traces; one that was changed meanwhile is not."""
        statement = "UPDATE feedback SET traced = 1 WHERE id = ? AND at = ?"
        self._file.write((statement, [(vote.number, vote.at.isoformat()) for vote in votes]))

    def against(self, after: int, limit: int) -> list[Vote]:
        """Returns votes against an answer whose number is higher than `after`, the lowest first.

        A vote that a person changes keeps its number.
        """
        query = "SELECT request, comment, at, key, id FROM feedback WHERE good = 0 AND id > ? ORDER BY id LIMIT ?"
        return [
            Vote(request, good=False, comment=comment, at=datetime.fromisoformat(at), key=key, number=number)
            for request, comment, at, key, number in self._file.query(query, [after, limit])
        ]

    def requests_of(self, ids: Collection[str]) -> frozenset[str]:
        """Returns those of some requests of which a person has said something."""
        marks = ", ".join("?" * len(ids))
        found = self._file.query(f"SELECT DISTINCT request FROM feedback WHERE request IN ({marks})", list(ids))  # noqa: S608
        return frozenset(request for (request,) in found)
