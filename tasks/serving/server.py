"""The server of an app's champion."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from configs.errors import ConfigurationError, ReleaseError
from configs.loading import LoadedApp, load_app
from configs.settings import settings
from tasks.candidate import Candidate
from tasks.releasing.endpoint import first_row
from tasks.releasing.log import release_log
from tasks.releasing.parts import Registry
from tasks.results.store import Store
from tasks.retrieval.index import index_file
from tasks.serving.admission import Admission
from tasks.serving.champion import ChampionKeeper
from tasks.serving.doorkeeper import Doorkeeper
from tasks.serving.endpoint import Endpoint
from tasks.serving.flagging import Flagging
from tasks.serving.keys import key_ring, local_key
from tasks.serving.metrics import Metrics
from tasks.serving.quota import Quota
from tasks.serving.record import record_store
from tasks.serving.recording import Recorder
from tasks.serving.replying import replying
from tasks.serving.responder import Responder, open_responder
from tasks.serving.silence import Silence

_DRAIN_WITHIN_S = 30
HEAD_WITHIN_S = 20.0
"""Until the head of a connection's first request must be whole."""
SILENCE = web.AppKey("silence", Silence)


def serve(loaded: LoadedApp, host: str, port: int) -> None:
    """Serves the app's champion until the process is told to end; requests under way are answered first.

    Raises:
        ConfigurationError: the app has nothing to serve, or the address cannot be listened on.
    """
    from tasks.tracking import models

    asyncio.run(_serve(loaded, models, host, port))


async def _serve(loaded: LoadedApp, registry: Registry, host: str, port: int) -> None:
    ended = asyncio.Event()
    for signal_of in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_of, ended.set)
    try:
        async with listening(build(loaded, registry), host, port):
            await ended.wait()
    except OSError as error:
        raise ConfigurationError(
            f"{host}:{port} cannot be listened on: {error.strerror}; end what does, or set LIFECYCLE_ENDPOINT_PORT"
        ) from None


@asynccontextmanager
async def listening(api: web.Application, host: str, port: int) -> AsyncIterator[None]:
    """Listens while the block runs; then no request is taken any more, and those under way are answered."""
    runner = web.AppRunner(
        api,
        access_log=None,
        handler_cancellation=True,
        shutdown_timeout=_DRAIN_WITHIN_S,
        keepalive_timeout=75,
        # A few kilobytes of a compressed body would be megabytes, unpacked between two turns of the loop.
        auto_decompress=False,
        # What a refused client goes on to send is thrown away so long: a close at once would take the reply with it.
        lingering_time=2,
    )
    await runner.setup()
    watch = asyncio.create_task(api[SILENCE].watch(runner))
    try:
        await web.TCPSite(runner, host, port, backlog=1024).start()
        yield
    finally:
        watch.cancel()
        await runner.cleanup()


def build(loaded: LoadedApp, registry: Registry, reconcile_every_s: float = 5.0) -> web.Application:
    """Returns the application that serves an app's champion.

    Args:
        loaded: the app.
        registry: keeps the alias `champion`; may be out of reach at any time.
        reconcile_every_s: seconds between two looks at that alias.

    Raises:
        ConfigurationError: the app has nothing to serve.
    """
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
    admission = Admission(settings().endpoint_at_once)
    metrics = Metrics(app.name, lambda: admission.under_way, lambda: recorder.lost)

    async def life(_api: web.Application) -> AsyncIterator[None]:
        recorder.start()
        await keeper.start()
        flagging.start()
        yield
        await keeper.stop()
        await asyncio.to_thread(flagging.stop)
        await asyncio.to_thread(recorder.close)
        store.close()

    silence = Silence(HEAD_WITHIN_S)
    api = web.Application(middlewares=[replying(metrics, silence)])
    api[SILENCE] = silence
    api.cleanup_ctx.append(life)
    open_to_all = settings().api_key is None
    doorkeeper = Doorkeeper(key_ring(), local_key(), Quota(store.spent), open_to_all=open_to_all)
    Endpoint(app.name, app.datasets.columns, keeper, recorder, store, admission, metrics, doorkeeper).install(api)
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
