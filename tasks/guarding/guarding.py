"""The guards of one app, ready to look."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

from configs.schema.dataset import Columns
from configs.schema.guards import Guards, HarmGuard, InjectionGuard, PiiGuard
from tasks.curating.redacting import each_text
from tasks.data.row import Message, Row
from tasks.data.tool_turn import ToolTurn
from tasks.guarding.done import Done, failing_closed
from tasks.guarding.harm import is_harmful
from tasks.guarding.injection import injection_in
from tasks.guarding.redaction import TooMuchError, redact
from tasks.guarding.running import looked
from tasks.guarding.watch import Watch


class Passed(NamedTuple):
    """A request that was looked at.

    Attributes:
        row: the request, without what was redacted; also where it is blocked, for the record.
        done: what the guards did.
        blocked: the guard that blocks it; "" where none does.
        why: in which way, in a word; "" where there is but one.
    """

    row: Row
    done: tuple[Done, ...] = ()
    blocked: str = ""
    why: str = ""


class Guarding:
    """Looks at requests, and gives each answer its watch.

    Args:
        guards: what for.
        columns: the app's columns; which of them hold the conversation.
    """

    def __init__(self, guards: Guards, columns: Columns) -> None:
        self.guards = guards
        self._columns = columns

    @property
    def idle(self) -> bool:
        """Whether there is nothing to look for."""
        return not self.guards.input and not self.guards.output

    def prepare(self) -> None:
        """Loads what the guards look with, which takes seconds the first time."""
        guards = (*self.guards.input, *self.guards.output)
        if any(isinstance(guard, PiiGuard) for guard in guards):
            redact("mail nobody@example.com or call +1 202 555 0143")
        if any(isinstance(guard, HarmGuard) for guard in guards):
            is_harmful("a tent", 1.0)

    async def look(self, row: Row) -> Passed:
        """Returns a request as the guards let it pass.

        Raises:
            GuardError: one of them failed.
        """
        texts = tuple(dict.fromkeys(self._texts(row)))
        return await looked(sum(map(len, texts)), lambda: self._look(row, texts))

    def watch(self, row: Row, *, whole: bool) -> Watch | None:
        """Returns what looks at the answer to a row; None where there is nothing to look for.

        Args:
            row: the request, as it passed.
            whole: whether the answer is read in one piece.
        """
        return Watch(self.guards, self._texts(row, all_roles=True), whole=whole) if self.guards.output else None

    def _look(self, row: Row, texts: tuple[str, ...]) -> Passed:
        passed = Passed(row)
        # Personal data first: what is recorded of a request that another guard blocks has none either.
        for guard in sorted(self.guards.input, key=lambda guard: guard.kind != "pii"):
            with failing_closed(guard.kind):
                if isinstance(guard, PiiGuard):
                    passed = self._without_pii(row, guard)
                elif not passed.blocked and (why := _how(guard, texts)) is not None:
                    passed = _blocked(passed, guard.kind, why)
        return passed

    def _without_pii(self, row: Row, guard: PiiGuard) -> Passed:
        found: list[object] = []
        made: dict[str, str] = {}  # a request says its question twice: as a message and as a column

        def clean(text: str) -> str:
            if text not in made:
                done = redact(text, guard.kinds)
                found.extend(done.found)
                made[text] = done.text
            return made[text]

        try:
            cleaned = _each(row, clean)
        except TooMuchError:
            return _blocked(Passed(_each(row, lambda _: "<TOO_MUCH>")), "pii", "too much to be looked at")
        if not found:
            return Passed(row)
        if guard.action == "block":
            return _blocked(Passed(cleaned), "pii")
        return Passed(cleaned, (Done("pii", "input", "redact"),))

    def _texts(self, row: Row, *, all_roles: bool = False) -> Iterator[str]:
        """Yields what a client has said; answers that it sends along are the application's, and no attack."""
        yield from (message.content for message in row.messages if all_roles or message.role != "assistant")
        yield from (value for name, value in row.columns.items() if isinstance(value, str) and name not in self._said)

    @property
    def _said(self) -> tuple[str | None, str | None]:
        return self._columns.question, self._columns.messages


def _how(guard: InjectionGuard | HarmGuard, texts: tuple[str, ...]) -> str | None:
    """Returns in which way texts are what a guard looks for, "" where there is but one; None where they are not."""
    if isinstance(guard, InjectionGuard):
        return next(filter(None, map(injection_in, texts)), None)
    return "" if any(is_harmful(text, guard.threshold, guard.phrases) for text in texts) else None


def _each(row: Row, clean: Callable[[str], str]) -> Row:
    messages = tuple(_each_of_turn(message, clean) for message in row.messages)
    return replace(
        row, messages=messages, columns={name: each_text(value, clean) for name, value in row.columns.items()}
    )


def _each_of_turn(message: Message, clean: Callable[[str], str]) -> Message:
    if isinstance(message, ToolTurn):
        return message._replace(content=clean(message.content), fields=each_text(message.fields, clean))
    return message._replace(content=clean(message.content))


def _blocked(passed: Passed, guard: str, why: str = "") -> Passed:
    return passed._replace(done=(*passed.done, Done(guard, "input", "block")), blocked=guard, why=why)
