"""Users of an app on loopback, in a thread: each asks again once it is answered, every other time for a stream.

Half of the requests wait until they are recorded.
They know what each candidate's answer to a question must be, to the letter, and keep the id of every answer that they
got whole.
"""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple

import aiohttp
import orjson

from tasks.serving.asking import RECORD, WAIT

_PAUSE_S = 0.05
_AFTER_FAILURE_S = 0.2


class Whole(NamedTuple):
    """An answer that came whole.

    Attributes:
        request: its id.
        by: name of the candidate that gave it.
        began: when it was asked for, by the monotonic clock.
        ended: when it was whole.
        acknowledged: whether it said that its request is recorded.
    """

    request: str
    by: str
    began: float
    ended: float
    acknowledged: bool


class Users:
    """So many users at once.

    Args:
        address: of the endpoint, with its `/v1`.
        app: the model's name.
        names: names of candidates by their digests; a name stands at both ends of its candidate's answers.
        count: so many.

    Attributes:
        whole: answers that came whole.
        failed: requests that were refused or failed before anything came, by how.
        torn: answers that began and did not end.
        mixed: answers that came whole and are not what their candidate answers, with who was said to have answered.
    """

    def __init__(self, address: str, app: str, names: Mapping[str, str], count: int) -> None:
        self._address = f"{address}/chat/completions"
        self._app = app
        self._names = dict(names)
        self._count = count
        self._number = 0
        self._stopped = threading.Event()
        self.whole: list[Whole] = []
        self.failed: Counter[str] = Counter()
        self.torn = 0
        self.mixed: list[str] = []

    def run(self) -> None:
        """Asks until `stop`."""
        asyncio.run(self._run())

    def stop(self) -> None:
        """Has each user end with the answer that it waits for."""
        self._stopped.set()

    def wait_for(self, more: int, within_s: float = 60.0) -> None:
        """Returns once so many more answers have come, or after a while without."""
        enough, deadline = len(self.whole) + more, time.monotonic() + within_s
        while len(self.whole) < enough and time.monotonic() < deadline:
            time.sleep(0.05)

    async def _run(self) -> None:
        connections = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connections, timeout=aiohttp.ClientTimeout(90)) as session:
            await asyncio.gather(*(self._ask_on(session) for _ in range(self._count)))

    async def _ask_on(self, session: aiohttp.ClientSession) -> None:
        while not self._stopped.is_set():
            self._number += 1
            came = await self._ask(session, self._number)
            await asyncio.sleep(_PAUSE_S if came else _AFTER_FAILURE_S)

    async def _ask(self, session: aiohttp.ClientSession, number: int) -> bool:
        question, streamed = f"How heavy is item {number}, and does it fit?", bool(number % 2)
        asked = {
            "model": self._app,
            "messages": [{"role": "user", "content": question}],
            "user": f"user {number}",
            "stream": streamed,
        }
        waiting = {RECORD: WAIT} if number % 4 < 2 else {}
        began, response = time.monotonic(), None
        try:
            async with session.post(self._address, json=asked, headers=waiting) as response:
                if response.status != 200:
                    self.failed[f"status {response.status}"] += 1
                    return False
                read = _streamed if streamed else _at_once
                text = read(await response.read())
                headers = response.headers
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            if response is not None:
                self.torn += 1
            else:
                self.failed[type(error).__name__] += 1
            return False
        if text is None:
            self.torn += 1
            return False
        by = self._names.get(headers["x-lifecycle-candidate"], "nobody")
        if text != f"{by} {question} {by}":
            self.mixed.append(f"said to be by {by}: {text}")
            return False
        acknowledged = headers.get("x-lifecycle-recorded") == "yes"
        self.whole.append(Whole(headers["x-lifecycle-request"], by, began, time.monotonic(), acknowledged))
        return True


@contextmanager
def asking(users: Users) -> Iterator[Users]:
    """Has users ask while the block runs; what ends them before raises at its end."""
    with ThreadPoolExecutor(1, thread_name_prefix="users") as pool:
        running = pool.submit(users.run)
        try:
            yield users
        finally:
            users.stop()
        running.result()


def _at_once(body: bytes) -> str | None:
    try:
        return str(orjson.loads(body)["choices"][0]["message"]["content"])
    except (orjson.JSONDecodeError, KeyError, IndexError):
        return None


def _streamed(body: bytes) -> str | None:
    """Returns the text of a stream that was ended as it must be, None of any other."""
    events = [line[6:] for line in body.split(b"\n") if line.startswith(b"data: ")]
    if not events or events[-1] != b"[DONE]":
        return None
    try:
        pieces = [orjson.loads(event) for event in events[:-1]]
    except orjson.JSONDecodeError:
        return None
    return "".join(piece["choices"][0]["delta"].get("content") or "" for piece in pieces if piece.get("choices"))
