"""A small app whose model is any endpoint, such as a simulated one."""

import asyncio
import json
import os
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from aiohttp import web
from hypothesis import settings

from configs.loading import LoadedApp, load_app
from configs.schema.app import Parameters
from configs.schema.model import Price
from tasks.calling.asking import ask
from tasks.calling.endpoint import endpoint_model
from tasks.candidate import Candidate, Prompt, TemplateMessage
from tasks.data.row import Message, Row

# No server of the tests has a certificate, and each client would read all that are trusted: longer than many a test.
os.environ.pop("SSL_CERT_FILE", None)
os.environ["SSL_CERT_DIR"] = str(Path(__file__).parent)

_ALONE = ("chat", "bad_release", "drift")
"""End-to-end tests with a stack of their own, or none."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Gives a worker a file at a time, and what shares servers one after the other: they are started once for all."""
    if config.option.dist != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class ByServers(LoadFileScheduling):
        def _split_scope(self, nodeid):
            file = super()._split_scope(nodeid)
            if file.startswith("tests/e2e/") and not file.endswith(tuple(f"test_{name}.py" for name in _ALONE)):
                return "the stack"
            return "MLflow" if file.startswith("tests/tasks/tracking/") else file

    return ByServers(config, log)


# A machine that is busy is no failure.
settings.register_profile("no clock", deadline=None)
settings.load_profile("no clock")


@pytest.fixture
def make_app(tmp_path):
    """Writes and loads an app named `shop`; its models `chat` and `vectors` are at `address`."""

    def make(address, *, target=None, chat=None, vectors=None, budget=None, price=(0.0, 0.0), scorers=None, repeats=1):
        app = {
            "name": "shop",
            "description": "A shop.",
            "target": target or {"kind": "prompt"},
            "prompts": ["prompt.prompty"],
            "models": ["chat"],
            "datasets": {"sample": "rows.jsonl", "full": "rows.jsonl"},
            "retrieval": {"documents": "documents.jsonl", "embedding_model": "vectors"},
            "scorers": scorers or [{"name": "exact"}],
            "gates": {
                "sample": {"rules": [{"metric": "exact", "at_least": 0.1}]},
                "release": {"rules": [{"metric": "exact", "at_least": 0.1}]},
            },
            "explore": {"rank_by": "exact"},
            "budget": budget or {},
            "repeats": repeats,
        }
        model = {"kind": "openai", "base_url": address, "retries": 0, "timeout_s": 10}
        models = {
            "chat": {**model, "model": "simulated", **(chat or {})},
            "vectors": {**model, "model": "hashed", "task": "embedding", **(vectors or {})},
        }
        (tmp_path / "app.yaml").write_text(yaml.safe_dump(app), encoding="utf-8")
        (tmp_path / "models.yaml").write_text(yaml.safe_dump(models), encoding="utf-8")
        (tmp_path / "prompt.prompty").write_text("system:\nBe brief.\n\nuser:\n{{question}}\n", encoding="utf-8")
        (tmp_path / "rows.jsonl").write_text(json.dumps({"id": "r1", "question": "Why?"}) + "\n", encoding="utf-8")
        loaded = load_app(str(tmp_path))
        prices = {name: Price(input=price[0], output=price[1]) for name in ("chat", "vectors")} if price else {}
        return LoadedApp(loaded.app, loaded.folder, loaded.models, prices, "2026-11-23")

    return make


@pytest.fixture
def make_candidate():
    """Makes a candidate of an app from `make_app`."""

    def make(loaded, *templates, **changes):
        if loaded.app.target.kind != "prompt":
            return Candidate(app=loaded.app.name, target=loaded.app.target)
        messages = [
            TemplateMessage(role="system", template="Be brief."),
            TemplateMessage(role="user", template="{{question}}"),
        ]
        if templates:
            messages = [TemplateMessage(role=role, template=template) for role, template in templates]
        values = {
            "app": loaded.app.name,
            "target": loaded.app.target,
            "prompt": Prompt(name="brief", messages=tuple(messages)),
            "model": "chat",
            "endpoint_model": endpoint_model("chat", loaded.models["chat"]),
            "parameters": Parameters(),
        }
        return Candidate(**{**values, **changes})

    return make


@pytest.fixture
def make_rows():
    """Makes rows of one turn from questions; ids are r1, r2, …."""

    def make(*questions):
        return [
            Row(f"r{number}", (Message("user", text),), columns={"id": f"r{number}", "question": text})
            for number, text in enumerate(questions, 1)
        ]

    return make


@pytest.fixture
def ask_all():
    """Asks a candidate rows; returns the answers in the rows' order."""

    async def run(candidate, rows, **options):
        told = {}

        async def tell(position, row, answer):
            assert row is rows[position]
            assert position not in told, "each row is told once"
            told[position] = answer

        await ask(candidate, rows, tell, **options)
        return [told[position] for position in range(len(rows))]

    return run


class Receiver:
    """Takes what is posted, on a port of its own, and answers as it is told to."""

    def __init__(self):
        self.got, self.answers, self.address = [], {}, ""
        self.on_take = lambda: None

    def answer(self, path, status=200, text="ok", wait_s=0.0, **headers):
        """Answers this path so from now on."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers[path] = (status, text, wait_s, named)

    def at(self, path):
        """What came to a path, oldest first: `headers`, `raw` and `json`."""
        return [each for each in self.got if each.path == path]

    async def take(self, request):
        raw = await request.read()
        self.got.append(SimpleNamespace(path=request.path, headers=request.headers, raw=raw, json=json.loads(raw)))
        self.on_take()
        status, text, wait_s, headers = self.answers.get(request.path, (200, "ok", 0.0, {}))
        await asyncio.sleep(wait_s)
        return web.Response(status=status, text=text, headers=headers)

    async def serve(self, ready, ended):
        server = web.Application()
        server.router.add_post("/{path:.*}", self.take)
        runner = web.AppRunner(server, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
        ready.set()
        await asyncio.to_thread(ended.wait)
        await runner.cleanup()


@pytest.fixture
def receiver():
    """A service that alerts are sent to."""
    found, ready, ended = Receiver(), threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(found.serve(ready, ended)))
    thread.start()
    assert ready.wait(20), "the receiver did not start"
    yield found
    ended.set()
    thread.join(timeout=20)
