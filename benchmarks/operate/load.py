"""Asks an endpoint on loopback for so long, in a process of its own: `python -m benchmarks.operate.load`.

Closed loop: each of so many connections asks again as soon as it is answered. Open loop: requests begin at random at a
given rate, whether or not those before are answered, and a latency counts from when a request should have begun.
"""

import argparse
import asyncio
import json
import random
import time
from typing import NamedTuple
from urllib.parse import urlsplit

import aiohttp
import orjson

from tasks.serving.asking import RECORD, WAIT

_WARM_S = 2.0


class Answered(NamedTuple):
    """Requests that were answered: when each ended and how long it took, in seconds."""

    at: float
    took: float


class Load:
    """What asks one address.

    Args:
        address: with its `/v1`.
        key: sent with each request; "" for none.
        seconds: measured, after two seconds that are not.
        wait: whether an answer is to end only once its request is recorded.
    """

    def __init__(self, address: str, key: str, seconds: float, *, wait: bool = False) -> None:
        if urlsplit(address).hostname != "127.0.0.1":
            raise SystemExit("only an address of this machine is asked")
        self._address = f"{address}/chat/completions"
        self._headers = {"content-type": "application/json"}
        self._headers |= {"authorization": f"Bearer {key}"} if key else {}
        self._headers |= {RECORD: WAIT} if wait else {}
        self._seconds = seconds
        self._number = 0
        self.answered: list[Answered] = []
        self.failed: dict[str, int] = {}

    async def closed(self, connections: int) -> None:
        """Asks on so many connections at once."""
        end = time.perf_counter() + _WARM_S + self._seconds
        async with self._session() as session:

            async def ask_on() -> None:
                while (now := time.perf_counter()) < end:
                    await self._ask(session, now)

            await asyncio.gather(*(ask_on() for _ in range(connections)))

    async def open(self, rate: float, seed: int = 7) -> None:
        """Asks at so many requests a second."""
        chance, started = random.Random(seed), time.perf_counter()  # noqa: S311 arrivals, no secrets
        due, asked = started, []
        async with self._session() as session, asyncio.TaskGroup() as group:
            while due < started + _WARM_S + self._seconds:
                due += chance.expovariate(rate)
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                asked.append(group.create_task(self._ask(session, due)))

    def told(self, windows: int) -> dict[str, object]:
        """Returns requests a second, quantiles of latency in seconds, and failures by what they were.

        Args:
            windows: equal parts of the time, of which the quantiles are told too.
        """
        first = min(each.at - each.took for each in self.answered) + _WARM_S if self.answered else 0.0
        counted = [each for each in self.answered if first < each.at <= first + self._seconds]
        each_s = self._seconds / windows
        spans = [(first + at * each_s, first + (at + 1) * each_s) for at in range(windows)]
        return {
            "rate": len(counted) / self._seconds,
            **_quantiles(counted),
            "answered": len(self.answered),
            "failed": self.failed,
            "windows": [_quantiles([each for each in counted if start < each.at <= end]) for start, end in spans],
        }

    async def _ask(self, session: aiohttp.ClientSession, begun: float) -> None:
        self._number += 1
        question = f"How heavy is item {self._number}, and does it fit into a small bag?"
        body = orjson.dumps({"model": "bench", "messages": [{"role": "user", "content": question}]})
        try:
            async with session.post(self._address, data=body, headers=self._headers) as response:
                text = await response.read()
                if response.status == 200 and b"item" in text:
                    now = time.perf_counter()
                    self.answered.append(Answered(now, now - begun))
                    return
                what = f"status {response.status}"
        except (aiohttp.ClientError, TimeoutError) as error:
            what = type(error).__name__
        self.failed[what] = self.failed.get(what, 0) + 1

    def _session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(60))


def _quantiles(answered: list[Answered]) -> dict[str, float | None]:
    took = sorted(each.took for each in answered)
    shares = {"p50": 0.5, "p99": 0.99}
    return {name: took[min(len(took) - 1, int(share * len(took)))] if took else None for name, share in shares.items()}


def main() -> None:
    """Asks, and prints what came of it as a JSON document."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.operate.load", description=__doc__)
    parser.add_argument("address")
    parser.add_argument("--key", default="")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--connections", type=int, default=128)
    parser.add_argument("--rate", type=float, help="open loop: requests a second")
    parser.add_argument("--wait", action="store_true", help="for the record of each request")
    parser.add_argument("--windows", type=int, default=1, help="equal parts of the time, whose latencies are told too")
    arguments = parser.parse_args()
    load = Load(arguments.address, arguments.key, arguments.seconds, wait=arguments.wait)
    asyncio.run(load.open(arguments.rate) if arguments.rate else load.closed(arguments.connections))
    print(json.dumps(load.told(arguments.windows)))


if __name__ == "__main__":
    main()
