"""Asks a candidate every row of a dataset: workers pull rows, the journal remembers, the budget ends it."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Any

from configs.errors import DataError
from configs.loading import LoadedApp
from tasks.calling.answer import Answer, Latency, Outcome, Passage, Usage
from tasks.calling.answers_target import existing_answers
from tasks.calling.failures import CallFailure
from tasks.calling.http_target import HttpTarget
from tasks.calling.journal import Journal
from tasks.calling.prompt_target import PromptTarget
from tasks.calling.python_target import PythonTarget
from tasks.calling.retrying import with_retries
from tasks.calling.spend import BudgetUsedUp, Spend
from tasks.calling.targets import Given, Question, Target
from tasks.calling.together import together
from tasks.candidate import Candidate
from tasks.data.row import Row

if TYPE_CHECKING:
    from tasks.retrieval.index import Index

__all__ = ["Spend", "ask"]

_GIVE_UP_AFTER = 5
"""So many calls in a row that fail for a reason which is no row's own: nobody answers there, or not us."""


async def ask(
    candidate: Candidate,
    dataset_rows: Sequence[Row],
    *,
    loaded: LoadedApp,
    journal: Journal,
    epoch: str,
    spend: Spend,
    index: "Index | None" = None,
    on_answer: Callable[[Answer], None] | None = None,
) -> list[Answer]:
    """Returns the candidate's answer to every row, in the rows' order.

    Every answer is journaled the moment it is there, so that asking again makes no call. A row that failed ends
    `app_error` with its cause and is asked again next time. What the budget cuts off, and what is left once the
    endpoint has failed five times running, ends `skipped`.

    Args:
        candidate: of any kind of target.
        dataset_rows: what to ask.
        loaded: the app.
        journal: where finished calls are.
        epoch: round of asking.
        spend: ledger and caps; shared with whatever else the command asks.
        index: the candidate's index, where it retrieves.
        on_answer: told of each answer as it comes, in no particular order.

    Raises:
        ConfigurationError: the candidate cannot be asked at all.
        LifecycleError: the journal cannot be written; what is finished is kept.
    """
    told = on_answer or (lambda _: None)
    if candidate.target.kind == "answers":
        return existing_answers(dataset_rows, candidate.target, loaded, told)
    answers: dict[int, Answer] = {}
    waiting = iter(enumerate(dataset_rows))
    async with aclosing(open_target(candidate, loaded, journal, epoch, spend, index)) as target:
        asking = _Asking(target, journal, epoch, spend)
        await together(_work(asking, waiting, answers, told) for _ in range(target.concurrency))
    return [answers[position] for position in range(len(dataset_rows))]


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
            return HttpTarget(candidate.target, loaded, epoch)
        case _:
            return PromptTarget(candidate, loaded, journal, epoch, spend, index)


async def _work(
    asking: "_Asking", rows: Iterator[tuple[int, Row]], answers: dict[int, Answer], told: Callable[[Answer], None]
) -> None:
    for position, row in rows:
        answers[position] = await asking.answer(row)
        told(answers[position])


class _Asking:
    """One round of a target's answers: what its workers share."""

    def __init__(self, target: Target, journal: Journal, epoch: str, spend: Spend) -> None:
        self._target = target
        self._journal = journal
        self._epoch = epoch
        self._spend = spend
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._failed_running = 0
        self._given_up = ""

    async def answer(self, row: Row) -> Answer:
        if self._given_up:
            return self._skipped(row, self._given_up)
        question = Question("")
        try:
            question = await self._target.question(row)
            # Two rows that ask the same wait for each other: the second finds the first's answer.
            async with self._locks[question.key]:
                return await self._answer(row, question)
        except BudgetUsedUp as end:
            return self._skipped(row, str(end))
        except CallFailure as failure:
            self._count(failure)
            return Answer(
                row.id,
                Outcome.APP_ERROR,
                cause=str(failure),
                messages=question.messages,
                context=question.context,
                attempts=failure.attempts,
            )
        except DataError as error:
            return Answer(row.id, Outcome.APP_ERROR, cause=str(error))

    async def _answer(self, row: Row, question: Question) -> Answer:
        record = self._journal.get(question.key)
        if record is not None:
            self._spend.reuse()
            return self._read(row, question, record, reused=True)
        tried = await with_retries(partial(self._call, question), self._target.retries)
        self._failed_running = 0
        record = {**_plain(tried.value), "attempts": tried.attempts}
        self._journal.put(question.key, self._epoch, self._target.name, record, kind=self._target.kind)
        return self._read(row, question, record, reused=False)

    async def _call(self, question: Question) -> Given:
        with self._spend.request(self._target.dearest(question)) as bill:
            given = await self._target.call(question)
            bill.usage, bill.price = given.usage, self._target.price(given.usage)
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
            price=self._target.price(usage),
            attempts=record["attempts"],
            reused=reused,
        )

    def _count(self, failure: CallFailure) -> None:
        self._failed_running = 0 if failure.kind.of_one_row else self._failed_running + 1
        if self._failed_running >= _GIVE_UP_AFTER:
            self._given_up = f"not asked after {self._failed_running} failures in a row: {failure}"

    def _skipped(self, row: Row, cause: str) -> Answer:
        self._spend.skipped += 1
        return Answer(row.id, Outcome.SKIPPED, cause=cause)


def _plain(given: Given) -> dict[str, Any]:
    return {
        "text": given.text,
        "usage": list(given.usage),
        "latency": list(given.latency),
        "context": [list(passage) for passage in given.context],
    }
