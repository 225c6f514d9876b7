"""The files of an endpoint, as OpenAI's API has them, for what is done with them there; what fails is a CallFailure."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import IO

from configs.errors import LifecycleError
from configs.schema.model import OpenAIModel
from tasks.calling.connecting import open_client
from tasks.calling.endpoint import callee_of
from tasks.calling.failures import Callee, CallFailure, FailureKind, failure_of
from tasks.calling.retrying import with_retries

_NO_SUCH_API = (404, 405, 501)
_TRANSFER_S = 300.0
"""Seconds that a file of 100 MB gets at least, to be taken."""


class NotMadeFailure(CallFailure):
    """The endpoint has refused a file, a batch or a job: there is none of it, and nothing to look for."""


class Provider:
    """An endpoint with files. To be made in a running event loop.

    Args:
        model: whose endpoint it is.
        retries: further tries of what is sent.
        purpose: what its files are for, in OpenAI's words.
        lacks: what to say where it has no such routes: what it lacks, and what to do instead.

    Raises:
        ConfigurationError: the environment variable that should hold the key is not set.
    """

    def __init__(self, model: OpenAIModel, retries: int, purpose: str, lacks: str) -> None:
        self.callee: Callee = callee_of(model)
        self.client = open_client(model)
        self.timeout_s = model.timeout_s
        self.transfer_s = max(model.timeout_s, _TRANSFER_S)
        self.retries = retries
        self._purpose = purpose
        self._lacks = lacks

    async def upload(self, name: str, content: Callable[[], AbstractContextManager[IO[bytes]]]) -> str:
        """Sends a file, and returns its id.

        Args:
            name: its name there.
            content: opens it, anew for each try.

        Raises:
            NotMadeFailure: the endpoint does not take it, or has no such files.
            CallFailure: it did not get there.
        """

        async def once() -> str:
            with content() as opened, self.failing(making=True):
                file = await self.client.files.create(
                    file=(name, opened),
                    purpose=self._purpose,  # type: ignore[arg-type] # ours are among them
                    timeout=self.transfer_s,
                )
                return self.id_of(file)

        return (await with_retries(once, self.retries)).value

    async def delete(self, file_id: str) -> None:
        """Deletes a file; that it cannot be deleted is no error."""
        with suppress(CallFailure), self.failing():
            await self.client.files.delete(file_id, timeout=self.timeout_s)

    def id_of(self, reply: object) -> str:
        """Returns the id of what was answered; a web page has none.

        Raises:
            CallFailure: it has none.
        """
        found = getattr(reply, "id", None)
        if not isinstance(found, str):
            raise CallFailure(
                FailureKind.NOT_THE_API,
                f"{self.callee}: answered something that is nothing of what was asked for; check `base_url`",
            )
        return found

    @contextmanager
    def failing(self, *, making: bool = False) -> Iterator[None]:
        """Turns whatever goes wrong in the block into a CallFailure.

        Args:
            making: whether something is made in it; a refusal is then a NotMadeFailure.
        """
        try:
            yield
        except LifecycleError:
            raise
        except Exception as error:  # whatever an endpoint answers, it is the endpoint's failure
            failure = failure_of(error, self.callee)
            status = getattr(error, "status_code", None)
            if not making or not isinstance(status, int) or failure.retryable:
                raise failure from None
            said = str(failure)
            if status in _NO_SUCH_API:
                said = f"{self.callee}: answered {status}, {self._lacks}"
            raise NotMadeFailure(failure.kind, said) from None
