"""Looks at served requests after they were answered, in a process of its own, and notes what is wrong with them."""

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Sequence

from configs.loading import LoadedApp, load_app
from configs.schema.scorer import ScorerConfig
from tasks.calling.answer import Outcome
from tasks.data.row import Row
from tasks.scoring.abstaining import ABSTENTIONS, abstains
from tasks.scoring.catalogue import SCORERS
from tasks.scoring.scorer import Scorer
from tasks.scoring.scoring import score
from tasks.serving.record import RecordStore, Served, record_store
from tasks.serving.record_file import RecordError

_log = logging.getLogger(__name__)

_SCORERS = ("pii_leak", "profanity")
_AT_ONCE = 50
_LOOK_EVERY_S = 1.0
_END_WITHIN_S = 8.0
_NICE = 10
"""Answers come first."""


def flags_of(served: Served, loaded: LoadedApp) -> tuple[str, ...]:
    """Returns what is wrong with a served request: `error`, `abstained`, `pii_leak`, `profanity`.

    The two scorers run with the app's settings where it names them, with the usual ones where it does not. A client
    that went away is no fault of the answer.
    """
    if served.answer.outcome is Outcome.SKIPPED:
        return ()
    if served.answer.outcome is not Outcome.OK:
        return ("error",)
    row = Row(id=served.id, messages=served.messages, columns=served.columns)
    found = [each.metric for each in score([row], [served.answer], _scorers(loaded)) if each.value]
    abstained = ["abstained"] if abstains(served.answer.text, abstention_phrases(loaded.app.scorers)) else []
    return (*abstained, *found)


def abstention_phrases(scorers: Sequence[ScorerConfig]) -> tuple[str, ...]:
    """Returns the phrases by which the app's own scorer `abstention` recognises an abstention, else the usual ones."""
    for config in scorers:
        phrases = config.settings.get("phrases")
        if (config.scorer or config.name) == "abstention" and isinstance(phrases, tuple):
            return phrases
    return ABSTENTIONS


def _scorers(loaded: LoadedApp) -> list[Scorer]:
    plain = {
        config.name: SCORERS[config.name].configured(config, config.settings)
        for config in loaded.app.scorers
        if config.name in _SCORERS and config.scorer in (None, config.name) and config.file is None
    }
    return [plain.get(name, SCORERS[name]) for name in _SCORERS]


def flag_all(store: RecordStore, loaded: LoadedApp, stopped: threading.Event | None = None) -> None:
    """Looks at every request that has not been looked at yet, until `stopped`."""
    while found := store.unflagged(_AT_ONCE):
        for served in found:
            if stopped is not None and stopped.is_set():
                return
            store.flag([(served.id, flags_of(served, loaded))])


class Flagging:
    """Has requests looked at by a process of its own, which is started once there is something to look at.

    In this process it would take from each answer the time in which Python lets another thread run. Requests that were
    not looked at before a crash are looked at after the next start.

    Args:
        store: the app's served requests.
        loaded: the app.
    """

    def __init__(self, store: RecordStore, loaded: LoadedApp) -> None:
        self._store = store
        self._folder = str(loaded.folder)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="flagging", daemon=True)

    def start(self) -> None:
        """Starts to watch for requests."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the process after the request that it looks at."""
        self._stopped.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._stopped.wait(_LOOK_EVERY_S):
            try:
                if self._waiting():
                    self._look_on()
            except OSError as error:
                _log.warning("requests are not looked at: %s", error)

    def _waiting(self) -> bool:
        try:
            return bool(self._store.unflagged(1))
        except RecordError as error:
            _log.warning("%s", error)
            return False

    def _look_on(self) -> None:
        """Runs the process until it ends or this is stopped; one that ends by itself is started again."""
        command = [sys.executable, "-m", "tasks.serving.flagging", self._folder]
        with subprocess.Popen(command, stdin=subprocess.PIPE) as process:  # noqa: S603 a fixed command
            while process.poll() is None and not self._stopped.wait(_LOOK_EVERY_S):
                pass
            if process.poll() is None:
                try:
                    process.communicate(timeout=_END_WITHIN_S)  # the end of its input tells it
                except subprocess.TimeoutExpired:
                    process.kill()
                return
            _log.warning("requests are not looked at: the process that did ended with %d", process.returncode)


def main() -> None:
    """Looks at an app's requests until its standard input ends, also where whoever started it was killed."""
    os.nice(_NICE)
    stopped = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        stopped.set()

    threading.Thread(target=wait, daemon=True).start()
    loaded = load_app(sys.argv[1])
    with record_store(loaded.app.name) as store:
        while not stopped.is_set():
            try:
                flag_all(store, loaded, stopped)
            except RecordError as error:
                _log.warning("%s", error)
            stopped.wait(_LOOK_EVERY_S)


if __name__ == "__main__":
    main()
