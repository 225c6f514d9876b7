"""Connections to endpoints: shared by all calls of an event loop, and closed when it ends."""

import asyncio
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary

from configs.schema.model import ModelConfig
from tasks.calling.endpoint import api_key, base_url, is_loopback

if TYPE_CHECKING:
    import aiohttp
    from openai import AsyncOpenAI

_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, "dict[tuple[str, str], AsyncOpenAI]"] = WeakKeyDictionary()
_sessions: WeakKeyDictionary[asyncio.AbstractEventLoop, "dict[str, _Kept]"] = WeakKeyDictionary()


class _Kept(NamedTuple):
    """A session, and the generator that closes it: a loop that ends closes what generators it left unfinished."""

    session: "aiohttp.ClientSession"
    keeper: "AsyncGenerator[aiohttp.ClientSession]"


def open_client(model: ModelConfig) -> "AsyncOpenAI":
    """Returns the openai client of a model's endpoint.

    It never tries a call again by itself: `with_retries` does, and counts.

    Raises:
        ConfigurationError: the environment variable that should hold the key is not set.
    """
    address, key = base_url(model), api_key(model)
    shared = _clients.setdefault(asyncio.get_running_loop(), {})
    if (address, key) not in shared:
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient

        connections = DefaultAsyncHttpxClient(trust_env=not is_loopback(address))
        shared[address, key] = AsyncOpenAI(base_url=address, api_key=key, max_retries=0, http_client=connections)
    return shared[address, key]


async def open_session(address: str) -> "aiohttp.ClientSession":
    """Returns the session in which an address is called; it knows no key and no timeout."""
    shared = _sessions.setdefault(asyncio.get_running_loop(), {})
    if address not in shared:
        keeper = _keep(address)
        shared[address] = _Kept(await anext(keeper), keeper)
    return shared[address].session


async def _keep(address: str) -> "AsyncGenerator[aiohttp.ClientSession]":
    import aiohttp

    connections = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        connector=connections, timeout=aiohttp.ClientTimeout(), trust_env=not is_loopback(address)
    ) as session:
        yield session
