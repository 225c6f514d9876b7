"""An answer that is looked at while it is written: what its guards let go, and what stands in the rest's place."""

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from functools import partial

from tasks.calling.answer import Outcome, ToolCall
from tasks.guarding.done import GuardError
from tasks.guarding.running import looked
from tasks.guarding.watch import Watch
from tasks.serving.asked import Instead
from tasks.serving.progress import Progress
from tasks.serving.responder import Reply

_log = logging.getLogger(__name__)


async def watched(
    pieces: AsyncGenerator[str | Instead | Reply], watch: Watch, progress: Progress
) -> AsyncGenerator[str | Instead | Reply]:
    """Yields what a watch lets go of an answer, then the reply with the text that was let go.

    The arguments of its calls are looked at as its text is. One that is blocked ends there, and so does its model's
    call: its reply says `content_filter` and calls no tools, and its text is what the client has, or what it reads
    instead where it has nothing yet. A guard that fails ends it as a failure.

    Args:
        pieces: the answer.
        watch: looks at it.
        progress: notes what the model gives.
    """
    said = ""
    try:
        async with aclosing(pieces):
            reply = None
            while reply is None:
                piece = await anext(pieces)
                if isinstance(piece, Instead):
                    yield piece
                    continue
                if isinstance(piece, str):
                    progress.pieces.append(piece)
                    out = await looked(watch.weight, partial(watch.add, piece))
                else:
                    out = await looked(watch.weight, watch.end) if piece.answer.outcome is Outcome.OK else ""
                    reply = await _with_its_calls(piece, watch)
                if watch.blocked:
                    answer = reply.answer if reply else progress.so_far()
                    reply = Reply(replace(answer, tool_calls=()), "content_filter")
                    out = "" if said else watch.instead
                if out:
                    said += out
                    yield out
    except GuardError as error:
        answer = progress.so_far()
        _log.error("request %s: %s", answer.row_id, error)
        failed = replace(answer, outcome=Outcome.APP_ERROR, text="", cause=str(error))
        yield Reply(failed, failure="guard", guarded=tuple(watch.done))
        return
    if reply.answer.outcome is Outcome.OK:
        reply = reply._replace(answer=replace(reply.answer, text=said), guarded=tuple(watch.done))
    yield reply


async def _with_its_calls(reply: Reply, watch: Watch) -> Reply:
    """Returns a reply with the arguments of its calls as the watch lets them go."""
    calls = reply.answer.tool_calls
    if not calls:
        return reply

    def look() -> tuple[ToolCall, ...]:
        return tuple(call._replace(arguments=watch.arguments(call.arguments)) for call in calls)

    let_go = await looked(watch.weight + sum(len(call.arguments) for call in calls), look)
    return reply._replace(answer=replace(reply.answer, tool_calls=let_go))
