"""Guards of an app's endpoint: what a request and an answer are looked at for, and what is done then."""

from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from configs.schema.base import Frozen

PiiKind = Literal[
    "EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "IBAN_CODE", "IP_ADDRESS", "US_SSN", "KR_RRN"
]  # fmt: skip
"""Kinds of personal data that are recognised, by presidio's names."""

_ALL: tuple[PiiKind, ...] = get_args(PiiKind)


class PiiGuard(Frozen):
    """Personal data, as the scorer `pii_leak` recognises them."""

    kind: Literal["pii"]
    """`pii`."""
    action: Literal["redact", "block"] = "redact"
    """`redact` puts the kind's name in the place of what was found, `<EMAIL_ADDRESS>`; `block` answers nothing."""
    kinds: tuple[PiiKind, ...] = Field(_ALL, min_length=1)
    """Kinds that count."""


class InjectionGuard(Frozen):
    """A request that would change the application's instructions, or read them."""

    kind: Literal["injection"]
    """`injection`."""


class HarmGuard(Frozen):
    """Swearing, as the scorer `profanity` recognises it, and phrases of the app's own."""

    kind: Literal["harm"]
    """`harm`."""
    threshold: float = Field(0.8, gt=0, le=1)
    """Probability of swearing from which on it counts."""
    phrases: tuple[Annotated[str, Field(pattern=r"\w")], ...] = ()
    """What counts as well, word by word, whatever its case: the scorer knows English alone."""


class LeakGuard(Frozen):
    """An answer that quotes the system message."""

    kind: Literal["leak"]
    """`leak`."""
    run: int = Field(12, ge=4, le=100)
    """Words of the system message, one after the other, that make a quotation; a shorter message counts whole."""


InputGuard = Annotated[PiiGuard | InjectionGuard | HarmGuard, Field(discriminator="kind")]
OutputGuard = Annotated[PiiGuard | LeakGuard | HarmGuard, Field(discriminator="kind")]


class Guards(Frozen):
    """What stands between a client and the application. Nothing where nothing is named."""

    input: tuple[InputGuard, ...] = ()
    """What a request is looked at for, before anything else sees it."""
    output: tuple[OutputGuard, ...] = ()
    """What an answer is looked at for, before the client sees it."""
    instead: str = Field("I cannot answer that.", min_length=1)
    """What a client reads in the place of an answer that was blocked."""

    @model_validator(mode="after")
    def _each_once(self) -> "Guards":
        for side, guards in (("input", self.input), ("output", self.output)):
            kinds = [guard.kind for guard in guards]
            if twice := next((kind for kind in kinds if kinds.count(kind) > 1), None):
                raise ValueError(f"`{side}` names the guard {twice!r} twice; name it once")
        return self
