"""Drift of texts: each stretch of fresh ones is compared with those that came before it, once."""

import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np

from tasks.statistics.change import Evidence
from tasks.statistics.novelty import new_groups
from tasks.statistics.two_sample import Vectors, most_changed, permutation_rank
from tasks.watching.vectors import WORDS, weighed

KNOWN = 1000
"""Texts that later ones are compared with; once there are so many, no further ones join them."""
_EXAMPLES = 3
_REMEMBERED = 100
_SEED = 20261129
_SHARPNESS, _SHARPNESS_OF_WORDS = 3.0, 1.0
"""Of those measured (Banking77's intents and invented topics, 30 % of the mass moved) the ones that see most."""


class Shift(NamedTuple):
    """A drift that was found.

    Attributes:
        began: label of the first text of the stretch with which it most likely began.
        found: label of the last text of the stretch with which it was found.
        typical: ids of the texts that stand most for what there is more of.
        seen: time of the look.
    """

    began: str
    found: str
    typical: tuple[str, ...]
    seen: str


class Topic(NamedTuple):
    """Texts of one stretch that are alike and far from everything known.

    Attributes:
        members: their ids, the most typical first.
        found: label of the stretch's last text.
        seen: time of the look.
    """

    members: tuple[str, ...]
    found: str
    seen: str


def _none() -> Vectors:
    return np.zeros((0, 0), np.float32)


@dataclass
class Drift:
    """How far the comparison of one kind of text has come.

    Attributes:
        space: what the vectors are vectors of.
        entered: number of the request that was recorded last of those that have entered.
        known: vectors of the texts that later ones are compared with.
        waiting: vectors of those that make no whole stretch yet.
        ids: theirs.
        labels: theirs.
        stretches: how many were compared.
        compared: time of the look that compared one last; "" before the first.
        evidence: of the ranks.
        ranks: of the stretches so far, the newest last; small where a stretch differs from what was before it.
        shifts: drifts that were found, the newest last.
        topics: new topics that were found, the newest last.
    """

    space: str
    entered: int = 0
    known: Vectors = field(default_factory=_none)
    waiting: Vectors = field(default_factory=_none)
    ids: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    stretches: int = 0
    compared: str = ""
    evidence: Evidence = field(default_factory=Evidence)
    ranks: list[float] = field(default_factory=list)
    shifts: list[Shift] = field(default_factory=list)
    topics: list[Topic] = field(default_factory=list)

    def enter(
        self, ids: Sequence[str], labels: Sequence[str], vectors: Vectors, size: int, every: float, seen: str = ""
    ) -> None:
        """Enters texts in their order, and compares each whole stretch of them.

        The first stretch is what the second is compared with; then each joins those before it, so that its rank is
        exactly uniform and tells nothing of the others' as long as nothing changes, until there are `KNOWN`; after an
        alarm as before it.

        Args:
            ids: of the texts.
            labels: by which alarms name the texts, such as the times at which they came.
            vectors: of the texts.
            size: texts of a stretch.
            every: on average there is one false alarm in so many stretches at most.
            seen: time of the look.
        """
        if not len(vectors):
            return
        self.waiting = np.vstack([self.waiting, vectors]) if len(self.waiting) else vectors
        self.ids, self.labels = [*self.ids, *ids], [*self.labels, *labels]
        while len(self.ids) >= size:
            fresh = self.waiting[:size]
            if len(self.known):
                self._compare(fresh, self.ids[:size], self.labels[:size], every, seen)
            if len(self.known) < KNOWN:
                self.known = np.vstack([self.known, fresh]) if len(self.known) else fresh
            self.waiting, self.ids, self.labels = self.waiting[size:], self.ids[size:], self.labels[size:]

    def _compare(self, fresh: Vectors, ids: Sequence[str], labels: Sequence[str], every: float, seen: str) -> None:
        self.stretches, self.compared = self.stretches + 1, seen
        known, sharpness = self.known, _SHARPNESS
        if self.space == WORDS:
            (known, fresh), sharpness = weighed(known, fresh), _SHARPNESS_OF_WORDS
        rank = permutation_rank(known, fresh, sharpness, np.random.default_rng([_SEED, self.stretches]))
        self.ranks = [*self.ranks, rank][-_REMEMBERED:]
        # A change begins with the first text of a stretch, and is found with its last.
        alarm = self.evidence.enter(rank, labels[0], "far higher", every)
        if alarm:
            typical = tuple(ids[at] for at in most_changed(known, fresh, sharpness, _EXAMPLES))
            self.shifts = [*self.shifts, Shift(alarm.began, labels[-1], typical, seen)][-_REMEMBERED:]
        for group in new_groups(known, fresh):
            members = tuple(ids[at] for at in group.members)
            self.topics = [*self.topics, Topic(members, labels[-1], seen)][-_REMEMBERED:]

    def to_bytes(self) -> bytes:
        """Returns it in the form in which it is kept."""
        facts: dict[str, Any] = {
            "space": self.space,
            "entered": self.entered,
            "ids": self.ids,
            "labels": self.labels,
            "stretches": self.stretches,
            "compared": self.compared,
            "evidence": asdict(self.evidence),
            "ranks": self.ranks,
            "shifts": self.shifts,
            "topics": self.topics,
        }
        content = io.BytesIO()
        np.savez(content, known=self.known, waiting=self.waiting, facts=np.array(json.dumps(facts)))
        return content.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> "Drift":
        """Returns what `to_bytes` kept."""
        with np.load(io.BytesIO(content), allow_pickle=False) as found:
            facts = json.loads(str(found["facts"]))
            facts.pop("settled", None)  # of files that were written when an alarm ended the joining
            facts["evidence"] = Evidence(**facts["evidence"])
            facts["shifts"] = [Shift(began, at, tuple(typical), seen) for began, at, typical, seen in facts["shifts"]]
            facts["topics"] = [Topic(tuple(members), at, seen) for members, at, seen in facts["topics"]]
            return cls(known=found["known"], waiting=found["waiting"], **facts)
