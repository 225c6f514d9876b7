"""What the judge of a rollout has seen so far.

It is read on from the store at each look, and from the beginning once it is known what counts as too much.
"""

from datetime import datetime

from configs.loading import LoadedApp
from configs.schema.release import Rollout as Rules
from tasks.rollout.measures import Measure, limits_of, measures_of
from tasks.rollout.observing import Observations
from tasks.rollout.stages import Rollout
from tasks.serving.flagging import abstention_phrases
from tasks.serving.record import RecordStore

LEAST = 20
"""Answers of the champion's that tell what is slow or dear."""
_LATEST = 1000
_AT_ONCE = 500


class Sight:
    """What was answered in one rollout, as its rules measure it.

    Args:
        loaded: the app, with the rules.
        rules: of the rollout.
        rollout: as it stands.
        store: the app's served requests.

    Attributes:
        unlimited: times and prices of which is not known yet what counts as too much; nothing is measured by them.
    """

    def __init__(self, loaded: LoadedApp, rules: Rules, rollout: Rollout, store: RecordStore) -> None:
        self._store = store
        self._opened = rollout.opened
        self._champion = rollout.champion or ""
        self._of = (rollout.opened.hash, rules)
        self._measures: tuple[Measure, ...] = measures_of(loaded, rules)
        self._phrases = abstention_phrases(loaded.app.scorers)
        self._place = 0
        self._begin(self._limits())

    def is_of(self, rollout: Rollout, rules: Rules) -> bool:
        """Returns whether this is what is seen of a rollout by these rules."""
        return self._of == (rollout.opened.hash, rules)

    def look(self) -> Observations:
        """Returns what was seen, up to the last recorded answer."""
        if self.unlimited and self._lacking(limits := self._limits()) != self.unlimited:
            self._begin(limits)
        while found := self._store.placed(self._opened.release, self._place, _AT_ONCE):
            self._seen.add(served for _, served in found if served.at.isoformat() >= self._opened.at)
            self._place = found[-1][0]
        return self._seen

    def _begin(self, limits: dict[str, float]) -> None:
        self.unlimited = self._lacking(limits)
        self._seen = Observations(self._measures, limits, self._phrases)
        self._place = 0

    def _lacking(self, limits: dict[str, float]) -> tuple[str, ...]:
        return tuple(each.name for each in self._measures if each.unbounded and each.name not in limits)

    def _limits(self) -> dict[str, float]:
        """Returns what counts as slow or dear, as the champion answered before the rollout, else as it began to in it.

        Whoever judges next comes to the same.
        """
        opened = datetime.fromisoformat(self._opened.at)
        before = limits_of(self._store.latest(self._champion, opened, _LATEST), self._measures, LEAST)
        if not self._lacking(before):
            return before
        return limits_of(self._store.earliest(self._champion, opened, LEAST), self._measures, LEAST) | before
