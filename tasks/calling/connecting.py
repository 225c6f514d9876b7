"""Connections to endpoints: shared by all calls of an event loop, and closed when it ends."""

import asyncio
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from configs.schema.model import ModelConfig
from tasks.calling.endpoint import api_key, base_url, is_loopback

if TYPE_CHECKING:
    import aiohttp
    from openai import AsyncOpenAI

_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, "dict[tuple[str, str], AsyncOpenAI]"] = WeakKeyDictionary()
_sessions: WeakKeyDictionary[asyncio.AbstractEventLoop, "dict[str, AsyncGenerator[aiohttp.ClientSession]]"]
_sessions = WeakKeyDictionary()
_open: WeakKeyDictionary[asyncio.AbstractEventLoop, "dict[str, aiohttp.ClientSession]"] = WeakKeyDictionary()


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
    loop = asyncio.get_running_loop()
    shared = _open.setdefault(loop, {})
    if address not in shared:
        # The loop closes a generator that is not at its end when it ends itself: so the session is closed in time.
        keeper = _kept(address)
        _sessions.setdefault(loop, {})[address] = keeper
        shared[address] = await anext(keeper)
    return shared[address]


async def _kept(address: str) -> "AsyncGenerator[aiohttp.ClientSession]":
    import aiohttp

    connections = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        connector=connections, timeout=aiohttp.ClientTimeout(), trust_env=not is_loopback(address)
    ) as session:
        yield session
