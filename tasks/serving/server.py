"""The server of an app's champion."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from configs.errors import ConfigurationError, ReleaseError
from configs.loading import LoadedApp, load_app
from configs.settings import settings
from tasks.candidate import Candidate
from tasks.releasing.endpoint import first_row
from tasks.releasing.log import release_log
from tasks.releasing.parts import Registry
from tasks.results.store import Store
from tasks.retrieval.index import index_file
from tasks.serving.champion import ChampionKeeper
from tasks.serving.endpoint import Endpoint
from tasks.serving.exchange import Recorder
from tasks.serving.flagging import Flagging
from tasks.serving.record import record_store
from tasks.serving.responder import Responder, open_responder

if TYPE_CHECKING:
    from fastapi import FastAPI

_DRAIN_WITHIN_S = 60


def serve(loaded: LoadedApp, host: str, port: int) -> None:
    """Serves the app's champion until the process is told to end; requests under way are answered first.

    Raises:
        ConfigurationError: the app has nothing to serve.
    """
    import uvicorn

    from tasks.tracking import models

    api = build(loaded, models)
    # The server drains on this signal and then raises it once more; being told to end is no failure.
    signal.signal(signal.SIGTERM, lambda *_: None)
    uvicorn.run(
        api, host=host, port=port, log_level="warning", access_log=False, timeout_graceful_shutdown=_DRAIN_WITHIN_S
    )


def build(loaded: LoadedApp, registry: Registry, reconcile_every_s: float = 5.0) -> "FastAPI":
    """Returns the application that serves an app's champion.

    Args:
        loaded: the app.
        registry: keeps the alias `champion`; may be out of reach at any time.
        reconcile_every_s: seconds between two looks at that alias.

    Raises:
        ConfigurationError: the app has nothing to serve.
    """
    from fastapi import FastAPI

    app = loaded.app
    if app.target.kind == "answers":
        raise ConfigurationError(
            f"app {app.name}: a target of kind `answers` cannot be served: its answers exist already; "
            f"evaluate and gate it, or give it a target that answers"
        )
    store = record_store(app.name)
    recorder = Recorder(store)
    flagging = Flagging(store, loaded)

    keeper = ChampionKeeper(
        app.name,
        release_log(app.name),
        registry,
        lambda candidate, version: _open(loaded, registry, candidate, version),
        lambda: first_row(loaded),
        moved_by_hand=app.release.moved_by_hand,
        reconcile_every_s=reconcile_every_s,
    )

    @asynccontextmanager
    async def lifespan(_api: FastAPI) -> AsyncIterator[None]:
        await keeper.start()
        flagging.start()
        try:
            yield
        finally:
            await keeper.stop()
            flagging.stop()
            recorder.close()
            store.close()

    # No pages about the API: theirs load from other hosts, and would answer without the key.
    api = FastAPI(title=app.name, openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)
    Endpoint(app.name, app.datasets.columns, keeper, recorder, settings().api_key).install(api)
    return api


async def _open(loaded: LoadedApp, registry: Registry, candidate: str, version: int) -> Responder:
    """Makes a candidate ready; models that were configured since the start are known to it."""
    fresh = await asyncio.to_thread(load_app, str(loaded.folder))
    found = await asyncio.to_thread(_candidate, loaded.app.name, registry, candidate, version)
    return await open_responder(found, fresh)


def _candidate(app: str, registry: Registry, candidate: str, version: int) -> Candidate:
    """Returns a candidate from this machine; where it, or its index, is missing, both come from the registry."""
    store = Store(settings().folder("results", app))
    stored = store.load_candidate(candidate)
    if stored is not None and _has_index(stored):
        return stored
    found = registry.candidate_of(app, version)
    if found.digest != candidate:
        raise ReleaseError(
            f"{app}: model version {version} holds candidate {found.digest[:8]}, the release log says "
            f"{candidate[:8]}; roll back to a version that is what it says"
        )
    store.save_candidate(found)
    return found


def _has_index(candidate: Candidate) -> bool:
    retrieval = candidate.retrieval
    return retrieval is None or index_file(settings().folder("indexes"), retrieval.index).exists()
