"""Who answers whom while a candidate is on trial: people are drawn by chance, and stay where they were drawn."""

import hashlib
from typing import Literal, NamedTuple

Arm = Literal["champion", "canary", "shadow", "watch"]
"""`champion` and `canary` answered a user, by chance; `shadow` answered a copy, off the user's path; `watch` is the
candidate after its promotion."""

_COPY = "-copy"


class Placed(NamedTuple):
    """What a served request says of a rollout.

    Attributes:
        release: id of the release on trial.
        arm: who answered.
        share: how probable the candidate was for this person at that time.
        person: digest of who asked; see `person_of`.
    """

    release: str
    arm: Arm
    share: float
    person: str


def person_of(user: str | None, first_message: str) -> str:
    """Returns a digest of who asks: of the client's name for the user, else of the conversation's first message.

    A key is no person: a service asks for all of its users with one.
    """
    said = f"user {user}" if user else f"conversation {first_message}"
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def is_drawn(release: str, person: str, share: float) -> bool:
    """Returns whether a person is among the share of a release; whoever is stays so when the share grows."""
    place = hashlib.sha256(f"{release} {person}".encode()).digest()[:8]
    return int.from_bytes(place, "big") / 2**64 < share


def copy_of(request: str) -> str:
    """Returns the id under which a copy's answer to a request is recorded."""
    return f"{request}{_COPY}"


def original_of(answer: str) -> str:
    """Returns the id of the request that an answer, or a copy's, belongs to."""
    return answer.removesuffix(_COPY)
