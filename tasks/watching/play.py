"""Plays the `production` rows through the running endpoint, as users' clients would ask them."""

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from configs.loading import LoadedApp
from configs.settings import settings
from tasks.candidate import Candidate
from tasks.data.row import Dataset, Row
from tasks.progress import Bar, bar
from tasks.serving.asking import CHAMPION, RECORD, WAIT, request_of
from tasks.serving.keys import local_key
from tasks.serving.record import RecordStore

if TYPE_CHECKING:
    from openai import AsyncOpenAI

_AT_ONCE = 4


class Played(NamedTuple):
    """What playing did.

    Attributes:
        made: requests sent.
        failed: those that were not answered.
        reused: rows that this candidate had answered before.
    """

    made: int
    failed: int
    reused: int


async def play(loaded: LoadedApp, production: Dataset, candidate: Candidate, store: RecordStore) -> Played:
    """Asks every row that a candidate has not answered yet, once. Done twice, the second time asks nothing.

    Args:
        loaded: the app.
        production: rows to play.
        candidate: the champion that the endpoint serves.
        store: the app's served requests, which tell the rows that were answered.
    """
    from openai import AsyncOpenAI, DefaultAsyncHttpxClient

    answered = await asyncio.to_thread(store.answered_rows, candidate.digest)
    waiting = [row for row in production.rows if row.id not in answered]
    if not waiting:
        return Played(0, 0, len(production.rows))
    failed: list[str] = []
    rows = iter(waiting)
    with bar(f"played · {candidate.label}", len(waiting)) as shown:
        async with AsyncOpenAI(
            base_url=settings().endpoint_url,
            api_key=local_key(),
            max_retries=0,
            # The endpoint is on this machine, where no proxy of the environment's can reach it.
            http_client=DefaultAsyncHttpxClient(trust_env=False),
        ) as client:
            await asyncio.gather(*(_player(client, rows, loaded, candidate, shown, failed) for _ in range(_AT_ONCE)))
    return Played(len(waiting), len(failed), len(production.rows) - len(waiting))


async def _player(
    client: "AsyncOpenAI",
    rows: Iterator[Row],
    loaded: LoadedApp,
    candidate: Candidate,
    shown: Bar,
    failed: list[str],
) -> None:
    from openai import OpenAIError

    for row in rows:
        try:
            asked = request_of(row, candidate, loaded.app.datasets.columns)
            # Those rows are no users': they must not decide what users will meet.
            asked["model"] += CHAMPION
            await client.chat.completions.create(**asked, extra_headers={RECORD: WAIT})
        except OpenAIError:
            failed.append(row.id)
        shown.advance(f"{len(failed)} failed" if failed else "")
