"""The target `http`: a service of the user's, one POST a row."""

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import httpx

from configs.errors import ConfigurationError
from configs.loading import LoadedApp
from configs.schema.target import HttpTarget as HttpConfig
from tasks.calling.answer import Latency, Usage
from tasks.calling.endpoint import is_loopback
from tasks.calling.failures import (
    Callee,
    CallFailure,
    FailureKind,
    failure_of,
    failure_of_status,
    not_the_api,
    said_by,
)
from tasks.calling.limits.control import Control
from tasks.calling.limits.limiter import limiter_of
from tasks.calling.spend import Most
from tasks.calling.targets import Given, Question, as_json, key_of, payload_of
from tasks.calling.user_reply import as_answer, read_context
from tasks.data.row import Row
from tasks.journal.journal import Kind


class HttpTarget:
    """A service that answers the JSON of a row's columns with JSON.

    Raises:
        ConfigurationError: the environment variable that should hold its token is not set.
    """

    kind: Kind = "target"

    def __init__(self, config: HttpConfig, loaded: LoadedApp, epoch: str, folder: Path) -> None:
        self.name = config.url
        self.limiter = limiter_of(config.url, Control(config.concurrency, found=False), None, folder)
        self.retries = config.retries
        self._config = config
        self._callee = Callee(
            f"service of {loaded.app.name}",
            config.url,
            config.timeout_s,
            config.api_key_env,
            setting="target.url",
            start="start it or mend `target.url`",
        )
        self._identity = ["http", config.url, config.answer, epoch]
        self._client = httpx.AsyncClient(
            headers={"content-type": "application/json", **_authorization(config)},
            timeout=config.timeout_s,
            trust_env=not is_loopback(config.url),
        )

    async def question(self, row: Row) -> Question:
        """Returns what is posted for a row."""
        payload = payload_of(row)
        return Question(key_of([*self._identity, as_json(payload)], row.repeat), payload=payload, repeat=row.repeat)

    async def call(self, question: Question) -> Given:
        """Posts once."""
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self._config.timeout_s):
                reply = await self._client.post(self._config.url, content=as_json(question.payload))
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise failure_of(error, self._callee) from None
        latency = Latency(total=time.perf_counter() - started)
        if not reply.is_success:
            raise failure_of_status(reply.status_code, reply.headers, said_by(reply.text), self._callee)
        try:
            content = reply.json()
        except ValueError:
            raise not_the_api(reply.headers.get("content-type", ""), reply.text[:2000], self._callee) from None
        try:
            context = read_context(content.get("context") if isinstance(content, dict) else None)
            return Given(as_answer(_at(content, self._config.answer), "the answer"), latency=latency, context=context)
        except ValueError as error:
            raise CallFailure(
                FailureKind.NOT_THE_API, f"{self._callee}: {error}; mend the service or `target.answer`"
            ) from None

    def price(self, usage: Usage, *, deferred: bool = False) -> None:
        """Is not known."""

    def most(self, question: Question) -> Most:  # noqa: ARG002
        """Is not known, so nothing is held back."""
        return Most()

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._client.aclose()


def _authorization(config: HttpConfig) -> dict[str, str]:
    if config.api_key_env is None:
        return {}
    key = os.environ.get(config.api_key_env, "").strip()
    if not key:
        raise ConfigurationError(
            f"target {config.url}: the environment variable {config.api_key_env} is not set; "
            f"put the token there or into .env, or mend `target.api_key_env`"
        )
    return {"authorization": f"Bearer {key}"}


def _at(content: Any, path: str) -> Any:
    """Returns what stands at a dotted path of keys and list positions.

    Raises:
        ValueError: the path leads nowhere; says where it ends.
    """
    place = content
    for part in path.split("."):
        if isinstance(place, dict) and part in place:
            place = place[part]
        elif isinstance(place, list) and part.isdigit() and int(part) < len(place):
            place = place[int(part)]
        else:
            held = ", ".join(map(str, place)) if isinstance(place, dict) else type(place).__name__
            raise ValueError(f"the reply has no {part!r} of `{path}`, there is {held or 'nothing'}")
    return place
