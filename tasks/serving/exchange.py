"""One request from its beginning to its record: it ends with the champion that it began with."""

import asyncio
import logging
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from configs.errors import MissingVariableError
from configs.schema.dataset import Columns
from tasks.calling.answer import Answer, Outcome
from tasks.calling.failures import FailureKind
from tasks.calling.passed import NOTHING, Passed
from tasks.data.row import Row
from tasks.guarding.done import Done
from tasks.guarding.watch import Watch
from tasks.rollout.placing import Placed, copy_of
from tasks.serving.asked import Instead
from tasks.serving.champion import Champion
from tasks.serving.progress import Progress
from tasks.serving.protocol import ChatRequest
from tasks.serving.recording import Recorder
from tasks.serving.responder import Reply
from tasks.serving.served import Served
from tasks.serving.watched import watched

_log = logging.getLogger(__name__)

_RESERVED = ("row_id", "question", "messages")
"""Metadata that are no prompt variables: what they would name is in the messages."""

_GONE = "the client went away before the answer ended"


@dataclass(slots=True)
class Exchange:
    """One request and who answers it.

    Attributes:
        fallback: name of the model that answers instead of the champion's; "" where none does. Known with the first
            piece.
        guarded: what guards did to the request.
        watch: looks at the answer; None where nothing does.
        waits: whether its answer ends only once it is on the disk, or that takes long.
        recorded: whether it was on the disk once its answer ended; False where that was not waited for.
    """

    id: str
    at: datetime
    champion: Champion
    row: Row
    row_id: str
    key: str
    recorder: Recorder
    placed: Placed | None = None
    passed: Passed = NOTHING
    fallback: str = ""
    guarded: tuple[Done, ...] = ()
    watch: Watch | None = None
    waits: bool = False
    recorded: bool = False

    @classmethod
    def begin(
        cls,
        asked: ChatRequest,
        champion: Champion,
        columns: Columns,
        recorder: Recorder,
        played: str = "",
        key: str = "",
        placed: Placed | None = None,
        *,
        waits: bool = False,
    ) -> "Exchange":
        """Begins one. Its metadata are prompt variables, but for what the messages say.

        Args:
            asked: the request.
            champion: who answers it.
            columns: roles of the columns that its messages fill.
            recorder: writes it.
            played: id of the row of the production dataset that is played; "" for a user's request.
            key: id of the key that it was sent with; "" for none.
            placed: what it says of a rollout.
            waits: whether its answer ends only once it is on the disk.
        """
        identity, messages, metadata = f"{asked.id_prefix}{uuid.uuid4().hex}", asked.messages, asked.metadata or {}
        variables: dict[str, Any] = {key: value for key, value in metadata.items() if key not in _RESERVED}
        if columns.question:
            variables[columns.question] = messages[-1].content
        if columns.messages:
            variables[columns.messages] = [message._asdict() for message in messages]
        row = Row(id=identity, messages=messages, columns=variables)
        at = datetime.now(UTC)
        return cls(identity, at, champion, row, played, key, recorder, placed, asked.passed, waits=waits)

    def copy_for(self, candidate: Champion, release: str, watch: Watch | None) -> "Exchange":
        """Returns the same request for a candidate on trial, whose answer reaches nobody."""
        identity, person = copy_of(self.id), self.placed.person if self.placed else ""
        return replace(
            self,
            id=identity,
            at=datetime.now(UTC),
            champion=candidate,
            row=replace(self.row, id=identity),
            row_id="",
            key="",
            placed=Placed(release, "shadow", 0.0, person),
            fallback="",
            watch=watch,
            waits=False,
        )

    async def replies(self, ended: Callable[[Reply], None]) -> AsyncGenerator[str | Reply]:
        """Yields the answer's text piece by piece, then the whole reply.

        Args:
            ended: is told the reply once there is one; also where the client has left, with what there is of it then.

        Raises:
            MissingVariableError: the request lacks a variable of the prompt; raised before any text.
        """
        said, whole = "", False
        responder = self.champion.responder
        progress = Progress(self.id, responder.price, self.watch)
        pieces = responder.stream(self.row, self.passed, progress.told)
        if self.watch is not None:
            pieces = watched(pieces, self.watch, progress)
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    if isinstance(piece, Instead):
                        self.fallback = piece.model
                        continue
                    if isinstance(piece, str):
                        said += piece
                        if self.watch is None:
                            progress.pieces.append(piece)
                        yield piece
                        continue
                    whole = True
                    reply = self._of_who_answers(piece)
                    ended(reply)
                    await self.record(reply.answer, reply.guarded)
                    yield reply
        except (asyncio.CancelledError, GeneratorExit):
            if not whole:
                self._left(replace(progress.so_far(), outcome=Outcome.SKIPPED, text=said, cause=_GONE), ended)
            raise
        except MissingVariableError as error:
            await self._failed(replace(progress.so_far(), text="", cause=str(error)), ended)
            raise
        except Exception as error:
            if whole:
                raise
            _log.exception("request %s could not be answered", self.id)
            cause = f"{type(error).__name__}: {error}"
            yield await self._failed(replace(progress.so_far(), text="", cause=cause), ended)

    async def _failed(self, answer: Answer, ended: Callable[[Reply], None]) -> Reply:
        failed = Reply(replace(answer, outcome=Outcome.APP_ERROR))
        ended(failed)
        await self.record(failed.answer)
        return failed

    def _of_who_answers(self, reply: Reply) -> Reply:
        """Returns a reply; where the model refuses the client's own tools or form, as one that nobody else failed in.

        A copy's is left: another model has answered the same.
        """
        if reply.failure is not FailureKind.REJECTED or self.passed is NOTHING or self._is_copy:
            return reply
        self.placed = None
        return reply._replace(answer=replace(reply.answer, outcome=Outcome.SKIPPED))

    @property
    def _is_copy(self) -> bool:
        return self.placed is not None and self.placed.arm == "shadow"

    def _left(self, answer: Answer, ended: Callable[[Reply], None]) -> None:
        ended(Reply(answer))
        if not self._is_copy:  # a copy that is ended says nothing
            self.recorder.record_soon(self._served(answer, tuple(self.watch.done) if self.watch else ()))

    async def record(self, answer: Answer, guarded: tuple[Done, ...] = ()) -> None:
        """Records what came of it, and what guards did to the answer."""
        served = self._served(answer, guarded)
        if self.waits:
            self.recorded = await self.recorder.record(served)
        else:
            self.recorder.record_soon(served)

    @property
    def acknowledged(self) -> dict[str, str]:
        """The header that says whether the request is on the disk; none where that was not waited for."""
        return {"x-lifecycle-recorded": "yes" if self.recorded else "no"} if self.waits else {}

    def _served(self, answer: Answer, guarded: tuple[Done, ...]) -> Served:
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
            placed=self.placed,
            passed=self._passed_on(),
            fallback=self.fallback,
            guarded=(*self.guarded, *guarded),
        )

    def _passed_on(self) -> dict[str, Any]:
        turns = [turn._asdict() for turn in self.passed.turns]
        return {**self.passed.fields, "turns": turns} if turns else dict(self.passed.fields)
