"""Deferring when something breaks: the process is killed at any stage, replies are lost, the endpoint goes away."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from configs.errors import DataError, EndpointError, LifecycleError
from infra.simulator.behaviour import Behaviour
from infra.simulator.running import calls, simulated, statistics
from tasks.calling import polling
from tasks.calling.asking import Spend
from tasks.calling.deferring import folder as batch_folder
from tasks.calling.deferring.defer import Polling, defer
from tasks.journal.journal import Journal

pytestmark = pytest.mark.fault

ROWS = 40
KEY = "sk-very-secret-0123456789"
UPLOAD, CREATE, LIST = "POST /v1/files", "POST /v1/batches", "GET /v1/batches"
POLL, READ, DELETE = "GET /v1/batches/ID", "GET /v1/files/ID/content", "DELETE /v1/files/ID"

_DEFERS = """
import asyncio, json, sys
from pathlib import Path
from configs.loading import load_app
from configs.schema.app import Parameters
from tasks.calling.asking import Spend, ask
from tasks.calling.deferring.defer import Polling, defer
from tasks.journal.journal import Journal
from tasks.candidate import Candidate, Prompt, TemplateMessage
from tasks.data.row import Message, Row

folder = Path(sys.argv[1])
loaded = load_app(str(folder))
prompt = Prompt(name="ask", messages=(TemplateMessage(role="user", template="{{question}}"),))
candidate = Candidate(app="shop", target=loaded.app.target, prompt=prompt, model="chat", parameters=Parameters())
rows = [Row(f"r{n}", (Message("user", f"question number {n}"),)) for n in range(int(sys.argv[2]))]
texts = {}

async def tell(position, row, answer):
    texts[position] = answer.text

async def run(journal):
    spend, asked = Spend(loaded.app.budget), Spend(loaded.app.budget)
    options = {"loaded": loaded, "journal": journal, "epoch": "first"}
    found = await defer(candidate, rows, spend=spend, polling=Polling(0.02, 0.05), **options)
    await ask(candidate, rows, tell, spend=asked, **options)
    said = {"sent": found.sent, "resumed": found.resumed, "answered": found.answered, "left": found.causes}
    print(json.dumps({**said, "made": spend.made, "asked": asked.made, "texts": [texts[n] for n in range(len(rows))]}))

with Journal(folder / "journal.db") as journal:
    asyncio.run(run(journal))
"""


class Between:
    """Stands between a client and an endpoint, and does to the requests of each kind, in turn, what it is told.

    `503` and `404` are answered instead; `drop` breaks the connection off before the endpoint hears of the request,
    `lose` once it has done it, `half` in the middle of the reply; `kill` and `do and kill` end the client then, with
    `kill -9`; "" lets it pass. What nothing is told of passes.
    """

    def __init__(self, behind):
        self._behind = behind.removesuffix("/v1")
        self.seen = defaultdict(int)
        self.told = {}
        self.victim = None
        self.address = ""

    async def handle(self, request):
        step = f"{request.method} {re.sub(r'(file-|batch_)[0-9a-f]+', 'ID', request.path)}"
        turn, self.seen[step] = self.seen[step], self.seen[step] + 1
        told = self.told.get(step, [])
        action = told[turn] if turn < len(told) else ""
        if action in ("503", "404"):
            return web.json_response({"error": {"message": "It is being mended."}}, status=int(action))
        if action == "kill":
            os.kill(self.victim.pid, signal.SIGKILL)
        if action in ("drop", "kill"):
            return self._break(request)
        kept = {name: request.headers[name] for name in ("content-type", "authorization") if name in request.headers}
        async with (
            aiohttp.ClientSession() as session,
            session.request(
                request.method, self._behind + request.path_qs, data=await request.read(), headers=kept
            ) as reply,
        ):
            body = await reply.read()
        if action == "do and kill":
            os.kill(self.victim.pid, signal.SIGKILL)
        if action in ("lose", "do and kill"):
            return self._break(request)
        if action == "half":
            response = web.StreamResponse(headers={"content-length": str(len(body))})
            await response.prepare(request)
            await response.write(body[: len(body) // 2])
            request.transport.close()
            return response
        return web.Response(body=body, status=reply.status, content_type=reply.content_type)

    def _break(self, request):
        request.transport.close()
        return web.Response()


@contextmanager
def between(behind):
    standing, loop, started, stopped = Between(behind), asyncio.new_event_loop(), threading.Event(), asyncio.Event()

    async def serve():
        app = web.Application(client_max_size=2**29)
        app.router.add_route("*", "/{rest:.*}", standing.handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.01)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        standing.address = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        started.set()
        await stopped.wait()
        await runner.cleanup()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    assert started.wait(20)
    try:
        yield standing
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join(20)
        loop.close()


@pytest.fixture
def deferred(tmp_path, make_candidate):
    async def run(loaded, rows, **options):
        spend = Spend(loaded.app.budget)
        with Journal(tmp_path / "journal.db") as journal:
            given = {"loaded": loaded, "journal": journal, "epoch": "first", "spend": spend, **options}
            return await defer(make_candidate(loaded), rows, polling=Polling(0.01, 0.02), **given), spend

    return run


@pytest.fixture
def command(tmp_path, make_app):
    """Makes the command that defers `ROWS` questions and asks them then."""

    def make(address):
        make_app(address)
        price = {"as_of": "2026-11-23", "models": {"chat": {"input": 0, "output": 0}}}
        (tmp_path / "prices.yaml").write_text(json.dumps(price), encoding="utf-8")
        return [sys.executable, "-c", _DEFERS, str(tmp_path), str(ROWS)]

    return make


@pytest.mark.parametrize(
    ("step", "actions", "found"),
    [
        pytest.param(UPLOAD, ["kill"], "resumed", id="before the lines are there"),
        pytest.param(UPLOAD, ["do and kill"], "resumed", id="before the file's id is known"),
        pytest.param(CREATE, ["kill"], "resumed", id="between upload and create"),
        pytest.param(CREATE, ["do and kill"], "resumed", id="before the batch's id is known"),
        pytest.param(POLL, ["", "kill"], "resumed", id="while polling"),
        pytest.param(READ, ["kill"], "resumed", id="before collecting"),
        pytest.param(READ, ["do and kill"], "resumed", id="while collecting"),
        pytest.param(DELETE, ["kill"], "reused", id="before cleaning up"),
    ],
)
def test_killed_at_any_stage_the_same_command_bills_no_line_twice(tmp_path, command, step, actions, found):
    with simulated(Behaviour(batch_s=0.2)) as behind, between(behind) as endpoint:
        typed = command(endpoint.address)
        endpoint.told = {step: actions}
        with subprocess.Popen(typed, cwd=Path.cwd(), stdout=subprocess.DEVNULL) as killed:
            endpoint.victim = killed
        assert killed.returncode == -signal.SIGKILL
        endpoint.told = {}
        document = json.loads(subprocess.run(typed, capture_output=True, text=True, check=True).stdout)
        told = statistics(behind)
        assert (told["batches"], told["batch_lines"], calls(behind)) == (1, ROWS, {})
        again = json.loads(subprocess.run(typed, capture_output=True, text=True, check=True).stdout)
        assert statistics(behind)["batches"] == 1
    resumed = ROWS if found == "resumed" else 0
    assert document == {
        "sent": 0,
        "resumed": resumed,
        "answered": resumed,
        "left": {},
        "made": resumed,
        "asked": 0,
        "texts": [f"question number {number}" for number in range(ROWS)],
    }
    assert again == {**document, "resumed": 0, "answered": 0, "made": 0}
    assert list((tmp_path / "deferred").rglob("*.jsonl")) == []


def test_two_processes_that_defer_the_same_make_one_batch(command):
    with simulated(Behaviour(batch_s=0.5)) as address:
        both = [subprocess.Popen(command(address), stdout=subprocess.PIPE, text=True) for _ in range(2)]
        documents = [json.loads(one.communicate()[0]) for one in both]
        told = statistics(address)
    assert (told["batches"], told["batch_lines"], told["requests"]) == (1, ROWS, 0)
    assert sorted(document["sent"] for document in documents) == [0, ROWS]
    assert documents[0]["texts"] == documents[1]["texts"]


async def test_a_batch_whose_creation_was_done_and_not_said_is_found(make_app, make_rows, deferred):
    with simulated(Behaviour(batch_s=0)) as behind, between(behind) as endpoint:
        endpoint.told = {CREATE: ["lose"]}
        found, _ = await deferred(make_app(endpoint.address, chat={"retries": 1}), make_rows("one", "two"))
        assert (endpoint.seen[CREATE], statistics(behind)["batches"]) == (1, 1)
    assert found.answered == 2


async def test_broken_off_between_two_batches_the_rest_is_sent_and_nothing_twice(
    make_app, make_rows, deferred, monkeypatch
):
    monkeypatch.setattr(batch_folder, "MOST_LINES", 20)
    rows = make_rows(*(f"question number {number}" for number in range(50)))
    with simulated(Behaviour(batch_s=0.05)) as behind, between(behind) as endpoint:
        loaded = make_app(endpoint.address)
        endpoint.told = {CREATE: ["", "drop"]}
        with pytest.raises(EndpointError, match="broke off its reply"):
            await deferred(loaded, rows)
        found, spend = await deferred(loaded, rows)
        assert (statistics(behind)["batches"], statistics(behind)["batch_lines"]) == (3, 50)
    assert (found.resumed, found.reused, found.sent, found.answered) == (40, 40, 10, 50)
    assert (spend.made, spend.failed) == (50, 0)


async def test_lines_that_were_not_whole_when_a_command_was_killed_are_never_sent(
    make_app, make_rows, deferred, tmp_path
):
    with simulated(Behaviour(batch_s=0)) as address:
        loaded = make_app(address)
        await deferred(loaded, make_rows("one"))
        (scope,) = (path for path in (tmp_path / "deferred").iterdir() if path.is_dir())
        half = [scope / name for name in ("0a.part", "0b.jsonl")]
        for file in half:
            file.write_bytes(b'{"custom_id": "k", "met')
        found, _ = await deferred(loaded, make_rows("one"))
        assert statistics(address)["batches"] == 1
    assert (found.resumed, found.reused) == (0, 1)
    assert not any(file.exists() for file in half)


async def test_where_nobody_knows_whether_it_was_made_the_same_command_finds_out(make_app, make_rows, deferred):
    with simulated(Behaviour(batch_s=0)) as behind, between(behind) as endpoint:
        loaded = make_app(endpoint.address)
        endpoint.told = {CREATE: ["lose"], LIST: ["503"]}
        for said in ("broke off its reply", "answered 503: It is being mended."):
            with pytest.raises(EndpointError, match=said):
                await deferred(loaded, make_rows("one", "two"))
        found, _ = await deferred(loaded, make_rows("one", "two"))
        assert (endpoint.seen[UPLOAD], endpoint.seen[CREATE], statistics(behind)["batches"]) == (1, 1, 1)
    assert (found.resumed, found.answered) == (2, 2)


async def test_the_batch_of_others_is_not_taken_for_ours(make_app, make_rows, deferred, tmp_path):
    with simulated(Behaviour(batch_s=0)) as behind, between(behind) as endpoint:
        loaded = make_app(endpoint.address)
        await deferred(loaded, make_rows("one"))
        (tmp_path / "journal.db").rename(tmp_path / "old.db")
        endpoint.told = {CREATE: ["", "drop"]}
        with pytest.raises(EndpointError, match="broke off its reply"):
            await deferred(loaded, make_rows("one"))
        # The same lines lie there in a batch whose files are deleted.
        found, _ = await deferred(loaded, make_rows("one"))
        assert statistics(behind)["batches"] == 2
    assert (found.resumed, found.answered) == (1, 1)


@pytest.mark.parametrize(
    "told",
    [
        {POLL: ["503", "drop", "lose", "503"]},
        {READ: ["half", "503", "drop", "half"]},
        {UPLOAD: ["503", "lose"]},
        {CREATE: ["503", "drop"]},
        {DELETE: ["503", "404"]},
    ],
    ids=["polling", "collecting", "uploading", "creating", "cleaning up"],
)
async def test_a_stretch_of_failures_loses_nothing(make_app, make_rows, deferred, told):
    with simulated(Behaviour(batch_s=0.05)) as behind, between(behind) as endpoint:
        endpoint.told = told
        rows = make_rows(*(f"question number {number}" for number in range(200)))
        found, spend = await deferred(make_app(endpoint.address, chat={"retries": 3}), rows)
        (step,) = told
        assert endpoint.seen[step] >= len(told[step])
        assert (statistics(behind)["batches"], statistics(behind)["batch_lines"]) == (1, 200)
    assert (found.answered, found.left) == (200, {})
    assert (spend.made, spend.failed) == (200, 0)


async def test_an_endpoint_that_stays_away_is_one_line_and_keeps_its_batch(make_app, make_rows, deferred, monkeypatch):
    monkeypatch.setattr(polling, "MOST_FAILURES", 3)
    with simulated(Behaviour(batch_s=0.05)) as behind, between(behind) as endpoint:
        loaded = make_app(endpoint.address)
        endpoint.told = {POLL: ["503"] * 4}
        with pytest.raises(EndpointError) as raised:
            await deferred(loaded, make_rows("one"))
        assert str(raised.value) == (
            f"model simulated at {endpoint.address}: answered 503: It is being mended.; "
            f"look at the endpoint's own log, or try again later"
        )
        found, _ = await deferred(loaded, make_rows("one"))
        assert statistics(behind)["batches"] == 1
    assert (found.resumed, found.answered) == (1, 1)


async def test_a_batch_that_the_endpoint_has_lost_says_how_to_go_on(make_app, make_rows, deferred):
    with simulated(Behaviour(batch_s=0)) as behind, between(behind) as endpoint:
        loaded = make_app(endpoint.address)
        endpoint.told = {POLL: ["404"]}
        with pytest.raises(EndpointError, match=r"it knows batch batch_.* no more; delete .*json to ask") as raised:
            await deferred(loaded, make_rows("one"))
        Path(re.search(r"delete (\S+\.json)", str(raised.value))[1]).unlink()
        found, _ = await deferred(loaded, make_rows("one"))
    assert (found.sent, found.answered) == (1, 1)


async def test_an_endpoint_without_batch_files_says_so_and_nothing_stays(make_app, make_rows, deferred, tmp_path):
    with simulated() as address:
        elsewhere = address.removesuffix("/v1") + "/v2"
        with pytest.raises(EndpointError) as raised:
            await deferred(make_app(elsewhere), make_rows("one"))
    assert str(raised.value) == (
        f"model simulated at {elsewhere}: answered 404, it seems to have no batch files; ask it without deferring, "
        f"or check `base_url` (most end in /v1)"
    )
    assert [path for path in (tmp_path / "deferred").rglob("*") if path.suffix in (".json", ".jsonl", ".part")] == []


async def test_a_refused_batch_leaves_nothing_behind(make_app, make_rows, deferred, tmp_path):
    with simulated() as behind, between(behind) as endpoint:
        endpoint.told = {CREATE: ["404"]}
        with pytest.raises(EndpointError, match="answered 404, it seems to have no batch files"):
            await deferred(make_app(endpoint.address), make_rows("one"))
        assert endpoint.seen[DELETE] == 1
    assert list((tmp_path / "deferred").rglob("*.json*")) == []


async def test_a_wrong_key_is_one_line_that_does_not_show_it(make_app, make_rows, deferred, monkeypatch, tmp_path):
    monkeypatch.setenv("KEY_OF_TEST", KEY)
    with simulated(Behaviour(api_key="right")) as address, pytest.raises(EndpointError) as raised:
        await deferred(make_app(address, chat={"api_key_env": "KEY_OF_TEST"}), make_rows("one"))
    assert str(raised.value) == (
        f"model simulated at {address}: answered 401, not authorized; "
        f"check the key in the environment variable KEY_OF_TEST"
    )
    assert list((tmp_path / "deferred").rglob("*.json*")) == []


async def test_no_file_of_ours_holds_the_key(make_app, make_rows, deferred, monkeypatch, tmp_path):
    monkeypatch.setenv("KEY_OF_TEST", KEY)
    with simulated(Behaviour(api_key=KEY, batch_s=0)) as behind, between(behind) as endpoint:
        loaded = make_app(endpoint.address, chat={"api_key_env": "KEY_OF_TEST"})
        endpoint.told = {POLL: ["404"]}
        with pytest.raises(EndpointError):
            await deferred(loaded, make_rows("one"))
        assert not any(KEY.encode() in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
        found, _ = await deferred(loaded, make_rows("one"))
    assert found.answered == 1


async def test_a_cancelled_batch_keeps_what_was_answered(make_app, make_rows, deferred):
    rows = make_rows(*(f"question number {number}" for number in range(80)))
    with simulated(Behaviour(batch_s=2)) as address:
        pressed = []

        def cancel(ended, sent):
            if ended and not pressed:
                pressed.append(asyncio.get_running_loop().create_task(_cancel(address)))

        found, spend = await deferred(make_app(address), rows, on_progress=cancel)
    assert 0 < found.answered < 80
    assert found.causes == {"cancelled": 80 - found.answered}
    assert spend.made == 80


async def _cancel(address):
    async with aiohttp.ClientSession() as session, session.get(f"{address}/batches") as listed:
        (batch,) = (await listed.json())["data"]
        await session.post(f"{address}/batches/{batch['id']}/cancel")


async def test_a_full_disk_while_collecting_keeps_the_batch(make_app, make_rows, deferred, monkeypatch):
    with simulated(Behaviour(batch_s=0)) as address:
        loaded = make_app(address)

        def full(*args, **kwargs):
            raise LifecycleError("disk full")

        with monkeypatch.context() as patched:
            patched.setattr(Journal, "put", full)
            with pytest.raises(LifecycleError, match="disk full"):
                await deferred(loaded, make_rows("one"))
        found, _ = await deferred(loaded, make_rows("one"))
        assert statistics(address)["batches"] == 1
    assert (found.resumed, found.answered) == (1, 1)


async def test_what_is_remembered_and_cannot_be_read_is_never_taken_for_nothing(
    make_app, make_rows, deferred, tmp_path
):
    with simulated(Behaviour(batch_s=0)) as address:
        loaded = make_app(address)
        await deferred(loaded, make_rows("one"))
        (file,) = (tmp_path / "deferred").rglob("*.json")
        file.write_text("{", encoding="utf-8")
        with pytest.raises(
            DataError, match=r"\.json: what is remembered of a batch cannot be read; look for the batch"
        ):
            await deferred(loaded, make_rows("one"))
