"""How an adapter reaches an endpoint, and the key under which its answers are journaled."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from configs.errors import ConfigurationError
from configs.schema.model import EmbeddedModel
from configs.settings import settings
from tasks.calling.adapters import adapter_fields, check_base, named_fields
from tasks.calling.prompt_target import PromptTarget
from tasks.calling.spend import Spend
from tasks.candidate import HostedModel, LoraAdapter
from tasks.journal.journal import Journal

LORA = LoraAdapter(digest="abcd", base="simulated at http://127.0.0.1:1/v1")
HOSTED = HostedModel(model="ft:one", job="job-1")


@pytest.fixture
def loaded(make_app):
    return make_app("http://127.0.0.1:1/v1")


def test_an_endpoint_is_asked_by_the_name_it_gives_an_adapter(loaded):
    model = loaded.models["chat"]
    assert named_fields(model, LORA) == {"model": "abcd"}
    assert named_fields(model.model_copy(update={"adapter_name": "base-{adapter}"}), LORA) == {"model": "base-abcd"}
    assert named_fields(model, HOSTED) == {"model": "ft:one"}
    assert named_fields(model, None) == {}


async def test_an_adapter_of_another_base_is_refused(loaded, make_candidate, tmp_path):
    candidate = make_candidate(loaded, adapter=LORA.model_copy(update={"base": "another"}))
    with pytest.raises(
        ConfigurationError, match="adapter abcd: was trained on another, the model stands for simulated"
    ):
        target(candidate, loaded, tmp_path)
    check_base(HOSTED, "whatever")
    check_base(None, "whatever")


def target(candidate, loaded, folder):
    with Journal(folder / "journal.db") as journal:
        return PromptTarget(candidate, loaded, journal, "epoch", Spend(loaded.app.budget), None)


async def test_answers_of_adapters_and_base_have_keys_of_their_own(loaded, make_candidate, make_rows, tmp_path):
    adapters = (None, LORA, LORA.model_copy(update={"digest": "ef"}), HOSTED)
    (row,) = make_rows("Why?")
    candidates = [make_candidate(loaded, adapter=adapter) for adapter in adapters]
    keys = [(await target(candidate, loaded, tmp_path).question(row)).key for candidate in candidates]
    assert len(set(keys)) == len({candidate.digest for candidate in candidates}) == 4


@pytest.fixture
def llama(monkeypatch, tmp_path):
    """A server that lists adapters as llama.cpp's does; a test changes the list."""
    listed = [{"id": 0, "path": "/x/other/adapter.gguf", "scale": 0.0}, {"id": 1, "path": "/x/abcd/adapter.gguf"}]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            assert self.path == "/lora-adapters"
            body = json.dumps(listed).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("LIFECYCLE_CHAT_PORT", str(server.server_address[1]))
    monkeypatch.setenv("LIFECYCLE_HOME", str(tmp_path))
    settings.cache_clear()
    yield listed
    server.shutdown()
    server.server_close()
    settings.cache_clear()


async def test_the_embedded_server_is_asked_for_the_id_each_time(llama):
    model = EmbeddedModel(kind="embedded", task="chat")
    assert await adapter_fields(model, LORA) == {"lora": [{"id": 1, "scale": 1.0}]}
    llama.reverse()
    llama[0]["id"], llama[1]["id"] = 0, 1
    assert await adapter_fields(model, LORA) == {"lora": [{"id": 0, "scale": 1.0}]}


async def test_who_wants_the_base_says_so_where_adapters_are_held(llama):
    model = EmbeddedModel(kind="embedded", task="chat")
    assert await adapter_fields(model, None) == {"lora": [{"id": 0, "scale": 0.0}]}
    llama.clear()
    assert await adapter_fields(model, None) == {}


async def test_an_adapter_that_the_server_has_not_is_served_first(llama, monkeypatch):
    from infra.stack import adapters

    llama.pop()
    served = []

    def serve(adapter):
        served.append(adapter.digest)
        llama.append({"id": 5, "path": f"/x/{adapter.digest}/adapter.gguf"})

    monkeypatch.setattr(adapters, "serve_adapter", serve)
    fields = await adapter_fields(EmbeddedModel(kind="embedded", task="chat"), LORA)
    assert fields == {"lora": [{"id": 5, "scale": 1.0}]}
    assert served == ["abcd"]
