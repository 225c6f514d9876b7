"""A served request as a row of the table `served`."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tasks.calling.answer import Answer, Latency, Outcome, Passage, ToolCall, Usage
from tasks.data.row import Message
from tasks.data.tool_turn import message_of
from tasks.guarding.done import Done
from tasks.rollout.placing import Placed
from tasks.serving.served import Served

FIELDS = (
    "id, at, candidate, version, row_id, messages, columns, outcome, cause, answer, sent, context, input_tokens, "
    "output_tokens, cached_tokens, price, latency_total, latency_first_token, latency_per_token, flags, key, "
    "trial, arm, share, person, passed, tool_calls, fallback, guarded"
)


def values_of(served: Served) -> tuple[Any, ...]:
    """Returns a request's values, in the order of `FIELDS`."""
    answer, placed = served.answer, served.placed
    return (
        served.id,
        served.at.isoformat(),
        served.candidate,
        served.version,
        served.row_id,
        _json([message._asdict() for message in served.messages]),
        _json(served.columns),
        answer.outcome.value,
        answer.cause,
        answer.text,
        _json([message._asdict() for message in answer.messages]),
        _json([passage._asdict() for passage in answer.context]),
        *answer.usage,
        answer.price,
        *answer.latency,
        None if served.flags is None else _json(served.flags),
        served.key,
        *((placed.release, placed.arm, placed.share, placed.person) if placed else ("", "", 0.0, "")),
        _json(served.passed) if served.passed else "",
        _json([call._asdict() for call in answer.tool_calls]) if answer.tool_calls else "",
        served.fallback,
        _json(served.guarded),
    )


def served_of(row: Sequence[Any]) -> Served:
    """Returns the request of a table's row that begins with the values of `FIELDS`."""
    answer = Answer(
        row_id=row[0],
        outcome=Outcome(row[7]),
        cause=row[8],
        text=row[9],
        messages=_messages(row[10]),
        context=tuple(Passage(**passage) for passage in json.loads(row[11])),
        usage=Usage(*row[12:15]),
        price=row[15],
        latency=Latency(*row[16:19]),
        attempts=1,
        tool_calls=tuple(ToolCall(**call) for call in json.loads(row[26] or "[]")),
    )
    return Served(
        id=row[0],
        at=datetime.fromisoformat(row[1]),
        candidate=row[2],
        version=row[3],
        row_id=row[4],
        messages=_messages(row[5]),
        columns=json.loads(row[6]),
        answer=answer,
        flags=None if row[19] is None else tuple(json.loads(row[19])),
        key=row[20],
        placed=Placed(*row[21:25]) if row[21] else None,
        passed=json.loads(row[25] or "{}"),
        fallback=row[27],
        guarded=tuple(Done(*done) for done in json.loads(row[28])),
    )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _messages(text: str) -> tuple[Message, ...]:
    return tuple(message_of(message) for message in json.loads(text))
