"""The server of the champions of some apps."""

import asyncio
import gc
import logging
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from configs.errors import ConfigurationError, LifecycleError, ReleaseError
from configs.loading import LoadedApp, load_app
from configs.settings import settings
from tasks.candidate import Candidate
from tasks.guarding.guarding import Guarding
from tasks.releasing.endpoint import first_row
from tasks.releasing.log import release_log
from tasks.releasing.parts import Registry
from tasks.results.store import Store
from tasks.retrieval.index import index_file
from tasks.serving.admission import Admission
from tasks.serving.alarm import Alarm
from tasks.serving.beside import Beside
from tasks.serving.champion import ChampionKeeper
from tasks.serving.chat import Chat
from tasks.serving.doorkeeper import Doorkeeper
from tasks.serving.endpoint import Endpoint
from tasks.serving.keys import key_ring, local_key
from tasks.serving.origins import Origins
from tasks.serving.quota import Quota
from tasks.serving.record import record_store
from tasks.serving.recording import Recorder
from tasks.serving.replying import replying
from tasks.serving.responder import Responder, open_responder
from tasks.serving.served_app import ServedApp, Unserved
from tasks.serving.served_apps import ServedApps
from tasks.serving.silence import Silence

_log = logging.getLogger(__name__)

_DRAIN_WITHIN_S = 30
HEAD_WITHIN_S = 20.0
"""Until the head of a connection's first request must be whole."""
SILENCE = web.AppKey("silence", Silence)
ORIGINS = web.AppKey("origins", Origins)


def serve(apps: Sequence[str], host: str, port: int) -> None:
    """Serves the champions of some apps until the process is told to end; requests under way are answered first.

    Args:
        apps: names or paths.
        host: address to listen on.
        port: port to listen on.

    Raises:
        ConfigurationError: none of the apps can be served, two have one name, or the address cannot be listened on.
    """
    import mlflow  # noqa: F401  # before anybody waits for an answer: it takes seconds
    import uvloop

    from tasks.tracking import models

    loaded = [_loaded(name) for name in apps]
    uvloop.run(_serve(loaded, models, host, port))


async def _serve(apps: Sequence[LoadedApp | Unserved], registry: Registry, host: str, port: int) -> None:
    ended = asyncio.Event()
    for signal_of in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_of, ended.set)
    try:
        async with listening(build(apps, registry), host, port):
            # What is there by now stays: to look through all of it for garbage would hold an answer up.
            gc.collect()
            gc.freeze()
            await ended.wait()
    except OSError as error:
        raise ConfigurationError(
            f"{host}:{port} cannot be listened on: {error.strerror}; end what does, or set LIFECYCLE_ENDPOINT_PORT"
        ) from None


def _loaded(name: str) -> LoadedApp | Unserved:
    try:
        return load_app(name)
    except LifecycleError as error:
        folder = Path(name).parent if name.endswith("app.yaml") else Path(name)
        return Unserved(folder.name, error)


@asynccontextmanager
async def listening(api: web.Application, host: str, port: int) -> AsyncIterator[None]:
    """Listens while the block runs; then no request is taken any more, and those under way are answered."""
    api[ORIGINS].bound(host)
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


def build(apps: Sequence[LoadedApp | Unserved], registry: Registry, reconcile_every_s: float = 5.0) -> web.Application:
    """Returns the application that serves the champions of some apps.

    An app that cannot be served takes none of the others down: whoever asks it is told why, and so is `/health`.

    Args:
        apps: the apps, and those that could not be loaded.
        registry: keeps the alias `champion`; may be out of reach at any time.
        reconcile_every_s: seconds between two looks at that alias.

    Raises:
        LifecycleError: none of the apps can be served, or two have one name.
    """
    names = [app.name if isinstance(app, Unserved) else app.app.name for app in apps]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ConfigurationError(f"two apps are named {twice!r}; rename one of them, or serve them apart")
    opened = [app if isinstance(app, Unserved) else _opened(app, registry, reconcile_every_s) for app in apps]
    unserved = [app for app in opened if isinstance(app, Unserved)]
    served = ServedApps([app for app in opened if isinstance(app, ServedApp)], unserved)
    if not served.served:
        raise unserved[0].error
    for each in unserved:
        _log.error("app %s is not served: %s", each.name, each.error)
    admission = Admission(settings().endpoint_at_once)

    async def life(_api: web.Application) -> AsyncIterator[None]:
        await asyncio.gather(*(app.start() for app in served.served))
        yield
        await asyncio.gather(*(app.stop() for app in served.served))

    open_to_all = settings().api_key is None
    doorkeeper = Doorkeeper(key_ring(), local_key(), Quota(served.spent), open_to_all=open_to_all)
    silence, origins = Silence(HEAD_WITHIN_S), Origins(lambda: doorkeeper.open_to_all)
    api = web.Application(middlewares=[replying(served.metrics_of, silence, origins)])
    api[SILENCE], api[ORIGINS] = silence, origins
    api.cleanup_ctx.append(life)
    Endpoint(served, admission, doorkeeper).install(api)
    Chat(served, doorkeeper).install(api)
    return api


def _opened(loaded: LoadedApp, registry: Registry, reconcile_every_s: float) -> ServedApp | Unserved:
    app = loaded.app
    if app.target.kind == "answers":
        why = (
            f"app {app.name}: a target of kind `answers` cannot be served: its answers exist already; "
            f"evaluate and gate it, or give it a target that answers"
        )
        return Unserved(app.name, ConfigurationError(why))
    try:
        store = record_store(app.name)
    except LifecycleError as error:
        return Unserved(app.name, error)
    keeper = ChampionKeeper(
        app.name,
        release_log(app.name),
        registry,
        lambda candidate, version: _open(loaded, registry, candidate, version),
        lambda: first_row(loaded),
        moved_by_hand=app.release.moved_by_hand,
        reconcile_every_s=reconcile_every_s,
    )
    guarding = Guarding(app.guards, app.datasets.columns)
    return ServedApp(loaded, keeper, store, Recorder(store), Beside(store, loaded), guarding, Alarm(app, keeper))


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
