"""A world small enough to crash at every point: a registry and an endpoint in memory around a real release log."""

from dataclasses import dataclass, field

import pytest

from configs.errors import EndpointError, ReleaseError
from configs.schema.app import Parameters
from configs.schema.target import PromptTarget
from tasks.candidate import Candidate, Prompt, TemplateMessage
from tasks.gating.verdict import Decision, Verdict
from tasks.releasing.log import ReleaseLog
from tasks.releasing.parts import Parts, Smoke


class Crash(BaseException):
    """The process died here: nothing after this point ran."""


@dataclass
class World:
    """Registry and endpoint at once; every side effect is a point at which the process can be made to die."""

    log: ReleaseLog
    alias: int | None = None
    served: str | None = None
    versions: dict[int, Candidate] = field(default_factory=dict)
    gated: set[int] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    moved_by_hand: str = "refuse"
    die_at: int | None = None
    points: int = 0

    def __post_init__(self):
        append = self.log.append

        def dying(kind, **facts):
            self._point()
            entry = append(kind, **facts)
            self._point()
            return entry

        self.log.append = dying

    @property
    def parts(self):
        return Parts("shop", self.log, self, self, self.moved_by_hand)

    def _point(self):
        self.points += 1
        if self.points == self.die_at:
            raise Crash

    def champion_version(self, app):
        return self.alias

    def set_champion(self, app, version):
        self._point()
        if version is not None and version not in self.versions:
            raise ReleaseError(f"no version {version}")
        self.alias = version
        self._point()

    def candidate_of(self, app, version):
        if version not in self.versions:
            raise ReleaseError(f"version {version} holds no candidate")
        return self.versions[version]

    def gates_passed(self, app, version):
        return version in self.gated

    def take_up(self, candidate, version):
        self._point()
        self.served = candidate
        self._point()

    def smoke(self, candidate):
        self._point()
        if self.served in self.broken:
            raise EndpointError("the model answered 500; start it")
        assert self.served == candidate
        return Smoke("hello?", "hello", "endpoint")

    def look(self):
        """What a running endpoint does when nobody is changing the champion: serve the last commit."""
        committed = self.log.committed()
        self.served = committed.candidate if committed else None

    def register(self, name, gates=True):
        """Registers a candidate that answers with the prompt `name`."""
        prompt = Prompt(name=name, messages=(TemplateMessage(role="user", template=name + " {{ question }}"),))
        candidate = Candidate(
            app="shop", target=PromptTarget(kind="prompt"), prompt=prompt, model="m", parameters=Parameters()
        )
        version = next((v for v, known in self.versions.items() if known == candidate), len(self.versions) + 1)
        self.versions[version] = candidate
        if gates:
            self.gated.add(version)
        return candidate, version

    def agree(self):
        """True where log, alias and endpoint name the same candidate."""
        committed = self.log.committed()
        if committed is None:
            return self.alias is None and self.served is None
        return (self.alias, self.served) == (committed.version, committed.candidate)


def passed(candidate, decision=Decision.PASS):
    return tuple(
        Verdict(gate=gate, decision=decision, candidate=candidate.digest, champion=None, evaluations=(), rules=())
        for gate in ("sample", "release")
    )


@pytest.fixture
def world(tmp_path):
    return World(ReleaseLog(tmp_path / "releases" / "shop.jsonl"))


@pytest.fixture(scope="session")
def new_world(tmp_path_factory):
    return lambda: World(ReleaseLog(tmp_path_factory.mktemp("world") / "shop.jsonl"))


@pytest.fixture(scope="session")
def verdicts():
    return passed


@pytest.fixture(scope="session")
def crash():
    return Crash
