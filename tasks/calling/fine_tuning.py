"""The fine-tuning jobs of an endpoint, as OpenAI's API has them. Whatever goes wrong is a CallFailure.

Source: https://platform.openai.com/docs/api-reference/fine-tuning.
"""

import asyncio
import io
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from configs.schema.model import OpenAIModel
from tasks.calling.endpoint import retries_of
from tasks.calling.failures import CallFailure, FailureKind, failure_of_status
from tasks.calling.polling import Polling, patiently
from tasks.calling.provider import Provider
from tasks.calling.retrying import with_retries

if TYPE_CHECKING:
    from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent
    from openai.types.fine_tuning.jobs import FineTuningJobCheckpoint

MARK = "lifecycle"
"""Key of a job's metadata that holds what it was made of."""

_LACKS = "it seems to have no fine-tuning; tune on this machine instead, or check `base_url` (most end in /v1)"
_USELESS = ("failed", "cancelled")
_ENDED = ("succeeded", *_USELESS)
_LOOKS = 3
"""A job that was being made a moment ago may take its time to be listed."""


class JobRequest(NamedTuple):
    """What a job is made with.

    Attributes:
        mark: names what it is made of; no two jobs of one mark are paid.
        training_file: id of the file at the endpoint.
        validation_file: likewise; "" for none.
        parameters: hyper-parameters in the API's words; those that are not there are left to the provider.
    """

    mark: str
    training_file: str
    validation_file: str
    parameters: dict[str, Any]
    suffix: str
    seed: int


class FineTuning:
    """The fine-tuning jobs of one model. To be made in a running event loop.

    Args:
        model: what is tuned.
        polling: how long to wait between two looks.

    Raises:
        ConfigurationError: the environment variable that should hold the key is not set.
    """

    def __init__(self, model: OpenAIModel, polling: Polling = Polling()) -> None:  # noqa: B008 a tuple
        self._provider = Provider(model, retries_of(model), "fine-tune", _LACKS)
        self.callee = self._provider.callee
        self._jobs = self._provider.client.fine_tuning.jobs
        self._files = self._provider.client.files
        self._model, self._timeout_s = model.model, model.timeout_s
        self._retries, self._polling = self._provider.retries, polling

    async def upload(self, name: str, content: bytes, *, doubtful: bool) -> str:
        """Sends a file, and returns its id.

        Args:
            name: its name there, which no other content has.
            content: what it holds.
            doubtful: whether it may be there already; then it is looked for first.

        Raises:
            NotMadeFailure: the endpoint does not take it, or has no such files.
            CallFailure: it did not get there.
        """
        if doubtful and (found := (await with_retries(partial(self._file_named, name), self._retries)).value):
            return found
        return await self._provider.upload(name, lambda: io.BytesIO(content))

    async def delete(self, file_id: str) -> None:
        """Deletes a file; that it cannot be deleted is no error."""
        await self._provider.delete(file_id)

    async def create(self, request: JobRequest) -> str:
        """Makes a job that was looked for and not found, and returns its id.

        Raises:
            NotMadeFailure: the endpoint does not make it.
            CallFailure: nobody knows whether it was made.
        """
        waits, doubtful = self._polling.waits(), False
        for attempt in range(self._retries + 1):
            if doubtful and (found := await self.look_for(request.mark, request.training_file)):
                return found
            try:
                with self._provider.failing(making=True):
                    return self._provider.id_of(await self._created(request))
            except CallFailure as failure:
                if not failure.retryable or attempt == self._retries:
                    raise
                # It may have been made all the same: its reply was lost, not the request.
                doubtful = True
                await asyncio.sleep(max(failure.retry_after or 0.0, next(waits)))
        raise AssertionError("unreachable: the last try returns or raises")

    async def look_for(self, mark: str, training_file: str) -> str | None:
        """Returns the id of a job of this mark, or on this file, that is on its way or has succeeded; None for none.

        Args:
            mark: of the job.
            training_file: of the job; "" where none was sent. With one, the job may have been made a moment ago, and
                is looked for several times.

        Raises:
            CallFailure: the endpoint cannot be asked.
        """
        looks = range(_LOOKS if training_file else 1)
        for look, wait_s in zip(looks, self._polling.waits(), strict=False):
            if look:
                await asyncio.sleep(wait_s)
            if found := (await with_retries(partial(self._listed, mark, training_file), self._retries)).value:
                return found
        return None

    async def ended(
        self, job_id: str, seen: Callable[["FineTuningJob"], Awaitable[None]], end: Callable[[], str]
    ) -> "FineTuningJob | None":
        """Waits for the end of a job, whatever it is.

        Args:
            job_id: the job.
            seen: told how it stands, at each look and at the end.
            end: says why to wait no longer, "" while there is time.

        Returns:
            The job; None where `end` came first.

        Raises:
            CallFailure: it cannot be asked about, for so long that nobody would wait for it. It goes on where it is.
        """

        async def look() -> "FineTuningJob | None":
            job = await self._retrieved(job_id)
            await seen(job)
            return job if job.status in _ENDED else None

        return await patiently(look, self._polling, end)

    async def cancel(self, job_id: str) -> "FineTuningJob":
        """Cancels a job, and returns it; one that has ended stays what it is.

        Raises:
            CallFailure: the endpoint cannot be asked, or knows no such job.
        """

        async def once() -> "FineTuningJob":
            job = await self._retrieved(job_id)
            if job.status in _ENDED:
                return job
            with self._provider.failing():
                return await self._jobs.cancel(job_id, timeout=self._timeout_s)

        return (await with_retries(once, self._retries)).value

    async def events(self, job_id: str, known: Callable[[str], bool]) -> "list[FineTuningJobEvent]":
        """Returns the events of a job, the oldest first, without what is known by its id and what came before that."""
        found = []
        with self._provider.failing():
            async for event in self._jobs.list_events(job_id, limit=100, timeout=self._timeout_s):
                if known(event.id):
                    break
                found.append(event)
        return found[::-1]

    async def checkpoints(self, job_id: str) -> "list[FineTuningJobCheckpoint]":
        """Returns what an ended job has kept on its way, the oldest first."""

        async def once() -> "list[FineTuningJobCheckpoint]":
            with self._provider.failing():
                listed = self._jobs.checkpoints.list(job_id, limit=100, timeout=self._timeout_s)
                return sorted([one async for one in listed], key=lambda one: one.step_number)

        return (await with_retries(once, self._retries)).value

    def refusal(self, job: "FineTuningJob") -> CallFailure:
        """Returns why a job failed."""
        error = job.error
        said = f"{error.message} ({error.code})" if error and error.message else "it does not say why"
        return failure_of_status(400, {}, f"fine-tuning job {job.id} failed: {said}", self.callee)

    async def _created(self, request: JobRequest) -> "FineTuningJob":
        from openai import omit

        parameters: Any = request.parameters
        return await self._jobs.create(
            model=self._model,
            training_file=request.training_file,
            validation_file=request.validation_file or omit,
            method={"type": "supervised", "supervised": {"hyperparameters": parameters}},
            suffix=request.suffix,
            seed=request.seed,
            metadata={MARK: request.mark},
            timeout=self._timeout_s,
        )

    async def _retrieved(self, job_id: str) -> "FineTuningJob":
        with self._provider.failing():
            job = await self._jobs.retrieve(job_id, timeout=self._timeout_s)
            self._provider.id_of(job)
            return job

    async def _listed(self, mark: str, training_file: str) -> str | None:
        try:
            with self._provider.failing():
                # Not every provider keeps metadata, or lets one ask for it; but each knows the file.
                async for job in self._jobs.list(limit=100, timeout=self._timeout_s):
                    ours = (job.metadata or {}).get(MARK) == mark or job.training_file == training_file
                    if ours and job.status not in _USELESS:
                        return self._provider.id_of(job)
        except CallFailure as failure:
            if failure.kind is not FailureKind.NOT_FOUND:
                raise
            raise CallFailure(failure.kind, f"{self.callee}: answered 404, {_LACKS}") from None
        return None

    async def _file_named(self, name: str) -> str | None:
        with self._provider.failing():
            async for file in self._files.list(purpose="fine-tune", limit=100, timeout=self._timeout_s):
                if file.filename == name:
                    return self._provider.id_of(file)
        return None
