"""Defers questions: asked in batch files, for a share of the price and within a day instead of at once.

The answers go into the journal, where `ask` finds them.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from configs.errors import ConfigurationError, DataError
from configs.loading import LoadedApp
from configs.schema.model import OpenAIModel
from tasks.calling.adapters import named_fields
from tasks.calling.answer import Outcome
from tasks.calling.asked_model import asked_model
from tasks.calling.asking import Refusal, open_target
from tasks.calling.chat import request_body
from tasks.calling.deferring.endpoint import BatchEndpoint
from tasks.calling.deferring.folder import BatchFolder, LineFile
from tasks.calling.deferring.lines import LineFailure, request_line
from tasks.calling.deferring.running import Batches, Progress
from tasks.calling.endpoint import endpoint_model
from tasks.calling.failures import CallFailure
from tasks.calling.polling import Polling
from tasks.calling.pricing import price_needed
from tasks.calling.spend import BudgetUsedUp, Spend
from tasks.calling.targets import Question, Target
from tasks.calling.working import pull
from tasks.candidate import Candidate
from tasks.data.row import Row
from tasks.identity import digest
from tasks.joining import joined
from tasks.journal.journal import Journal

if TYPE_CHECKING:
    from tasks.retrieval.index import Index

__all__ = ["Deferred", "LineFailure", "Polling", "Progress", "defer", "defer_target"]

Body = Callable[[Question], Mapping[str, object]]
"""Makes the chat request that asks a question."""

FOLDER = "deferred"
"""Beside the journal."""


@dataclass(frozen=True, slots=True)
class Deferred:
    """What became of questions that were deferred; each counts once, however many rows ask it.

    Attributes:
        sent: lines that went into new batches.
        resumed: lines of batches that a command before this one had sent and not collected.
        answered: lines whose answer is in the journal now.
        reused: questions that the journal had, those included that a resumed batch has just brought.
        left: why the others have no answer, by their keys.
    """

    sent: int
    resumed: int
    answered: int
    reused: int
    left: Mapping[str, LineFailure]

    def refuse(self, _: Row, question: Question) -> Refusal | None:
        """Refuses to call what came to nothing here; for `ask` and `ask_target`, which find the answers."""
        left = self.left.get(question.key)
        if left is None:
            return None
        outcome = Outcome.SKIPPED if left.kind in ("waiting", "cut_off") else Outcome.APP_ERROR
        return Refusal(outcome, left.cause)

    @property
    def causes(self) -> dict[str, int]:
        """How many questions have no answer, by the kind of what kept them from it, the most first."""
        return dict(Counter(failure.kind for failure in self.left.values()).most_common())


async def defer(
    candidate: Candidate,
    rows: Iterable[Row],
    *,
    loaded: LoadedApp,
    journal: Journal,
    epoch: str,
    spend: Spend,
    index: "Index | None" = None,
    on_progress: Progress | None = None,
    polling: Polling = Polling(),  # noqa: B008 a tuple
) -> Deferred:
    """Asks a candidate in batch files; see `defer_target`.

    Args:
        candidate: a prompt, of a model behind an endpoint that has batch files.
        rows: what to ask; read as it goes.
        loaded: the app.
        journal: where finished calls are.
        epoch: round of asking.
        spend: ledger and caps.
        index: the candidate's index, where it retrieves.
        on_progress: told how far the batches are.
        polling: how long to wait between two looks at a batch.

    Raises:
        ConfigurationError: the candidate cannot be deferred.
        LifecycleError: see `defer_target`.
    """
    model = _deferrable(candidate, loaded)

    def body(question: Question) -> dict[str, object]:
        assert candidate.parameters is not None  # noqa: S101 its target could not be opened without
        parameters = candidate.parameters.of_repeat(question.repeat)
        asked = request_body(model, question.messages, parameters, stream=False)
        return asked | named_fields(model, candidate.adapter)

    async with aclosing(open_target(candidate, loaded, journal, epoch, spend, index)) as target:
        return await defer_target(
            target,
            rows,
            body,
            scope=digest([candidate.digest, endpoint_model("", model), epoch]),
            loaded=loaded,
            journal=journal,
            epoch=epoch,
            spend=spend,
            on_progress=on_progress,
            polling=polling,
        )


async def defer_target(
    target: Target,
    rows: Iterable[Row],
    body: Body,
    *,
    scope: str,
    loaded: LoadedApp,
    journal: Journal,
    epoch: str,
    spend: Spend,
    on_progress: Progress | None = None,
    polling: Polling = Polling(),  # noqa: B008 a tuple
) -> Deferred:
    """Asks what the journal does not have in batch files, waits for them, and puts the answers into the journal.

    Rows that cannot be asked are left out: `ask_target` says why. Killed at any moment, the same command finds its
    batches again and makes none a second time; a second process that defers the same waits for the first.

    Args:
        target: what answers, named as its model, which is one of kind `openai`.
        rows: what to ask; read as it goes.
        body: makes a question's chat request.
        scope: names whose questions these are; batches are remembered by it.
        loaded: the app.
        journal: where finished calls are; batches are remembered beside it.
        epoch: round of asking.
        spend: ledger and caps. A line that could pass a cap is not sent; its answer costs the deferred price. Once the
            budget's minutes are over nobody waits any longer, and what is on its way stays `waiting`: the same command
            collects it.
        on_progress: told how far the batches are.
        polling: how long to wait between two looks at a batch.

    Raises:
        CallFailure: the endpoint has no batch files, takes no key, or cannot be reached for long. What is finished is
            kept; what is on its way is found again by the same command.
        LifecycleError: the disk is full, or what is remembered cannot be read.
    """
    model = loaded.models[target.name]
    assert model.kind == "openai"  # noqa: S101 whoever defers has made sure
    folder = journal.path.parent / FOLDER
    async with joined(folder, scope):
        endpoint = BatchEndpoint(model, target.retries, polling)
        share = price_needed(loaded, target.name).deferred
        batches = Batches(target, endpoint, BatchFolder(folder / scope), journal, epoch, spend, share, on_progress)
        sending = _Sending(target, body, batches, journal)
        try:
            # To their end before anything is sent: only then the ledger knows what they cost.
            await batches.resume()
            await sending.send(rows)
            await batches.collect()
        finally:
            sending.close()
            batches.holding.release()
        return Deferred(sending.sent, batches.resumed, batches.answered, sending.reused, batches.left)


def _deferrable(candidate: Candidate, loaded: LoadedApp) -> OpenAIModel:
    if candidate.target.kind != "prompt":
        raise ConfigurationError(
            f"app {loaded.app.name}: a target of kind `{candidate.target.kind}` cannot be deferred, only a prompt can; "
            f"ask it without deferring"
        )
    model = loaded.models.get(candidate.model or "")
    if model is None or model.kind != "openai":
        raise ConfigurationError(
            f"app {loaded.app.name}: model {candidate.model} cannot be deferred, only one of kind `openai` can; "
            f"ask it without deferring, or define such a model in models.yaml"
        )
    asked = asked_model(model, candidate.adapter)
    assert asked.kind == "openai"  # noqa: S101 as its model is
    return asked


class _Sending:
    """Turns rows into batches.

    Attributes:
        sent: lines that went into batches.
        reused: questions that the journal had.
    """

    def __init__(self, target: Target, body: Body, batches: Batches, journal: Journal) -> None:
        self._target, self._body, self._batches, self._journal = target, body, batches, journal
        self._seen: set[str] = set()
        self._file: LineFile | None = None
        self._writing = asyncio.Lock()
        self.sent = 0
        self.reused = 0

    async def send(self, rows: Iterable[Row]) -> None:
        """Sends what the journal does not have, a batch whenever a file is full."""
        await pull(iter(rows), self._add, self._target.limiter)
        await self._send_file()

    def close(self) -> None:
        """Removes lines that were not sent."""
        if self._file is not None:
            self._file.discard()

    async def _add(self, row: Row) -> None:
        await asyncio.sleep(0)  # a prompt that retrieves nothing never waits, and others want their turn
        try:
            question = await self._target.question(row)
        except (DataError, CallFailure, BudgetUsedUp):
            return
        if question.given is not None or question.key in self._seen:
            return
        self._seen.add(question.key)
        if self._journal.holds(question.key):
            self.reused += 1
        elif self._batches.admit(question):
            if row.user:
                self._batches.users[question.key] = row.user
            async with self._writing:
                await self._write(request_line(question.key, self._body(question)))

    async def _write(self, line: bytes) -> None:
        if self._file is not None and not self._file.has_room(line):
            await self._send_file()
        if self._file is None:
            self._file = LineFile(self._batches.folder)
        self._file.add(line)

    async def _send_file(self) -> None:
        if self._file is None:
            return
        begun, self._file = await asyncio.to_thread(self._file.finish), None
        await self._batches.begin(begun)
        self.sent += begun.lines
