"""Batches from their beginning to their end: begun, waited for, their answers taken, and cleaned up behind them."""

import asyncio
from collections.abc import Callable

from tasks.calling.asking import record_of
from tasks.calling.deferring.endpoint import BatchEndpoint
from tasks.calling.deferring.folder import BatchFolder, Remembered
from tasks.calling.deferring.holding import Holding
from tasks.calling.deferring.lines import LineFailure, read_result
from tasks.calling.failures import CallFailure, FailureKind
from tasks.calling.provider import NotMadeFailure
from tasks.calling.spend import BudgetUsedUp, Most, Spend
from tasks.calling.targets import Given, Question, Target
from tasks.calling.together import together
from tasks.journal.journal import Journal

Progress = Callable[[int, int], None]
"""Takes how many lines have come to an end, and how many were sent."""


class Batches:
    """Batches from their beginning to their end.

    Attributes:
        folder: where they are remembered.
        holding: what lines on their way can cost.
        resumed: lines that a command before this one has sent.
        users: whom a question belongs to, by its key, where that is known.
        answered: lines that have an answer.
        left: why the others have none.
    """

    def __init__(
        self,
        target: Target,
        endpoint: BatchEndpoint,
        folder: BatchFolder,
        journal: Journal,
        epoch: str,
        spend: Spend,
        share: float,
        on_progress: Progress | None,
    ) -> None:
        self._target, self._endpoint, self.folder = target, endpoint, folder
        self._journal, self._epoch, self._spend, self._share = journal, epoch, spend, share
        self._on_progress = on_progress
        self._begun: list[Remembered] = []
        self._ended: dict[str, int] = {}
        self._lines = 0
        self.holding = Holding(spend)
        self.resumed = 0
        self.users: dict[str, str] = {}
        self.answered = 0
        self.left: dict[str, LineFailure] = {}

    async def resume(self) -> None:
        """Finishes what commands before this one have begun."""
        for remembered in self.folder.unfinished():
            if remembered.collected:
                await self._clean(remembered)
            else:
                self.resumed += remembered.lines
                await self.begin(remembered)
        await self.collect()

    def admit(self, question: Question) -> bool:
        """Returns whether a question may be sent; what it can cost is held then."""
        if question.key in self.left:
            return False
        price, tokens = self._target.most(question)
        try:
            self.holding.hold(question.key, Most(price * self._share, tokens))
        except BudgetUsedUp as end:
            self.left[question.key] = LineFailure("cut_off", str(end))
            return False
        return True

    async def begin(self, remembered: Remembered) -> None:
        """Brings a batch to where the endpoint works on it, from wherever it stood."""
        try:
            if not remembered.batch:
                doubtful = bool(remembered.file)
                if not remembered.file:
                    file = await self._endpoint.upload(self.folder.lines_of(remembered))
                    remembered = self._note(remembered, file=file)
                batch = await self._endpoint.create(remembered, doubtful=doubtful)
                remembered = self._note(remembered, batch=batch)
        except NotMadeFailure:
            await self._give_up(remembered)
            raise
        self._begun.append(remembered)
        self._lines += remembered.lines
        self._progress(remembered, 0)

    async def collect(self) -> None:
        """Waits for every batch that was begun, and takes its answers."""
        begun, self._begun = self._begun, []
        await together(self._collect(remembered) for remembered in begun)

    async def _collect(self, remembered: Remembered) -> None:
        waiting = set(await asyncio.to_thread(list, self.folder.keys_of(remembered)))

        def line(text: bytes) -> bool:
            result = read_result(text, self._endpoint.callee)
            if result is not None and result.key in waiting:
                waiting.discard(result.key)
                self._settle(result.key, result.found)
            return result is not None

        try:
            batch = await self._endpoint.ended(
                remembered.batch, lambda ended: self._progress(remembered, ended), self._spend.time_is_up
            )
            if batch is None:
                cause = f"batch {remembered.batch} has not ended; run the same command again to collect it"
                self.left.update(dict.fromkeys(waiting, LineFailure("waiting", cause)))
                return
            made = [file for file in (batch.output_file_id, batch.error_file_id) if file]
            for file in made:
                await self._endpoint.read(file, line)
        except CallFailure as failure:
            raise self._lost(remembered, failure) from None
        if batch.status == "failed":
            refusal = self._endpoint.refusal(batch)
            missing = LineFailure(refusal.kind, str(refusal))
        else:
            cause = f"{self._endpoint.callee}: batch {batch.id} ended {batch.status} without a word of it; run again"
            missing = LineFailure(batch.status if batch.status != "completed" else "missing", cause)
        for key in tuple(waiting):
            self._settle(key, missing)
        await asyncio.to_thread(self._journal.flush)
        self._progress(remembered, remembered.lines)
        await self._clean(self._note(remembered, collected=True, rubbish=(remembered.file, *made)))

    def _settle(self, key: str, found: Given | LineFailure) -> None:
        if isinstance(found, LineFailure):
            self.left[key] = found
            self.holding.settle(key, None, None)
            return
        record = record_of(found, attempts=1) | {"deferred": True}
        self.holding.settle(key, found.usage, self._target.price(found.usage, deferred=True))
        self.answered += 1
        self._journal.put(key, self._epoch, self._target.name, record, "deferred", self.users.get(key, ""))

    async def _clean(self, remembered: Remembered) -> None:
        """Deletes what a collected batch has left, here and at the endpoint."""
        self.folder.drop_lines(remembered)
        for file in remembered.rubbish:
            await self._endpoint.delete(file)
        self._note(remembered, rubbish=())

    async def _give_up(self, remembered: Remembered) -> None:
        if remembered.file:
            await self._endpoint.delete(remembered.file)
        self.folder.forget(remembered)

    def _note(self, remembered: Remembered, **changes: object) -> Remembered:
        return self.folder.remember(remembered.model_copy(update=changes))

    def _lost(self, remembered: Remembered, failure: CallFailure) -> CallFailure:
        if failure.kind is not FailureKind.NOT_FOUND:
            return failure
        return CallFailure(
            failure.kind,
            f"{self._endpoint.callee}: answered 404, it knows batch {remembered.batch} or its files no more; "
            f"delete {self.folder.file_of(remembered)} to ask its questions anew",
        )

    def _progress(self, remembered: Remembered, ended: int) -> None:
        self._ended[remembered.intent] = ended
        if self._on_progress is not None:
            self._on_progress(sum(self._ended.values()), self._lines)
