"""Looks at served requests after they were answered, in a thread of its own, and notes what is wrong with them."""

import logging
import threading
from collections.abc import Sequence

from configs.loading import LoadedApp
from configs.schema.scorer import ScorerConfig
from tasks.calling.answer import Outcome
from tasks.data.row import Row
from tasks.scoring.abstaining import ABSTENTIONS, abstains
from tasks.scoring.catalogue import SCORERS
from tasks.scoring.scorer import Scorer
from tasks.scoring.scoring import score
from tasks.serving.record import RecordError, RecordStore, Served

_log = logging.getLogger(__name__)

_SCORERS = ("pii_leak", "profanity")
_AT_ONCE = 50
_LOOK_EVERY_S = 1.0


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
    """The thread. Requests that were not looked at before a crash are looked at after the next start."""

    def __init__(self, store: RecordStore, loaded: LoadedApp) -> None:
        self._store = store
        self._loaded = loaded
        self._stopped = threading.Event()
        # A daemon: what it has not looked at waits in the store.
        self._thread = threading.Thread(target=self._run, name="flagging", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread after the request that it looks at."""
        self._stopped.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                flag_all(self._store, self._loaded, self._stopped)
            except RecordError as error:
                _log.warning("%s", error)
            self._stopped.wait(_LOOK_EVERY_S)
