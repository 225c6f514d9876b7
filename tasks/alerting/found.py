"""What a source finds wrong at one look, as plain values."""

from typing import Literal, NamedTuple

Severity = Literal["warning", "error", "critical"]
SEVERITIES: tuple[Severity, ...] = ("warning", "error", "critical")
"""From what can wait to what cannot."""

_EXAMPLES = 3
_READ = 2000
_SHOWN = 280
_TITLE = 200
_REASON = 1000


class Found(NamedTuple):
    """One thing that is wrong now.

    Attributes:
        key: what it is about; the same thing has the same key at every look of its source.
        severity: how bad it is.
        title: what is wrong, in a few words.
        reason: what changed, in numbers.
        examples: texts that show it; three at most are kept, without personal data.
        link: where to look: an MLflow run, a page in Prefect.
        candidate: digest of the candidate that it is about; "" for none.
        event: name of a Prefect event by which work starts when this is new; "" for none.
    """

    key: str
    severity: Severity
    title: str
    reason: str
    examples: tuple[str, ...] = ()
    link: str = ""
    candidate: str = ""
    event: str = ""

    def presentable(self) -> "Found":
        """Returns it as it may be kept and sent: short, and its examples without personal data and without secrets."""
        return self._replace(
            title=_clipped(self.title, _TITLE),
            reason=_clipped(self.reason, _REASON),
            examples=tuple(presentable_text(text) for text in self.examples[:_EXAMPLES]),
        )


def presentable_text(text: str) -> str:
    """Returns a text as it may be kept and shown: short, without personal data, and none of one that holds a secret."""
    from tasks.curating.redacting import redacted
    from tasks.curating.secrets import secret_in

    if kind := secret_in(text):
        return f"(left out: it holds what looks like a secret, {kind})"
    # Before it is cut: half an address is not recognised.
    return _clipped(redacted(" ".join(text.split())[:_READ]).text, _SHOWN)


def _clipped(text: str, longest: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
