"""Guards around an exchange: a request is looked at before anything sees it, an answer before the client does."""

import logging
from collections.abc import Sequence
from dataclasses import replace

from tasks.calling.answer import Answer, Outcome
from tasks.calling.passed import NOTHING
from tasks.data.row import Message, Row
from tasks.guarding.done import GuardError
from tasks.guarding.guarding import Guarding, Passed
from tasks.serving.exchange import Exchange
from tasks.serving.metrics import Metrics
from tasks.serving.protocol import ProtocolError
from tasks.serving.refusing import guard_failed
from tasks.serving.responder import Reply

_log = logging.getLogger(__name__)

_BLOCKED = {
    "pii": "it holds personal data; leave them out and send it again",
    "injection": "it reads like an attempt to change or to read the application's instructions; say it in other words",
    "harm": "it holds words that are not answered here; say it in other words",
}


async def let_in(
    exchange: Exchange, guarding: Guarding, metrics: Metrics, headers: dict[str, str], *, streamed: bool
) -> Exchange:
    """Returns an exchange as the guards let it in; one that is not let in is recorded, and refused.

    Args:
        exchange: that has just begun.
        guarding: the app's guards.
        metrics: count what they do.
        headers: of the reply, where there is no answer.
        streamed: whether the answer is read while it is written.

    Raises:
        ProtocolError: 400 where a guard blocks it, 503 where one failed.
    """
    if guarding.idle:
        return exchange
    row, turns = exchange.row, exchange.passed.turns
    with_turns = replace(row, messages=(*row.messages, *turns)) if turns else row
    try:
        passed = await guarding.look(with_turns, exchange.passed.fields)
    except GuardError as error:
        _log.error("request %s: %s", exchange.id, error)
        unseen = _told(exchange, guarding.unseen(with_turns, exchange.passed.fields), len(row.messages))
        failed = Answer(exchange.id, Outcome.APP_ERROR, cause=str(error))
        metrics.answered(Reply(failed, failure="guard"))
        await unseen.record(failed)
        raise guard_failed(exchange.id, headers | unseen.acknowledged) from None
    for done in passed.done:
        metrics.guarded(done)
    watch = guarding.watch(passed.row, whole=not streamed)
    exchange = replace(_told(exchange, passed, len(row.messages)), guarded=passed.done, watch=watch)
    if not passed.blocked:
        return exchange
    why = f" ({passed.why})" if passed.why else ""
    await exchange.record(Answer(exchange.id, Outcome.SKIPPED, cause=f"blocked by the guard {passed.blocked}{why}"))
    headers |= exchange.acknowledged
    message = (
        f"the request is blocked by the guard `{passed.blocked}`: {_BLOCKED[passed.blocked]}; request {exchange.id}"
    )
    raise ProtocolError(400, message, "content_filter", "messages", headers)


async def texts_let_in(texts: Sequence[str], guarding: Guarding, metrics: Metrics) -> list[str]:
    """Returns texts that are to be embedded as the guards let them in.

    Args:
        texts: a client's.
        guarding: the app's guards.
        metrics: count what they do.

    Raises:
        ProtocolError: 400 where a guard blocks one, 503 where one failed.
    """
    if guarding.idle:
        return list(texts)
    try:
        passed = await guarding.look(Row("", tuple(Message("user", text) for text in texts)))
    except GuardError as error:
        _log.error("embeddings: %s", error)
        raise guard_failed() from None
    for done in passed.done:
        metrics.guarded(done)
    if passed.blocked:
        message = f"the texts are blocked by the guard `{passed.blocked}`: {_BLOCKED[passed.blocked]}"
        raise ProtocolError(400, message, "content_filter", "input")
    return [message.content for message in passed.row.messages]


def _told(exchange: Exchange, looked_at: Passed, own: int) -> Exchange:
    """Returns an exchange with its messages, and what goes on beside them, as they were looked at."""
    messages = looked_at.row.messages
    row = replace(looked_at.row, messages=messages[:own])
    if exchange.passed is NOTHING:
        return replace(exchange, row=row)
    return replace(exchange, row=row, passed=exchange.passed._replace(fields=looked_at.fields, turns=messages[own:]))
