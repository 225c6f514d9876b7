"""The apps of one server, by the name that their clients call a model."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from aiohttp import web

from configs.errors import LifecycleError
from tasks.serving.embeddings import EmbeddingModel
from tasks.serving.keys import Key
from tasks.serving.metrics import Metrics, text_of
from tasks.serving.protocol import ProtocolError
from tasks.serving.record_file import RecordError
from tasks.serving.served_app import ServedApp, Unserved

_log = logging.getLogger(__name__)

Found = TypeVar("Found")

APP = web.RequestKey("app", str)
"""Name of the app that a request is about, once that is known."""


class Embedding(NamedTuple):
    """An app, and the model by which it embeds."""

    app: ServedApp
    model: EmbeddingModel


class ServedApps:
    """All of them.

    Args:
        served: those that are served.
        unserved: those that should be and cannot.

    Attributes:
        names: of all.
        only: the app where there is but one, None where there are several.
    """

    def __init__(self, served: Sequence[ServedApp], unserved: Sequence[Unserved] = ()) -> None:
        self.served = tuple(served)
        self.unserved = tuple(unserved)
        self._by_name = {app.name: app for app in served}
        self._others = Metrics("", lambda: 0, lambda: 0)
        self._errors: dict[str, LifecycleError] = {each.name: each.error for each in unserved}
        self.names = (*self._by_name, *self._errors)
        self.only = self.served[0] if len(self.served) == len(self.names) == 1 else None

    def of(self, request: web.Request, name: str, key: Key | None) -> ServedApp:
        """Returns the app that a request names, and notes that the request is about it.

        Raises:
            ProtocolError: 403, its key may not ask it; 404, there is none of that name; 503, it cannot be served.
        """
        app = self._app_named(name)
        if app is None:
            raise unknown_model(name, self.shown(key))
        request[APP] = app
        if key is not None and not key.may_ask(app):
            message = f"key {key.name} may not ask {app!r}; it may ask {', '.join(map(repr, key.apps))}"
            raise ProtocolError(403, message, "model_not_allowed", "model")
        if app in self._errors:
            raise ProtocolError(503, str(self._errors[app]), "not_servable")
        return self._by_name[app]

    def check(self, name: str, key: Key | None) -> None:
        """Refuses a name by which a key may ask nobody.

        Raises:
            ProtocolError: 404.
        """
        app = self._app_named(name)
        if app is None or not (key is None or key.may_ask(app)):
            raise unknown_model(name, self.shown(key))

    def _app_named(self, name: str) -> str | None:
        """Returns the app of a name, which may say as well who is to answer in it."""
        if name in self.names:
            return name
        return next((app.name for app in self.served if name in app.names), None)

    def embedding(self, request: web.Request, name: str, key: Key | None) -> Embedding:
        """Returns the app, and its embedding model, that a request for embeddings names: by its own name or the app's.

        Raises:
            ProtocolError: 400, the app has no embedding model; otherwise as `of`.
        """
        if name not in self.names:
            models = {app.name: app.embedding for app in self.served if app.name in self.allowed(key)}
            found = [app for app, model in models.items() if model is not None and model.name == name]
            if not found:
                raise unknown_model(name, [*models, *{model.name for model in models.values() if model}])
            name = found[0]
        app = self.of(request, name, key)
        if app.embedding is None:
            raise ProtocolError(
                400, f"app {name} has no documents, and so no embedding model", "no_embeddings", "model"
            )
        return Embedding(app, app.embedding)

    def named(self, name: str | None) -> tuple[ServedApp, ...]:
        """Returns the served app of a name, all where none is named.

        Raises:
            ProtocolError: 404, there is none of that name.
        """
        if name is None:
            return self.served
        if name not in self.names:
            raise unknown_model(name, self.names)
        return tuple(app for app in self.served if app.name == name)

    def health(self, name: str | None) -> list[dict[str, Any]]:
        """Returns how each app is, or the one that is named.

        Raises:
            ProtocolError: 404, there is none of that name.
        """
        served = [app.health() for app in self.named(name)]
        broken = [each for each in self.unserved if name in (None, each.name)]
        return served + [
            {"status": "unavailable", "app": each.name, "champion": None, "problems": [str(each.error)]}
            for each in broken
        ]

    def why_not_ready(self, name: str | None) -> dict[str, str]:
        """Returns why each app, or the one that is named, would not answer now; "" where it would.

        Raises:
            ProtocolError: 404, there is none of that name.
        """
        served = {app.name: app.why_not_ready() for app in self.named(name)}
        return served | {each.name: str(each.error) for each in self.unserved if name in (None, each.name)}

    def spent(self, key: str, since: datetime) -> float:
        """Returns what a key has cost in all apps since a moment, in US dollars."""
        return sum(app.store.spent(key, since) for app in self.served)

    async def found(self, key: Key | None, look: Callable[[ServedApp], Found | None]) -> Found | None:
        """Returns what a look at the record of an app that a key may ask finds first; None where there is nothing.

        What was answered before is in the record by then.

        Args:
            key: of who asks.
            look: at one app's, in a thread; raises RecordError where that is not possible.

        Raises:
            RecordError: a record cannot be looked at, or is behind for too long, and there is nothing in the others.
        """
        failed: RecordError | None = None
        for app in self.served:
            if app.name not in self.allowed(key):
                continue
            try:
                await app.caught_up()
                if (found := await asyncio.to_thread(look, app)) is not None:
                    return found
            except RecordError as error:
                failed = error
        if failed is not None:
            _log.error("%s", failed)
            raise failed
        return None

    def metrics_of(self, request: web.Request) -> Metrics:
        """Returns what counts a request: the counters of its app, or those of requests that are about none."""
        if self.only is not None:
            return self.only.metrics
        app = self._by_name.get(request.get(APP, ""))
        return self._others if app is None else app.metrics

    def metrics_text(self) -> bytes:
        """Returns all counters in Prometheus' form."""
        if self.only is not None:
            return text_of([self.only.metrics])
        return text_of([*(app.metrics for app in self.served), self._others])

    def allowed(self, key: Key | None) -> tuple[str, ...]:
        """Returns the apps that a key may ask."""
        return self.names if key is None else tuple(name for name in self.names if key.may_ask(name))

    def shown(self, key: Key | None) -> tuple[str, ...]:
        """Returns the names that a key may ask, with those of who answers in an app where there is a choice."""
        each = ((name, self._by_name.get(name)) for name in self.allowed(key))
        return tuple(shown for name, app in each for shown in (app.shown if app else (name,)))


def unknown_model(name: str, known: Sequence[str]) -> ProtocolError:
    """Returns the refusal of a name that is no app's."""
    told = ", ".join(map(repr, known)) or "none"
    message = f"no model {name[:80]!r} here; the model{'s are' if len(known) > 1 else ' is'} {told}"
    return ProtocolError(404, message, "model_not_found", "model")
