"""The target `python`: a function in a file of the user's."""

import asyncio
import contextvars
import inspect
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from configs.errors import ConfigurationError
from configs.loading import LoadedApp
from configs.schema.target import PythonTarget as PythonConfig
from tasks.calling.answer import Latency, Usage
from tasks.calling.failures import CallFailure, FailureKind
from tasks.calling.limits.control import Control
from tasks.calling.limits.limiter import Limiter
from tasks.calling.spend import Most
from tasks.calling.targets import Given, Question, key_of, payload_of
from tasks.calling.user_reply import as_answer, read_context
from tasks.data.row import Row
from tasks.identity import digest
from tasks.importing import import_name
from tasks.journal.journal import Kind


class PythonTarget:
    """A function of the user's, called with those of the row's columns that it takes.

    Raises:
        ConfigurationError: the file or the function is missing, or the file cannot be imported.
    """

    kind: Kind = "target"
    retries = 0

    def __init__(self, config: PythonConfig, loaded: LoadedApp, epoch: str) -> None:
        file, _, name = config.callable.partition(":")
        path = loaded.path(file)
        self.name = config.callable
        self._concurrency = config.concurrency
        self._function = load_function(path, name)
        self._timeout_s = config.timeout_s
        self._identity = ["python", digest(path.read_text(encoding="utf-8")), name, epoch]

    @cached_property
    def limiter(self) -> Limiter:
        """Lets as many calls run at once as the configuration says."""
        return Limiter(Control(self._concurrency, found=False))

    async def question(self, row: Row) -> Question:
        """Returns the arguments that the function takes of a row."""
        taken = _taken(self._function, payload_of(row))
        key = key_of([*self._identity, repr(sorted(taken.items()))], row.repeat)
        return Question(key, payload=taken, repeat=row.repeat)

    async def call(self, question: Question) -> Given:
        """Calls the function; one that is not `async` runs in a thread of its own."""
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self._timeout_s) as limit:
                found = await _result(self._function, question.payload)
        except TimeoutError as error:
            if not limit.expired():
                raise self._failure(error) from None
            raise CallFailure(
                FailureKind.TIMEOUT,
                f"{self.name}: no answer within {self._timeout_s:g} s; make it faster or raise `target.timeout_s`",
            ) from None
        except Exception as error:  # the user's code raises what it likes
            raise self._failure(error) from None
        latency = Latency(total=time.perf_counter() - started)
        try:
            if isinstance(found, dict):
                return Given(
                    as_answer(found.get("answer"), "`answer`"),
                    latency=latency,
                    context=read_context(found.get("context")),
                )
            return Given(as_answer(found, "what it returned"), latency=latency)
        except ValueError as error:
            raise CallFailure(FailureKind.CODE, f"{self.name}: {error}; mend the function") from None

    def price(self, usage: Usage, *, deferred: bool = False) -> None:
        """Is not known."""

    def most(self, question: Question) -> Most:  # noqa: ARG002
        """Is not known, so nothing is held back."""
        return Most()

    async def aclose(self) -> None:
        """Holds nothing open."""

    def _failure(self, error: Exception) -> CallFailure:
        frames = traceback.extract_tb(error.__traceback__)
        where = f" ({Path(frames[-1].filename).name} line {frames[-1].lineno})" if frames else ""
        return CallFailure(FailureKind.CODE, f"{self.name} raised {type(error).__name__}: {error}{where}")


def load_function(path: Path, name: str) -> Callable[..., Any]:
    """Returns a function from a file; modules beside the file can be imported by it.

    Raises:
        ConfigurationError: the file cannot be imported, or has no such function.
    """
    function = import_name(path, name, "target.callable")
    if not callable(function):
        raise ConfigurationError(f"{path}: {name!r} is no function; mend `target.callable` in app.yaml")
    return function  # type: ignore[no-any-return]


def _taken(function: Callable[..., Any], payload: dict[str, Any]) -> dict[str, Any]:
    parameters = inspect.signature(function).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return payload
    named = {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    return {name: value for name, value in payload.items() if name in named}


async def _result(function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    if inspect.iscoroutinefunction(function):
        return await function(**arguments)
    return await _in_thread(function, arguments)


async def _in_thread(function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    """Runs a function in a daemon thread: one that never returns holds up neither its timeout nor the process's end."""
    loop = asyncio.get_running_loop()
    finished: asyncio.Future[Any] = loop.create_future()
    context = contextvars.copy_context()

    def settle(value: Any, error: Exception | None) -> None:
        if finished.done():
            return
        if error is None:
            finished.set_result(value)
        else:
            finished.set_exception(error)

    def run() -> None:
        value: Any = None
        error: Exception | None = None
        try:
            value = context.run(function, **arguments)
        except BaseException as raised:
            error = RuntimeError(f"{type(raised).__name__}: {raised}")
            if isinstance(raised, Exception) and not isinstance(raised, StopIteration):
                error = raised
        with suppress(RuntimeError):  # the loop has ended: nobody waits any more
            loop.call_soon_threadsafe(settle, value, error)

    threading.Thread(target=run, name="python-target", daemon=True).start()
    return await finished
