"""What was served and said on each day: counted in the file of served requests, without reading a request."""

from dataclasses import dataclass
from datetime import date, datetime

from tasks.serving.record_file import ASKED, RecordFile

_USES = f"""
SELECT substr(at, 1, 10), key, total({ASKED}), total(outcome = 'ok' AND {ASKED}),
    total(outcome = 'app_error' AND {ASKED}),
    total(input_tokens + output_tokens), total(price), total(outcome = 'ok' AND price IS NULL)
FROM served WHERE at >= ? AND at < ? GROUP BY 1, 2 ORDER BY 1, 2
"""  # noqa: S608 constants
_VOTES = """
SELECT substr(served.at, 1, 10), total(good), count(*) FROM served JOIN feedback ON feedback.request = served.id
WHERE served.at >= ? AND served.at < ? GROUP BY 1 ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Use:
    """What one key asked on one day, and what that cost, with the copies that a candidate on trial answered.

    Attributes:
        day: in UTC.
        key: id of the key; "" for requests without one.
        requests: all that were asked; the copies are none.
        answered: those that were answered.
        failed: those that the application could not answer; the clients of the rest went away.
        tokens: sent and generated, copies included; so are the price and what has none.
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
            Use(
                date.fromisoformat(day),
                key,
                int(requests),
                int(answered),
                int(failed),
                int(tokens),
                price,
                int(unpriced),
            )
            for day, key, requests, answered, failed, tokens, price, unpriced in found
        ]

    def votes(self, since: datetime, until: datetime) -> list[DayVotes]:
        """Returns what people say of the answers of each day, for requests from `since` on and before `until`.

        Raises:
            RecordError: the file cannot be read.
        """
        found = self._file.query(_VOTES, [since.isoformat(), until.isoformat()])
        return [DayVotes(date.fromisoformat(day), int(good), votes) for day, good, votes in found]
