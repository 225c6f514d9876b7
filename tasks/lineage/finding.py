"""Finds the candidate that a person means, in whichever app it is."""

from pathlib import Path
from typing import NamedTuple, cast

from configs.errors import ConfigurationError
from configs.settings import settings
from tasks.candidate import Candidate
from tasks.releasing.log import release_log
from tasks.results.finding import find_candidates
from tasks.results.marks import Mark, marked
from tasks.results.store import Store


class Found(NamedTuple):
    """A candidate, and the app that it is of."""

    app: str
    store: Store
    candidate: Candidate


def found(word: str, app: str | None) -> Found:
    """Returns the candidate that a word means.

    Args:
        word: `champion`, `best`, `latest`, a released version (`v3`, or 3), or a digest or its beginning.
        app: name of the app; for a digest any app's where not given.

    Raises:
        ConfigurationError: there is none, or several.
    """
    if word in ("best", "latest"):
        return _marked(cast("Mark", word), app)
    version = word.removeprefix("v")
    if word == "champion" or (version.isdecimal() and len(version) < 4):
        return _released(version, app)
    places = settings().folder("results").glob("*/candidates") if app is None else (_folder(app) / "candidates",)
    stores = [Store(place.parent) for place in sorted(places)]
    matches = [Found(store.folder.name, store, each) for store in stores for each in find_candidates(store, word)]
    if len(matches) == 1:
        return matches[0]
    known = ", ".join(f"{each.candidate.digest[:8]} ({each.app})" for each in matches[:10])
    many = f"{len(matches)} candidates begin so: {known}; give more digits" if matches else "no candidate begins so"
    raise ConfigurationError(f"{word!r}: {many}; `lifecycle compare` and MLflow show their digests")


def _marked(word: Mark, app: str | None) -> Found:
    if app is None:
        raise ConfigurationError(f"{word!r} is of an app: name it with --app")
    store = Store(_folder(app))
    candidate = marked(store, word)
    if candidate is None:
        raise ConfigurationError(f"app {app} has no {word} candidate yet; run explore or loop first")
    return Found(app, store, candidate)


def _released(word: str, app: str | None) -> Found:
    if app is None:
        raise ConfigurationError(f"{word!r} is of an app: name it with --app")
    entries = [entry for entry in release_log(app).entries() if entry.kind == "commit"]
    if word != "champion":
        entries = [entry for entry in entries if entry.version == int(word)]
    store = Store(_folder(app))
    candidate = store.load_candidate(entries[-1].candidate) if entries else None
    if candidate is None:
        what = (
            "has no champion yet; run deploy or loop first" if word == "champion" else f"never released version {word}"
        )
        raise ConfigurationError(f"app {app} {what}")
    return Found(app, store, candidate)


def _folder(app: str) -> Path:
    return settings().folder("results", app)
