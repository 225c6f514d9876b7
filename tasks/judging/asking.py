"""Asks a judge about rows, through the engine; a reply that cannot be read is asked for once more."""

from collections.abc import Callable, Sequence
from contextlib import aclosing
from functools import partial

from configs.errors import DataError, EndpointError, LifecycleError
from configs.schema.app import Parameters
from tasks.calling.answer import Answer, Outcome
from tasks.calling.asking import Refuse, ask_target
from tasks.calling.deferring.defer import defer_target
from tasks.calling.pricing import expected_tokens, usual_answer
from tasks.calling.spend import BudgetUsedUp
from tasks.data.row import Message, Row
from tasks.identity import digest
from tasks.judging.reply import Reply, ReplyForm, UnreadableReplyError, read_reply
from tasks.judging.target import JudgeTarget, Repetition
from tasks.progress import say
from tasks.scoring.asked import Effort, Means

Said = Reply | LifecycleError
"""What a judge said of a row, or why it said nothing: `BudgetUsedUp` where it was not asked."""

Messages = Callable[[Row], tuple[Message, ...]]
"""What a judge is sent for a row."""


async def ask_judge(
    rows: Sequence[Row],
    messages_of: Messages,
    *,
    model: str,
    parameters: Parameters,
    form: ReplyForm,
    means: Means,
    judge: str,
    repeat: int = 0,
) -> list[Said]:
    """Returns what a judge says of each row, in the rows' order.

    Args:
        rows: each with an id of its own.
        messages_of: what the judge is sent for a row.
        model: name of its model.
        parameters: with which it is asked.
        form: how it is to answer.
        means: what asking takes.
        judge: its version; by it the batches of its questions are remembered.
        repeat: which deliberate asking it is; the journal knows each by itself.
    """
    ask = partial(
        _ask_once, model=model, parameters=parameters, form=form, messages_of=messages_of, means=means, judge=judge
    )
    said = await ask(rows, Repetition(repeat))
    unread = [position for position, each in enumerate(said) if isinstance(each, UnreadableReplyError)]
    again = await ask([rows[position] for position in unread], Repetition(repeat, attempt=1))
    for position, each in zip(unread, again, strict=True):
        said[position] = each
    return said


async def judge_effort(
    rows: Sequence[Row],
    asked: Sequence[Messages],
    *,
    model: str,
    parameters: Parameters,
    form: ReplyForm,
    means: Means,
) -> Effort:
    """Returns what asking a judge about rows is expected to take: a call each, where the journal does not know it.

    Args:
        rows: each with an id of its own.
        asked: what the judge is sent for a row, each time that it is asked about it.
        model: name of its model.
        parameters: with which it is asked.
        form: how it is to answer.
        means: what asking takes.
    """
    sent = []
    for messages_of in asked:
        async with aclosing(JudgeTarget(model, parameters, form, messages_of, means, Repetition())) as target:
            for row in rows:
                try:
                    question = await target.question(row)
                except DataError:
                    continue  # it will fail alone, and costs nothing
                if not means.journal.holds(question.key):
                    sent.append(expected_tokens(message.content for message in question.messages))
    written = len(sent) * usual_answer(means.journal, model, parameters.max_tokens)
    return Effort(model, len(sent), sum(sent), written)


async def _ask_once(
    rows: Sequence[Row],
    repetition: Repetition,
    *,
    model: str,
    parameters: Parameters,
    form: ReplyForm,
    messages_of: Messages,
    means: Means,
    judge: str,
) -> list[Said]:
    if not rows:
        return []
    told: dict[int, Answer] = {}

    async def tell(position: int, _: Row, answer: Answer) -> None:
        told[position] = answer

    async with aclosing(JudgeTarget(model, parameters, form, messages_of, means, repetition)) as target:
        refuse = await _deferred(target, rows, means, judge) if means.deferred and target.deferrable else None
        await ask_target(target, rows, tell, journal=means.journal, epoch=means.epoch, spend=means.spend, refuse=refuse)
    return [_said(told[position], form) for position in range(len(rows))]


async def _deferred(target: JudgeTarget, rows: Sequence[Row], means: Means, judge: str) -> Refuse:
    """Asks through batch files, and returns what refuses the rows that came to nothing there."""
    defer = partial(
        defer_target,
        target,
        rows,
        target.body,
        scope=digest([judge, target.scope]),
        loaded=means.loaded,
        journal=means.journal,
        epoch=means.epoch,
        spend=means.spend,
    )
    done = await defer()
    if any(target.takes_no_form(left.kind, left.cause) for left in done.left.values()):
        done = await defer()
    if done.sent or done.resumed:
        say(f"deferred to judge: {done.sent + done.resumed} sent, {done.answered} answered, {done.reused} known before")
    return done.refuse


def _said(answer: Answer, form: ReplyForm) -> Said:
    if answer.outcome is Outcome.SKIPPED:
        return BudgetUsedUp(answer.cause)
    if answer.outcome is not Outcome.OK:
        return EndpointError(answer.cause)
    try:
        return read_reply(answer.text, form)
    except UnreadableReplyError as error:
        return error
