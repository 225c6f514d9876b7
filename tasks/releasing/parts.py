"""What a release works on: the log, the registry's alias and the endpoint, each as small as a release needs it."""

from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from tasks.candidate import Candidate
from tasks.releasing.log import ReleaseLog


class Registry(Protocol):
    """Where the alias `champion` and the model versions are kept."""

    def champion_version(self, app: str) -> int | None:
        """Returns the version that the alias names, None where there is no alias."""

    def set_champion(self, app: str, version: int | None) -> None:
        """Points the alias at a version; None removes it."""

    def candidate_of(self, app: str, version: int) -> Candidate:
        """Returns the candidate that a version was registered from."""

    def gates_passed(self, app: str, version: int) -> bool:
        """Returns whether the version passed its gates."""


class Smoke(NamedTuple):
    """The one question that a new champion must answer before it counts as released."""

    question: str
    answer: str
    where: str
    """`endpoint` where the running endpoint answered, `process` where none runs, `none` where nothing can be served."""
    calls: int = 1


class Endpoint(Protocol):
    """Where the champion answers."""

    def take_up(self, candidate: str | None, version: int | None) -> None:
        """Makes a candidate the one that answers new requests; None: none answers.

        Raises:
            LifecycleError: it cannot be served; what answered before still does.
        """

    def smoke(self, candidate: str) -> Smoke:
        """Asks one question.

        Raises:
            LifecycleError: no answer, or not this candidate's.
        """


@dataclass(frozen=True)
class Parts:
    """What changes together when the champion of an app changes.

    Attributes:
        app: name of the app.
        log: the app's release log.
        registry: keeps the alias.
        endpoint: serves the champion.
        moved_by_hand: what happens to an alias that was moved by hand to a version that passed no gate.
    """

    app: str
    log: ReleaseLog
    registry: Registry
    endpoint: Endpoint
    moved_by_hand: Literal["refuse", "warn"] = "refuse"
