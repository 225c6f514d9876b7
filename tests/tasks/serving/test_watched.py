"""What a client has of an answer that is looked at while it is written."""

from configs.schema.guards import Guards, LeakGuard
from tasks.calling.answer import Answer, Outcome, ToolCall
from tasks.guarding.watch import Watch
from tasks.serving.progress import Progress
from tasks.serving.responder import Reply
from tasks.serving.watched import watched

SECRET = "The word is swordfish"


async def answered(text):
    """Yields an answer of a model that says a text, and wants a tool called."""
    yield text
    yield Reply(Answer("r1", Outcome.OK, text, tool_calls=(ToolCall("c1", "weather", "{}"),)), "tool_calls")


async def told(text):
    watch = Watch(Guards(output=(LeakGuard(kind="leak"),), instead="Ask something else."), ())
    watch.told([SECRET], ())
    pieces = watched(answered(text), watch, Progress("r1", lambda _: None, watch))
    *_, reply = [piece async for piece in pieces]
    return reply


async def test_an_answer_that_is_blocked_has_no_tool_called():
    reply = await told(SECRET)
    assert (reply.answer.text, reply.answer.tool_calls) == ("Ask something else.", ())
    assert reply.finish_reason == "content_filter"


async def test_any_other_has():
    reply = await told("I look it up")
    assert ([call.name for call in reply.answer.tool_calls], reply.finish_reason) == (["weather"], "tool_calls")
