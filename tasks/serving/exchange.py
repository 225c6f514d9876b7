"""One request from its beginning to its record: it ends with the champion it began with, and is on the disk by then."""

import asyncio
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from configs.schema.dataset import Columns
from tasks.calling.answer import Answer, Outcome
from tasks.data.row import Row
from tasks.serving.champion import Champion
from tasks.serving.protocol import ChatRequest
from tasks.serving.record import Served
from tasks.serving.recording import Recorder
from tasks.serving.responder import Reply

_RESERVED = ("row_id", "question", "messages")
"""Metadata that are no prompt variables: what they would name is in the messages."""

_GONE = "the client went away before the answer ended"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and who answers it."""

    id: str
    at: datetime
    champion: Champion
    row: Row
    row_id: str
    key: str
    recorder: Recorder

    @classmethod
    def begin(
        cls,
        asked: ChatRequest,
        champion: Champion,
        columns: Columns,
        recorder: Recorder,
        played: str = "",
        key: str = "",
    ) -> "Exchange":
        """Begins one. Its metadata are prompt variables, but for what the messages say.

        Args:
            asked: the request.
            champion: who answers it.
            columns: roles of the columns that its messages fill.
            recorder: writes it.
            played: id of the row of the production dataset that is played; "" for a user's request.
            key: id of the key that it was sent with; "" for none.
        """
        identity, messages, metadata = f"chatcmpl-{uuid.uuid4().hex}", asked.messages, asked.metadata or {}
        variables: dict[str, Any] = {key: value for key, value in metadata.items() if key not in _RESERVED}
        if columns.question:
            variables[columns.question] = messages[-1].content
        if columns.messages:
            variables[columns.messages] = [message._asdict() for message in messages]
        row = Row(id=identity, messages=messages, columns=variables)
        return cls(identity, datetime.now(UTC), champion, row, played, key, recorder)

    async def replies(self) -> AsyncGenerator[str | Reply]:
        """Yields the answer's text piece by piece, then the whole reply once it has been recorded."""
        text, recorded = "", False
        try:
            async with aclosing(self.champion.responder.stream(self.row)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, str):
                        text += piece
                    else:
                        recorded = True
                        await self.recorder.record(self._served(piece.answer))
                    yield piece
        except (asyncio.CancelledError, GeneratorExit):
            if not recorded:
                self.recorder.record_later(self._served(Answer(self.id, Outcome.SKIPPED, text, _GONE, attempts=1)))
            raise

    def _served(self, answer: Answer) -> Served:
        shown = {key: value for key, value in self.row.columns.items() if isinstance(value, str | int | float | None)}
        return Served(
            id=self.id,
            at=self.at,
            candidate=self.champion.candidate,
            version=self.champion.version,
            row_id=self.row_id,
            messages=self.row.messages,
            columns=shown,
            answer=replace(answer, row_id=self.id),
            key=self.key,
        )
