"""One entry of the release log: a line of canonical JSON that carries its own hash and that of the line before."""

import hashlib
import json
from typing import Any, Literal

from pydantic import Field

from configs.schema.base import Frozen
from tasks.gating.verdict import Verdict

Kind = Literal["intent", "commit", "abort", "alias_moved", "stage"]
"""`intent` and `alias_moved` open a change of the champion, `commit` and `abort` close it; `stage` is a step of a
rollout, which changes no champion."""

Action = Literal["promote", "rollback", "adopt", "restore"]
"""What changes the champion: a release, a step back, or an alias moved by hand that is taken over or moved back."""

Stage = Literal["proposed", "approved", "declined", "shadow", "canary", "watch", "settled", "ended"]
"""Steps of a rollout: proposed to a person and answered by one; copies; a share of the users; watched after the
promotion, until nothing is left to watch (`settled`); or given up, or still unproven after its time (`ended`)."""

GENESIS = "0" * 64
"""`previous_hash` of the first entry."""


class Entry(Frozen):
    """What happened to an app's champion, when, through whom and why."""

    sequence: int = Field(ge=1)
    """1 for the first entry."""
    at: str
    """Time in UTC, ISO 8601."""
    kind: Kind
    action: Action
    stage: Stage | None = None
    """Step of a rollout; None where the champion changes."""
    release: str
    """Id of the release; every entry of one change carries the same."""
    candidate: str
    """Digest of the candidate that is to be, or is, champion; "" where an alias was moved to something that is none."""
    version: int = Field(ge=0)
    """Its model version; 0 where the alias was removed."""
    previous_candidate: str | None = None
    """Digest of the champion before; None for the first."""
    previous_version: int | None = None
    """Its model version."""
    bootstrap: bool = False
    """True for the first champion, which no gate has judged."""
    verdicts: tuple[Verdict, ...] = ()
    """The gates' decisions that the release stands on."""
    evidence: dict[str, Any] = Field(default_factory=dict)
    """What else it stands on: evaluations, dataset digests, links."""
    who: str
    why: str
    previous_hash: str
    hash: str

    @property
    def open(self) -> bool:
        """True where a change was begun that this entry does not end."""
        return self.kind in ("intent", "alias_moved")


def line_of(content: dict[str, Any]) -> bytes:
    """Returns the one line that holds `content`: keys sorted, no spaces, UTF-8."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace")


def hash_of(content: dict[str, Any]) -> str:
    """Returns the SHA-256 of an entry's content, its own `hash` left out."""
    return hashlib.sha256(line_of({key: value for key, value in content.items() if key != "hash"})).hexdigest()
