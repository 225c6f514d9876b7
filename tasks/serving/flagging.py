"""Looks at served requests after they were answered, and notes what is wrong with them."""

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
from tasks.serving.record import RecordStore
from tasks.serving.served import Served

_SCORERS = ("pii_leak", "profanity")
_AT_ONCE = 50


def flags_of(served: Served, loaded: LoadedApp) -> tuple[str, ...]:
    """Returns what is wrong with a served request: `guard:pii` and the like, `error`, `fallback`, `abstained`, scorers.

    Those two, `pii_leak` and `profanity`, run with the app's settings where it names them, with the usual ones where it
    does not. A client that went away is no fault of the answer.
    """
    guards = tuple(dict.fromkeys(f"guard:{done.guard}" for done in served.guarded))
    if served.answer.outcome is Outcome.SKIPPED:
        return guards
    if served.answer.outcome is not Outcome.OK:
        return (*guards, "error")
    row = Row(id=served.id, messages=served.messages, columns=served.columns)
    found = [each.metric for each in score([row], [served.answer], _scorers(loaded)) if each.value]
    abstained = ["abstained"] if abstains(served.answer.text, abstention_phrases(loaded.app.scorers)) else []
    return (*guards, *(["fallback"] if served.fallback else []), *abstained, *found)


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
        flagged = []
        for served in found:
            if stopped is not None and stopped.is_set():
                break
            flagged.append((served.id, flags_of(served, loaded)))
        store.flag(flagged)  # at once: each time that is written takes longer than a look
        if len(flagged) < len(found):
            return
