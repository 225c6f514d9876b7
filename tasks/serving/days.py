"""What was served and said on each day: counted in the file of served requests, without reading a request."""

from dataclasses import dataclass
from datetime import date, datetime

from tasks.serving.record_file import RecordFile

_USES = """
SELECT substr(at, 1, 10), key, count(*), total(outcome = 'ok'), total(outcome = 'app_error'),
    total(input_tokens + output_tokens), total(price), total(outcome = 'ok' AND price IS NULL)
FROM served WHERE at >= ? AND at < ? GROUP BY 1, 2 ORDER BY 1, 2
"""
_VOTES = """
SELECT substr(served.at, 1, 10), total(good), count(*) FROM served JOIN feedback ON feedback.request = served.id
WHERE served.at >= ? AND served.at < ? GROUP BY 1 ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Use:
    """What one key asked on one day.

    Attributes:
        day: in UTC.
        key: id of the key; "" for requests without one.
        requests: all of them.
        answered: those that were answered.
        failed: those that the application could not answer; the clients of the rest went away.
        tokens: sent and generated.
        price: US dollars of those whose price is known.
        unpriced: answers whose price is not known.
    """

    day: date
    key: str
    requests: int
    answered: int
    failed: int
    tokens: int
    price: float
    unpriced: int


@dataclass(frozen=True, slots=True)
class DayVotes:
    """What people say of the answers of one day: how many votes, and how many of them are good."""

    day: date
    good: int
    votes: int


class Days:
    """The days in a file of served requests."""

    def __init__(self, file: RecordFile) -> None:
        self._file = file

    def uses(self, since: datetime, until: datetime) -> list[Use]:
        """Returns what each key asked on each day, for requests from `since` on and before `until`.

        Raises:
            RecordError: the file cannot be read.
        """
        found = self._file.query(_USES, [since.isoformat(), until.isoformat()])
        return [
            Use(date.fromisoformat(day), key, requests, int(answered), int(failed), int(tokens), price, int(unpriced))
            for day, key, requests, answered, failed, tokens, price, unpriced in found
        ]

    def votes(self, since: datetime, until: datetime) -> list[DayVotes]:
        """Returns what people say of the answers of each day, for requests from `since` on and before `until`.

        Raises:
            RecordError: the file cannot be read.
        """
        found = self._file.query(_VOTES, [since.isoformat(), until.isoformat()])
        return [DayVotes(date.fromisoformat(day), int(good), votes) for day, good, votes in found]
