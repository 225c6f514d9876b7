"""One job of a provider's and what it is made with: what it may cost, and how it is left."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from configs.schema.hosted import HostedTuning
from configs.schema.model import OpenAIModel
from tasks.calling.answer import Usage
from tasks.calling.failures import CallFailure
from tasks.calling.fine_tuning import FineTuning
from tasks.calling.spend import Bill, Most, Spend
from tasks.progress import say
from tasks.tuning.hosted.expected import Expected
from tasks.tuning.hosted.remembered import JobFile, Remembered
from tasks.tuning.hosted.watching import Watching

if TYPE_CHECKING:
    from openai.types.fine_tuning import FineTuningJob

    from tasks.workspace import Workspace

_CANCEL_WITHIN_S = 30.0


class Files(NamedTuple):
    """The bytes of both files; those of the second are empty where nothing is held out."""

    training: bytes
    validation: bytes


class Work(NamedTuple):
    """One job, and what it is made with."""

    workspace: "Workspace"
    model: OpenAIModel
    settings: HostedTuning
    cost: Expected
    files: Files
    mark: str
    endpoint: FineTuning
    file: JobFile

    @property
    def label(self) -> str:
        """What progress and lines call it."""
        return f"fine-tuning {self.settings.model}"

    @property
    def spend(self) -> Spend:
        """The command's ledger."""
        return self.workspace.spend

    async def interrupted(self, begun: Remembered, watching: Watching, bill: Bill) -> str:
        """Cancels the job, or keeps it, as the settings say, and says so in one line, which it returns.

        What a cancelled job had trained is billed; one that goes on is billed by whoever follows it to its end.
        """
        said = f"job {begun.job} goes on; run the same command to follow it"
        if self.settings.interrupted == "cancel":
            try:
                async with asyncio.timeout(_CANCEL_WITHIN_S):
                    ended = await self.endpoint.cancel(begun.job)
                    if ended.status != "succeeded":
                        bill.usage, bill.price = Usage(), self.paid(ended, watching.share)
                        await self.give_up(begun)
                        said = f"job {begun.job} was cancelled after step {watching.steps}; run again to begin another"
                    else:
                        said = f"job {begun.job} had succeeded; run the same command to take it"
            except (CallFailure, TimeoutError) as failure:
                why = str(failure) or "the endpoint does not answer"
                said = f"job {begun.job} could not be cancelled and goes on: {why}; run the same command to follow it"
        say(f"{self.label}: {said}")
        return said

    async def give_up(self, begun: Remembered) -> None:
        """Forgets a job that makes no model, and deletes what was sent for it."""
        for file in (begun.training_file, begun.validation_file):
            if file:
                await self.endpoint.delete(file)
        self.file.forget()

    async def clean(self, remembered: Remembered) -> None:
        """Deletes what was sent for a job that has made its model."""
        if not remembered.rubbish:
            return
        for file in remembered.rubbish:
            await self.endpoint.delete(file)
        self.file.note(remembered, rubbish=())

    @contextmanager
    def held(self, begun: Remembered) -> Iterator[Bill]:
        """Holds in the ledger what the job can cost; one that a command before has made is booked whatever the caps."""
        if not begun.job:
            with self.spend.request(Most(self.cost.most)) as bill:
                yield bill
            return
        bill = Bill()
        try:
            yield bill
        finally:
            if bill.usage is not None:
                self.spend.made += 1
                self.spend.price += bill.price or 0.0

    def paid(self, job: "FineTuningJob", share: float) -> float:
        """Returns what a job that has ended costs.

        Where it does not say how many tokens it has trained on, those that were expected; of a cancelled one a share of
        them, and none of one that failed, which no provider bills.

        Args:
            job: as it ended.
            share: of its steps that were seen done.
        """
        done = {"succeeded": 1.0, "cancelled": share}.get(job.status, 0.0)
        tokens = self.cost.tokens * self.cost.epochs * done if job.trained_tokens is None else job.trained_tokens
        price = self.workspace.loaded.prices.get(self.settings.model)
        return tokens * (price.training or 0.0) / 1e6 if price else 0.0
