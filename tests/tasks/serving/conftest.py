"""A shop served by a real server over the simulated model endpoint; only the registry is in memory."""

import asyncio
import json
import threading
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial

import pytest
import yaml

from benchmarks.ports import free_ports
from configs.errors import ReleaseError, StackError
from configs.loading import load_app
from configs.settings import settings
from infra.simulator.behaviour import Behaviour, Fault
from infra.simulator.running import simulated
from tasks.calling.endpoint import endpoint_model
from tasks.candidate import Candidate, Prompt, TemplateMessage
from tasks.gating.verdict import Decision, Verdict
from tasks.releasing.endpoint import endpoint_of
from tasks.releasing.log import release_log
from tasks.releasing.parts import Parts
from tasks.releasing.promote import promote
from tasks.results.store import Store
from tasks.serving import beside
from tasks.serving.keys import local_key
from tasks.serving.record import record_store

APP = """
name: shop
description: Answers questions of customers.
target: {kind: prompt}
prompts: [a.prompty]
models: [echo]
retrieval: {documents: documents.jsonl, embedding_model: vectors}
datasets: {sample: sample.jsonl, full: sample.jsonl, production: production.jsonl, columns: {reference: reference}}
scorers: [{name: token_f1}, {name: profanity}]
gates:
  sample: {rules: [{metric: token_f1, at_least: 0.5}]}
  release: {rules: [{metric: token_f1, at_least: 0.5}]}
explore: {rank_by: token_f1}
monitor: {min_requests: 3, limits: [{metric: error_rate, at_most: 0.1}, {metric: token_f1, drop_at_most: 0.1}]}
"""


@contextmanager
def serving(api, port):
    """Runs a server in a thread until the block ends; then it drains as on SIGTERM."""
    import uvloop

    from tasks.serving.server import listening

    started, end = threading.Event(), []

    async def serve():
        ended = asyncio.Event()
        async with listening(api, "127.0.0.1", port):
            end.append(partial(asyncio.get_running_loop().call_soon_threadsafe, ended.set))
            started.set()
            await ended.wait()

    thread = threading.Thread(target=lambda: uvloop.run(serve()))
    thread.start()
    assert started.wait(20), "the server did not start"
    try:
        yield
    finally:
        end[0]()
        thread.join(timeout=20)
        assert not thread.is_alive(), "the server did not end"


class Registry:
    """MLflow's part, in memory; `away` makes it unreachable."""

    def __init__(self):
        self.alias = None
        self.away = False
        self.versions = {}
        self.gated = set()

    def _reach(self):
        if self.away:
            raise StackError("MLflow does not answer; run `lifecycle up`")

    def champion_version(self, app):
        self._reach()
        return self.alias

    def set_champion(self, app, version):
        self._reach()
        self.alias = version

    def candidate_of(self, app, version):
        self._reach()
        if version not in self.versions:
            raise ReleaseError(f"version {version} holds no candidate")
        return self.versions[version]

    def gates_passed(self, app, version):
        return version in self.gated


class Registries:
    """The registries of several shops as the one that MLflow is."""

    def __init__(self, shops):
        self._of = {shop.name: shop.registry for shop in shops}

    def __getattr__(self, name):
        return lambda app, *arguments: getattr(self._of[app], name)(app, *arguments)


class Shop:
    """The app, its registry, and what releases into it."""

    def __init__(self, loaded, port):
        self.loaded, self.port = loaded, port
        self.name = loaded.app.name
        self.registry = Registry()
        self.store = Store(settings().folder("results", self.name))
        self.log = release_log(self.name)

    @contextmanager
    def open(self):
        from tasks.serving.server import build

        with serving(build([self.loaded], self.registry, reconcile_every_s=0.3), self.port):
            yield self

    def candidate(self, name, save=True, **changes):
        """Registers a candidate that answers `<name>: <question>`, since the simulated model says what it is told."""
        message = TemplateMessage(role="user", template=name + ": {{ question }}")
        values = {
            "app": self.name,
            "target": self.loaded.app.target,
            "prompt": Prompt(name=name, messages=(message,)),
            "model": "echo",
            "endpoint_model": endpoint_model("echo", self.loaded.models["echo"]),
            "parameters": self.loaded.app.parameters[0],
        }
        made = Candidate(**(values | changes))
        version = len(self.registry.versions) + 1
        self.registry.versions[version] = made
        if save:
            self.store.save_candidate(made)
        return made, version

    @property
    def parts(self):
        return Parts(self.name, self.log, self.registry, endpoint_of(self.loaded, self.find))

    def find(self, digest):
        return next(each for each in self.registry.versions.values() if each.digest == digest)

    def release(self, name, **changes):
        made, version = self.candidate(name, **changes)
        if self.log.committed() is None:
            return promote(made, version, parts=self.parts, bootstrap=True, who="minji", why="first")
        return promote(made, version, parts=self.parts, verdicts=self.passed(made), who="minji", why="better")

    @staticmethod
    def passed(candidate):
        """Returns what both gates say of a candidate that passed them."""
        return tuple(
            Verdict(
                gate=gate, decision=Decision.PASS, candidate=candidate.digest, champion=None, evaluations=(), rules=()
            )
            for gate in ("sample", "release")
        )

    def client(self, **options):
        from openai import OpenAI

        return OpenAI(base_url=f"http://127.0.0.1:{self.port}/v1", **({"api_key": "none", "max_retries": 0} | options))

    def ask(self, question="Is it waterproof?", **options):
        messages = [{"role": "user", "content": question}]
        return self.client().chat.completions.create(model=self.name, messages=messages, **options)

    @property
    def health(self):
        import httpx

        return httpx.get(f"http://127.0.0.1:{self.port}/health?app={self.name}").json()

    @property
    def served(self):
        """Every request that was answered before, oldest first, as another process reads it from the disk."""
        import httpx

        with suppress(httpx.TransportError):  # an endpoint that has ended has written all of them
            address, key = f"http://127.0.0.1:{self.port}/v1/requests/none", {"authorization": f"Bearer {local_key()}"}
            # It is not there, which is told once those before are.
            self.wait_until(lambda: httpx.get(address, headers=key, timeout=60).status_code != 503)
        with record_store(self.name) as store:
            return store.window(datetime(2000, 1, 1, tzinfo=UTC), datetime(3000, 1, 1, tzinfo=UTC))

    def wait_until(self, holds):
        deadline = time.monotonic() + 180
        while not holds():
            assert time.monotonic() < deadline, "it never came to hold"
            time.sleep(0.05)


@pytest.fixture(scope="session")
def upstream():
    """The model: fails where it is told FAIL, breaks off where it is told BREAK."""
    faults = (Fault(kind="server_error", contains="FAIL"), Fault(kind="torn", contains="BREAK"))
    with simulated(Behaviour(faults=faults, per_token_s=0.005)) as address:
        yield address


class BesideInAThread:
    """In the place of the process beside the endpoint: to start one takes longer than most tests."""

    def __init__(self, store, loaded):
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=beside.work, args=(loaded, self._stopped))

    def start(self):
        self._thread.start()

    def stop(self):
        self._stopped.set()
        self._thread.join()


@pytest.fixture
def make_shop(tmp_path, monkeypatch, upstream):
    (port,) = free_ports(1)
    monkeypatch.setattr("tasks.serving.server.Beside", BesideInAThread)
    monkeypatch.setenv("LIFECYCLE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LIFECYCLE_ENDPOINT_PORT", str(port))
    monkeypatch.delenv("LIFECYCLE_API_KEY", raising=False)
    settings.cache_clear()

    def make(app=APP, files=(), models=()):
        folder = tmp_path / yaml.safe_load(app)["name"]
        folder.mkdir()
        (folder / "app.yaml").write_text(app)
        for name, text in dict(files).items():
            (folder / name).write_text(text)
        model = {"kind": "openai", "base_url": upstream, "model": "echo", "concurrency": 32, "retries": 0}
        vectors = {"kind": "openai", "task": "embedding", "base_url": upstream, "model": "hashed"}
        (folder / "models.yaml").write_text(json.dumps({"echo": model, "vectors": vectors, **dict(models)}))
        documents = [{"id": "tent", "text": "The tent is waterproof."}, {"id": "배송", "text": "배송은 이틀 걸립니다."}]
        (folder / "documents.jsonl").write_text("".join(json.dumps(each) + "\n" for each in documents))
        rows = [{"id": f"p{n}", "question": f"질문 {n}?", "reference": "yes"} for n in range(5)]
        for name in ("sample", "production"):
            (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        return Shop(load_app(str(folder)), port)

    yield make
    settings.cache_clear()


@pytest.fixture
def serve_shops():
    """Serves several shops on the first one's port while the block runs; `beside` are apps that cannot be served."""
    from tasks.serving.server import build

    @contextmanager
    def serve(shops, beside=()):
        apps = [*(shop.loaded for shop in shops), *beside]
        with serving(build(apps, Registries(shops), reconcile_every_s=0.3), shops[0].port):
            yield

    return serve


@pytest.fixture
def shop(make_shop):
    return make_shop()


@pytest.fixture
def open_shop(shop):
    with shop.open():
        yield shop


@pytest.fixture
def app_text():
    """What the shop's app.yaml holds."""
    return APP
