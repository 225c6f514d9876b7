"""Asks a candidate rows: workers pull them, the journal remembers, the limiter paces, the budget ends it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from configs.errors import DataError
from configs.loading import LoadedApp
from tasks.calling.answer import Answer, Latency, Outcome, Passage, Usage
from tasks.calling.answers_target import existing_answers
from tasks.calling.breaker import Breaker
from tasks.calling.failures import CallFailure
from tasks.calling.http_target import HttpTarget
from tasks.calling.prompt_target import PromptTarget
from tasks.calling.python_target import PythonTarget
from tasks.calling.retrying import with_retries
from tasks.calling.spend import BudgetUsedUp, Spend
from tasks.calling.targets import Given, Question, Target
from tasks.calling.working import pull
from tasks.candidate import Candidate
from tasks.data.row import Row
from tasks.journal.journal import Journal

if TYPE_CHECKING:
    from tasks.retrieval.index import Index

__all__ = ["Asked", "Refusal", "Refuse", "Spend", "Told", "ask", "ask_target", "open_asking"]


class Refusal(NamedTuple):
    """Why a row that the journal does not know is not asked, and how it ends."""

    outcome: Outcome
    cause: str


Refuse = Callable[[Row, Question], Refusal | None]
"""Says of a row that the journal does not know whether it is not to be asked."""

Told = Callable[[int, Row, Answer], Awaitable[None]]
"""Takes a row's position, the row and its answer."""


async def ask(
    candidate: Candidate,
    rows: Iterable[Row],
    told: Told,
    *,
    refuse: Refuse | None = None,
    **how: Any,
) -> None:
    """Tells the candidate's answer to every row, as the answers come: in no particular order, each row once.

    Args:
        candidate: of any kind of target.
        rows: what to ask; read as it goes.
        told: what takes the answers.
        refuse: what is not to be called; everything is where not given.
        how: see `open_asking`.

    Raises:
        ConfigurationError: the candidate cannot be asked at all.
        LifecycleError: the journal cannot be written; what is finished is kept.
    """
    async with open_asking(candidate, **how) as asked:
        await asked(rows, told, refuse)


Asked = Callable[[Iterable[Row], Told, Refuse | None], Awaitable[None]]
"""Asks rows, tells the answers, and leaves out what is refused; see `open_asking`."""


@asynccontextmanager
async def open_asking(
    candidate: Candidate,
    *,
    loaded: LoadedApp,
    journal: Journal,
    epoch: str,
    spend: Spend,
    index: "Index | None" = None,
) -> AsyncIterator[Asked]:
    """Opens a candidate, and yields what asks it rows; as often as one likes.

    Every answer is journaled, so that asking again makes no call. A row that failed ends `app_error` with its cause and
    is asked again next time. What the budget cuts off, and what is left once the endpoint is given up, ends `skipped`.

    Args:
        candidate: of any kind of target.
        loaded: the app.
        journal: where finished calls are.
        epoch: round of asking.
        spend: ledger and caps; shared with whatever else the command asks.
        index: the candidate's index, where it retrieves.

    Raises:
        ConfigurationError: the candidate cannot be asked at all.
    """
    if candidate.target.kind == "answers":
        answer = existing_answers(candidate.target, loaded)

        async def read(rows: Iterable[Row], told: Told, _: Refuse | None) -> None:
            for position, row in enumerate(rows):
                await told(position, row, answer(row))

        yield read
        return
    async with aclosing(open_target(candidate, loaded, journal, epoch, spend, index)) as target:

        async def call(rows: Iterable[Row], told: Told, refuse: Refuse | None) -> None:
            await ask_target(target, rows, told, journal=journal, epoch=epoch, spend=spend, refuse=refuse)

        yield call


async def ask_target(
    target: Target,
    rows: Iterable[Row],
    told: Told,
    *,
    journal: Journal,
    epoch: str,
    spend: Spend,
    refuse: Refuse | None = None,
) -> None:
    """Tells what a target answers to every row, as `ask` does of a candidate.

    Args:
        target: what is asked; whoever opened it closes it.
        rows: what to ask; read as it goes.
        told: what takes the answers.
        journal: where finished calls are.
        epoch: round of asking.
        spend: ledger and caps.
        refuse: what is not to be called; everything is where not given.

    Raises:
        LifecycleError: the journal cannot be written; what is finished is kept.
    """
    asking = _Asking(target, journal, epoch, spend, refuse)

    async def work(numbered: tuple[int, Row]) -> None:
        position, row = numbered
        await told(position, row, await asking.answer(row))

    await pull(iter(enumerate(rows)), work, target.limiter)
    await asyncio.to_thread(journal.flush)


def open_target(
    candidate: Candidate,
    loaded: LoadedApp,
    journal: Journal,
    epoch: str,
    spend: Spend,
    index: "Index | None" = None,
) -> Target:
    """Returns what answers for a candidate.

    Raises:
        ConfigurationError: it cannot be asked; says what is missing.
    """
    match candidate.target.kind:
        case "python":
            return PythonTarget(candidate.target, loaded, epoch)
        case "http":
            return HttpTarget(candidate.target, loaded, epoch, journal.path.parent)
        case _:
            return PromptTarget(candidate, loaded, journal, epoch, spend, index)


class _Asking:
    """One round of a target's answers: what its workers share."""

    def __init__(self, target: Target, journal: Journal, epoch: str, spend: Spend, refuse: Refuse | None) -> None:
        self._refuse = refuse
        self._target = target
        self._journal = journal
        self._epoch = epoch
        self._spend = spend
        self._breaker = Breaker()

    async def answer(self, row: Row) -> Answer:
        question = Question("")
        try:
            async with asyncio.timeout(self._spend.seconds_for_a_row()):
                question = await self._target.question(row)
                return await self._once(row, question)
        except TimeoutError:
            return self._out_of_time(row, question)
        except BudgetUsedUp as end:
            return self._skipped(row, str(end))
        except CallFailure as failure:
            self._breaker.failed(failure)
            failed = self._failed(row, question, str(failure), failure.attempts)
            return replace(failed, nobodys=failure.kind.nobodys)
        except DataError as error:
            return Answer(row.id, Outcome.APP_ERROR, cause=str(error))

    async def _once(self, row: Row, question: Question) -> Answer:
        """Answers a question; rows that ask the same wait for each other: the second finds the first's answer."""
        if question.given is not None:
            return self._read(row, question, record_of(question.given, attempts=0), reused=False)
        async with self._journal.in_flight.alone([question.key]):
            return await self._answer(row, question)

    async def _answer(self, row: Row, question: Question) -> Answer:
        record = self._journal.get(question.key, row.user)
        if record is not None:
            self._spend.reuse()
            return self._read(row, question, record, reused=True)
        if refusal := self._refuse and self._refuse(row, question):
            if refusal.outcome is Outcome.SKIPPED:
                return self._skipped(row, refusal.cause)
            return self._failed(row, question, refusal.cause, attempts=0)
        if not await self._breaker.passes():
            return self._skipped(row, self._breaker.given_up)
        limiter = self._target.limiter
        tried = await with_retries(partial(self._call, question), self._target.retries, limiter.sleep)
        self._breaker.answered()
        record = record_of(tried.value, tried.attempts)
        self._journal.put(question.key, self._epoch, self._target.name, record, self._target.kind, row.user)
        return self._read(row, question, record, reused=False)

    async def _call(self, question: Question) -> Given:
        limiter = self._target.limiter
        async with limiter.slot():
            if self._breaker.given_up:
                raise BudgetUsedUp(self._breaker.given_up)
            with self._spend.request(self._target.most(question)) as bill:
                given = await self._target.call(question)
                bill.usage, bill.price = given.usage, self._target.price(given.usage)
        limiter.used(given.usage.input + given.usage.output)
        if given.pause_s:
            limiter.pause(given.pause_s)
        return given

    def _read(self, row: Row, question: Question, record: dict[str, Any], *, reused: bool) -> Answer:
        usage = Usage(*record["usage"])
        return Answer(
            row.id,
            Outcome.OK,
            text=record["text"],
            messages=question.messages,
            context=tuple(Passage(*passage) for passage in record["context"]) or question.context,
            usage=usage,
            latency=Latency(*record["latency"]),
            price=self._target.price(usage, deferred=record.get("deferred", False)),
            attempts=record["attempts"],
            reused=reused,
        )

    def _out_of_time(self, row: Row, question: Question) -> Answer:
        if end := self._spend.time_is_up():
            return self._skipped(row, end)
        most = self._spend.budget.seconds_per_row
        cause = f"no answer within {most:g} s, all tries and waits included; raise `budget.seconds_per_row` in app.yaml"
        return self._failed(row, question, cause, attempts=0)

    def _failed(self, row: Row, question: Question, cause: str, attempts: int) -> Answer:
        return Answer(
            row.id,
            Outcome.APP_ERROR,
            cause=cause,
            messages=question.messages,
            context=question.context,
            attempts=attempts,
        )

    def _skipped(self, row: Row, cause: str) -> Answer:
        self._spend.skipped += 1
        return Answer(row.id, Outcome.SKIPPED, cause=cause)


def record_of(given: Given, attempts: int) -> dict[str, Any]:
    """Returns what the journal keeps of an answer."""
    return {
        "text": given.text,
        "usage": list(given.usage),
        "latency": list(given.latency),
        "context": [list(passage) for passage in given.context],
        "attempts": attempts,
    }
