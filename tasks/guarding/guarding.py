"""The guards of one app, ready to look."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

from configs.schema.dataset import Columns
from configs.schema.guards import Guards, HarmGuard, InjectionGuard, PiiGuard
from tasks.curating.redacting import each_text
from tasks.data.row import Message, Row
from tasks.data.tool_turn import ToolTurn
from tasks.guarding.done import Done, failing_closed
from tasks.guarding.fields import texts_in, with_each_text
from tasks.guarding.harm import is_harmful
from tasks.guarding.injection import injection_in
from tasks.guarding.redaction import TooMuchError, redact
from tasks.guarding.running import looked
from tasks.guarding.watch import Watch

_A_TEXT = 200
"""Characters that take as long as it takes to begin with a text, however short."""
_NO_FIELDS: Mapping[str, Any] = MappingProxyType({})


class Passed(NamedTuple):
    """A request that was looked at.

    Attributes:
        row: the request, without what was redacted; also where it is blocked, for the record.
        fields: what goes on to the model beside it, likewise.
        done: what the guards did.
        blocked: the guard that blocks it; "" where none does.
        why: in which way, in a word; "" where there is but one.
    """

    row: Row
    fields: Mapping[str, Any] = _NO_FIELDS
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

    async def look(self, row: Row, fields: Mapping[str, Any] = _NO_FIELDS) -> Passed:
        """Returns a request as the guards let it pass.

        Args:
            row: the request.
            fields: what goes on to the model beside it; their names and descriptions are a client's words as well.

        Raises:
            GuardError: one of them failed.
        """
        texts = tuple(dict.fromkeys((*self._texts(row), *texts_in(fields))))
        weight = sum(map(len, texts)) + _A_TEXT * len(texts)
        return await looked(weight, lambda: self._look(Passed(row, fields), texts))

    def unseen(self, row: Row, fields: Mapping[str, Any] = _NO_FIELDS) -> Passed:
        """Returns a request without its texts, for the record: what no guard could look at may be anything."""
        return _each(Passed(row, fields), lambda _: "<NOT_LOOKED_AT>")

    def comment(self, text: str) -> str:
        """Returns what a person says of an answer without personal data, where those are looked for in requests.

        Raises:
            GuardError: that failed, or there is too much to be looked at.
        """
        guard = next((each for each in self.guards.input if isinstance(each, PiiGuard)), None)
        if guard is None:
            return text
        with failing_closed("pii"):
            return redact(text, guard.kinds).text

    def watch(self, row: Row, *, whole: bool) -> Watch | None:
        """Returns what looks at the answer to a row; None where there is nothing to look for.

        Args:
            row: the request, as it passed.
            whole: whether the answer is read in one piece.
        """
        return Watch(self.guards, self._texts(row, all_roles=True), whole=whole) if self.guards.output else None

    def _look(self, passed: Passed, texts: tuple[str, ...]) -> Passed:
        # Personal data first: what is recorded of a request that another guard blocks has none either.
        for guard in sorted(self.guards.input, key=lambda guard: guard.kind != "pii"):
            with failing_closed(guard.kind):
                if isinstance(guard, PiiGuard):
                    passed = _without_pii(passed, guard)
                elif not passed.blocked and (why := _how(guard, texts)) is not None:
                    passed = _blocked(passed, guard.kind, why)
        return passed

    def _texts(self, row: Row, *, all_roles: bool = False) -> Iterator[str]:
        """Yields what a client has said; answers that it sends along are the application's, and no attack."""
        yield from (message.content for message in row.messages if all_roles or message.role != "assistant")
        yield from (value for name, value in row.columns.items() if isinstance(value, str) and name not in self._said)

    @property
    def _said(self) -> tuple[str | None, str | None]:
        return self._columns.question, self._columns.messages


def _without_pii(passed: Passed, guard: PiiGuard) -> Passed:
    found: list[object] = []
    made: dict[str, str] = {}  # a request says its question twice: as a message and as a column

    def clean(text: str) -> str:
        if text not in made:
            done = redact(text, guard.kinds)
            found.extend(done.found)
            made[text] = done.text
        return made[text]

    try:
        cleaned = _each(passed, clean)
    except TooMuchError:
        return _blocked(_each(passed, lambda _: "<TOO_MUCH>"), "pii", "too much to be looked at")
    if not found:
        return passed
    if guard.action == "block":
        return _blocked(cleaned, "pii")
    return cleaned._replace(done=(Done("pii", "input", "redact"),))


def _how(guard: InjectionGuard | HarmGuard, texts: tuple[str, ...]) -> str | None:
    """Returns in which way texts are what a guard looks for, "" where there is but one; None where they are not."""
    if isinstance(guard, InjectionGuard):
        return next(filter(None, map(injection_in, texts)), None)
    return "" if any(is_harmful(text, guard.threshold, guard.phrases) for text in texts) else None


def _each(passed: Passed, clean: Callable[[str], str]) -> Passed:
    row = passed.row
    messages = tuple(_each_of_turn(message, clean) for message in row.messages)
    columns = {name: each_text(value, clean) for name, value in row.columns.items()}
    fields = {name: with_each_text(value, clean) for name, value in passed.fields.items()}
    return passed._replace(row=replace(row, messages=messages, columns=columns), fields=fields)


def _each_of_turn(message: Message, clean: Callable[[str], str]) -> Message:
    if isinstance(message, ToolTurn):
        return message._replace(content=clean(message.content), fields=each_text(message.fields, clean))
    return message._replace(content=clean(message.content))


def _blocked(passed: Passed, guard: str, why: str = "") -> Passed:
    return passed._replace(done=(*passed.done, Done(guard, "input", "block")), blocked=guard, why=why)
