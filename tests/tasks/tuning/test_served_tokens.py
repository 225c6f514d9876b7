"""While rows are compared, the server may be started anew by another process: a row is asked again, of its adapter."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from configs.errors import EndpointError
from tasks.tuning import comparing
from tasks.tuning.comparing import served_tokens
from tasks.tuning.tokens import Tokens

ROWS = [Tokens(f"r{at}", (1, 2, at), (5, 6, 7)) for at in range(3)]


class Llama:
    """Says an adapter's token; `before` is called with the number of each request, and may say a status."""

    def __init__(self):
        self.ids, self.requests, self.before = {"mine": 1, "other": 0}, 0, lambda _: 200
        llama = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                llama.requests += 1
                status = llama.before(llama.requests)
                asked = {at: name for name, at in llama.ids.items()}[body["lora"][0]["id"]]
                token = 100 if asked == "mine" else 200
                reply = json.dumps({"completion_probabilities": [{"id": token + len(body["prompt"])}]}).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"

    async def lora(self):
        return [{"id": self.ids["mine"], "scale": 1.0}]

    def swap(self):
        self.ids = {name: 1 - at for name, at in self.ids.items()}


@pytest.fixture
def llama(monkeypatch):
    monkeypatch.setattr(comparing, "_PAUSES_S", (0.0, 0.0, 0.0))
    made = Llama()
    threading.Thread(target=made.server.serve_forever, daemon=True).start()
    yield made
    made.server.shutdown()
    made.server.server_close()


async def test_a_server_that_is_away_for_a_moment_is_asked_again(llama):
    llama.before = lambda request: 503 if request in (2, 3) else 200
    assert await served_tokens(ROWS, llama.address, llama.lora) == [(103, 104, 105)] * 3


async def test_ids_that_change_meanwhile_compare_no_other_adapter(llama):
    def swapped(request):
        if request == 2:
            llama.swap()
        return 200

    llama.before = swapped
    assert await served_tokens(ROWS, llama.address, llama.lora) == [(103, 104, 105)] * 3


async def test_a_server_that_stays_away_is_given_up(llama):
    llama.before = lambda _: 503
    with pytest.raises(EndpointError, match="says no likeliest token"):
        await served_tokens(ROWS[:1], llama.address, llama.lora)
    assert llama.requests == 4
