"""Looks at one answer while it is written, and at the calls at its end; lets go what can be told to be harmless.

What is let go is final. So the end of the text is held back as far as it may become a part of something: personal data
as far as a number or a word goes on, a quotation as many words as make one. Swearing is told of the whole answer.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from configs.schema.guards import Guards, HarmGuard, LeakGuard, PiiGuard
from tasks.guarding.done import Done, failing_closed
from tasks.guarding.fields import texts_in, with_each_text
from tasks.guarding.harm import is_harmful
from tasks.guarding.holding import before_last_words, before_open_end
from tasks.guarding.leak import quotes
from tasks.guarding.redaction import TooMuchError, find
from tasks.scoring.personal import PersonalData, without
from tasks.scoring.words import tokens

_AT_ONCE = 64
"""Characters that are waited for between two looks: to look at every token would take longer than to write it on."""


class Watch:
    """Looks at one answer.

    Args:
        guards: what for.
        said: what the client has said: none of it is secret from it.
        whole: whether nothing is let go before the end: nobody reads on meanwhile.

    Attributes:
        done: what the guards did.
        instead: what a client reads in the place of an answer that was blocked.
        blocked: the guard that stopped the answer, "" while none did; nothing is let go any more then.
    """

    def __init__(self, guards: Guards, said: Iterable[str], *, whole: bool = False) -> None:
        self.done: list[Done] = []
        self.blocked, self.instead = "", guards.instead
        self._said = tuple(said)
        self._system: tuple[str, ...] = ()
        self._passages: tuple[str, ...] = ()
        self._known_pii: set[str] | None = None
        self._held, self._seen = "", 0
        by_kind = {guard.kind: guard for guard in guards.output}
        pii, leak, harm = by_kind.get("pii"), by_kind.get("leak"), by_kind.get("harm")
        self._pii = pii if isinstance(pii, PiiGuard) else None
        self._leak = leak if isinstance(leak, LeakGuard) else None
        self._harm = harm if isinstance(harm, HarmGuard) else None
        self._whole = whole or self._harm is not None

    @property
    def weight(self) -> int:
        """Characters that the next look may have to go through."""
        return len(self._held) + (sum(map(len, self._known)) if self._pii is not None else 0)

    def told(self, system: Sequence[str], passages: Sequence[str]) -> None:
        """Is told what the model was sent: its system messages, and the passages, which may be quoted."""
        self._system, self._passages = tuple(system), tuple(passages)

    def add(self, piece: str) -> str:
        """Takes a piece of the answer and returns what can be let go.

        Raises:
            GuardError: a guard failed.
        """
        if self.blocked:
            return ""
        self._held += piece
        if self._whole or len(self._held) - self._seen < _AT_ONCE:
            return ""
        out = self._let_go(whole=False)
        self._seen = len(self._held)
        return out

    def end(self) -> str:
        """Returns the rest of an answer that has ended.

        Raises:
            GuardError: a guard failed.
        """
        if self.blocked:
            return ""
        if self._is_harmful():
            return self._block("harm")
        return self._let_go(whole=True)

    def arguments(self, said: str) -> str:
        """Returns the arguments of a call as they are let go; they come whole, after the text.

        Args:
            said: JSON, or what else the model took for that.

        Raises:
            GuardError: a guard failed.
        """
        given = _parsed(said)
        self._held = " ".join(texts_in(given))  # what is spread over several of them is one text
        if not self.blocked and self._is_harmful():
            self._block("harm")
        if not self.blocked and self._quotes(whole=True):
            self._block("leak")
        self._held = ""
        let_go = given if self.blocked else self._redacted_in(given)
        if self.blocked:
            return ""
        if let_go == given:
            return said
        return str(let_go) if given is said else json.dumps(let_go, ensure_ascii=False)

    def _redacted_in(self, given: Any) -> Any:
        guard = self._pii
        return given if guard is None else with_each_text(given, lambda text: self._redacted(text, guard))

    def _is_harmful(self) -> bool:
        with failing_closed("harm"):
            return self._harm is not None and is_harmful(self._held, self._harm.threshold, self._harm.phrases)

    def _quotes(self, *, whole: bool) -> bool:
        if self._leak is None or not self._system:
            return False
        with failing_closed("leak"):
            words = tokens(self._held)
            # The last word may go on, and be another one then.
            return quotes(words if whole else words[:-1], self._system, self._known, self._leak.run)

    def _let_go(self, *, whole: bool) -> str:
        if self._quotes(whole=whole):
            return self._block("leak")
        end = len(self._held)
        if self._leak is not None and self._system and not whole:
            with failing_closed("leak"):
                end = before_last_words(self._held, self._leak.run)
        if self._pii is not None and not whole:
            with failing_closed("pii"):
                end = before_open_end(self._held[:end])
        out, self._held = self._held[:end], self._held[end:]
        return self._redacted(out, self._pii) if self._pii is not None else out

    def _redacted(self, text: str, guard: PiiGuard) -> str:
        with failing_closed("pii"):
            try:
                found = find(text, guard.kinds)
                found = self._new(text, found) if found else found
            except TooMuchError:
                return self._block("pii")
            if not found:
                return text
            if guard.action == "block":
                return self._block("pii")
            self._note(Done("pii", "output", "redact"))
            return without(text, found)

    def _new(self, text: str, found: Sequence[PersonalData]) -> list[PersonalData]:
        """Leaves out what the client has said or the passages hold: an address of the shop's is there to be told."""
        if self._known_pii is None:
            self._known_pii = {_bare(each[at.start : at.end]) for each in self._known for at in find(each)}
        return [at for at in found if _bare(text[at.start : at.end]) not in self._known_pii]

    @property
    def _known(self) -> tuple[str, ...]:
        return (*self._said, *self._passages)

    def _block(self, guard: str) -> str:
        self.blocked, self._held = guard, ""
        self._note(Done(guard, "output", "block"))
        return ""

    def _note(self, done: Done) -> None:
        if done not in self.done:
            self.done.append(done)


def _parsed(said: str) -> Any:
    try:
        return json.loads(said)
    except ValueError:
        return said


def _bare(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))
