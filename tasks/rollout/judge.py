"""The judge of an app's rollouts: looks at what was answered, and takes the step that follows.

It lives beside the endpoint and remembers nothing that is not on the disk: whoever takes its place goes on where it
was. Only people approve; it begins no rollout and skips no gate, and what it cannot see counts for nothing.
"""

import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from configs.errors import LifecycleError
from configs.loading import LoadedApp, load_app
from configs.schema.release import Rollout as Rules
from tasks.releasing.entry import Entry, Stage
from tasks.releasing.log import ReleaseLog
from tasks.releasing.parts import Parts
from tasks.releasing.promote import rollback
from tasks.releasing.release import parts_of
from tasks.rollout.deciding import Decision, decide, found_of
from tasks.rollout.opening import AT_ONCE, first_step, promote_rollout
from tasks.rollout.report import show_life, write_report
from tasks.rollout.seeing import LEAST, Sight
from tasks.rollout.stages import Rollout, rollout_of, step
from tasks.serving.record import RecordStore

_log = logging.getLogger(__name__)

WHO = "rollout"
"""Who takes the steps that nobody took by hand."""
_REPORT_EVERY_S = 15.0


def as_written(loaded: LoadedApp) -> LoadedApp:
    """Returns an app as its folder has it now.

    Raises:
        ConfigurationError: it is written wrongly.
    """
    return load_app(str(loaded.folder))


class Judge:
    """Judges one app's rollouts, one look at a time.

    Args:
        loaded: the app.
        store: its served requests.
        log: its release log.
        parts: gives what a promotion or a rollback works on.
        read: reads the app again at each step of a rollout, since people write its rules after this began to live.

    Attributes:
        problem: why the last look failed, "" where it did not; None before there was one.
    """

    def __init__(
        self,
        loaded: LoadedApp,
        store: RecordStore,
        log: ReleaseLog,
        parts: Callable[[LoadedApp], Parts] = parts_of,
        read: Callable[[LoadedApp], LoadedApp] = as_written,
    ) -> None:
        self.problem: str | None = None
        self._loaded = loaded
        self._app = loaded.app.name
        self._store = store
        self._parts = parts
        self._read = read
        self._log = log
        self._sight: Sight | None = None
        self._step = ""
        self._reported = 0.0

    def look(self) -> None:
        """Takes the step that follows from what was answered; does nothing where no rollout is under way.

        The sign of life comes last: where a judge cannot do what it decides, nobody is to meet the candidate.

        Raises:
            LifecycleError: the log was altered, the app is written wrongly, or the step failed; the next look tries
                again.
        """
        try:
            self._look()
        except Exception as error:
            self.problem = str(error) if isinstance(error, LifecycleError) else f"{type(error).__name__}: {error}"
            raise
        self.problem = ""

    def _look(self) -> None:
        entries = self._log.entries()
        rollout = rollout_of(entries)
        if rollout is None:
            self._sight = None
            return
        if self._step != rollout.latest.hash:
            self._loaded, self._step = self._read(self._loaded), rollout.latest.hash
        rules = self._loaded.app.release.rollout
        decision = _champion_changed(rollout, entries) or self._decided(rollout, rules, entries)
        if decision is not None and decision.what != "wait":
            _log.warning("%s: %s: %s", self._app, decision.what, decision.why)
            self._take(rollout, decision)
        show_life(self._app)
        if decision is not None:
            self._report(rollout, rules, decision)

    def _decided(self, rollout: Rollout, rules: Rules | None, entries: Sequence[Entry]) -> Decision | None:
        if rules is None:
            return _without_rules(rollout)
        if rollout.promoted and rollout.stage != "watch":
            return Decision("promote", "promoted")  # and killed before the step after it
        if rollout.stage == "approved":
            return Decision("begin", rollout.latest.why)
        if rollout.stage == "proposed":
            return None
        if self._sight is None or not self._sight.is_of(rollout, rules):
            self._sight = Sight(self._loaded, rules, rollout, self._store)
        now, began = datetime.now(UTC), _began(rollout, entries)
        decision = decide(rollout, rules, self._sight.look(), now, began)
        if not self._sight.unlimited or decision.what in ("end", "roll back"):
            return decision
        lacking = (
            f"the champion has not given {LEAST} answers by which to know what is too much of "
            f"{', '.join(self._sight.unlimited)}"
        )
        return Decision("end" if now - began > timedelta(hours=rules.within_hours) else "wait", lacking)

    def _report(self, rollout: Rollout, rules: Rules | None, decision: Decision) -> None:
        """Writes what was seen. Where that fails people miss it; the rollout does not."""
        if decision.what == "wait" and time.monotonic() - self._reported < _REPORT_EVERY_S:
            return
        self._reported = time.monotonic()
        try:
            seen = self._sight.look() if self._sight and rules else None
            write_report(self._app, rollout, decision, found_of(rollout, rules, seen) if seen and rules else ())
        except LifecycleError as error:
            _log.warning("%s: %s", self._app, error)

    def _take(self, rollout: Rollout, decision: Decision) -> None:
        if decision.what == "begin":
            self._begin(rollout, decision.why)
        elif decision.what == "canary":
            step(self._log, rollout, "canary", evidence={"share": decision.share}, who=WHO, why=decision.why)
        elif decision.what == "end":
            step(self._log, rollout, "ended", who=WHO, why=decision.why)
        elif decision.what == "settle":
            step(self._log, rollout, "settled", who=WHO, why=decision.why)
        elif decision.what == "promote":
            self._promote(rollout, decision.why)
        else:
            self._roll_back(rollout, decision.why)

    def _begin(self, rollout: Rollout, why: str) -> None:
        rules = self._loaded.app.release.rollout
        if rules is not None:
            stage, evidence = first_step(rules)
            step(self._log, rollout, stage, evidence=evidence, who=WHO, why=why)

    def _promote(self, rollout: Rollout, why: str) -> None:
        try:
            if not rollout.promoted:
                promote_rollout(self._parts(self._loaded), rollout, who=WHO, why=why)
                rollout = rollout._replace(promoted=True)
        except LifecycleError as error:
            step(self._log, rollout, "ended", who=WHO, why=f"its promotion failed: {error}")
            raise
        rules = self._loaded.app.release.rollout
        if rules is None:
            step(self._log, rollout, "settled", who=WHO, why=AT_ONCE)
        else:
            step(self._log, rollout, "watch", who=WHO, why=f"watched for {rules.watch_minutes:g} minutes")

    def _roll_back(self, rollout: Rollout, why: str) -> None:
        rollback(self._parts(self._loaded), version=rollout.champion_version, who=WHO, why=why)
        step(self._log, rollout, "ended", who=WHO, why=why)


def _champion_changed(rollout: Rollout, entries: Sequence[Entry]) -> Decision | None:
    committed = next((entry for entry in reversed(entries) if entry.kind == "commit"), None)
    expected = rollout.candidate if rollout.promoted else rollout.champion
    if committed is not None and committed.candidate == expected:
        return None
    return Decision("end", "another one is champion now")


def _began(rollout: Rollout, entries: Sequence[Entry]) -> datetime:
    """Returns when the candidate was first asked, or promoted."""
    stages: tuple[Stage, ...] = ("watch",) if rollout.promoted else ("shadow", "canary")
    since = entries[rollout.opened.sequence - 1 :]
    steps = (entry for entry in since if entry.release == rollout.release and entry.stage in stages)
    return datetime.fromisoformat(next(steps).at)


def _without_rules(rollout: Rollout) -> Decision | None:
    """What was only approved is promoted at once, and settled then; what is on trial cannot go on."""
    if rollout.promoted:
        return Decision("settle", AT_ONCE)
    if rollout.stage == "approved":
        return Decision("promote", rollout.latest.why)
    return Decision("end", "`release.rollout` is not configured any more") if rollout.answers else None
