"""What was served is on the disk soon, or before its client has the answer where it waits, and is looked at then."""

import asyncio
import sqlite3
from contextlib import closing, contextmanager
from functools import partial

import httpx
import openai
import psutil
import pytest

from configs.errors import ConfigurationError, ReleaseError
from configs.settings import settings
from tasks.calling.embedding import embed, embedding_identity
from tasks.candidate import Prompt, RetrievalChoice, TemplateMessage
from tasks.identity import digest
from tasks.releasing.promote import promote
from tasks.retrieval.documents import read_documents
from tasks.retrieval.index import build_index
from tasks.serving import record_file, recording
from tasks.serving.asking import RECORD, WAIT
from tasks.serving.beside import Beside
from tasks.serving.record import record_store
from tasks.serving.server import build


def test_an_answer_is_recorded_with_who_gave_it_and_what_from(open_shop):
    entry = open_shop.release("guide").entry
    answer = open_shop.ask("방수인가요?", metadata={"row_id": "p1"})
    [_, served] = open_shop.served
    assert (served.id, served.candidate, served.version) == (answer.id, entry.candidate, 1)
    assert served.row_id == "", "only a process of this machine plays rows"
    assert served.answer.text == "guide: 방수인가요?"
    assert served.answer.messages[-1].content == "guide: 방수인가요?"
    assert served.answer.usage.output == answer.usage.completion_tokens
    assert served.answer.latency.total >= served.answer.latency.first_token > 0


def test_a_client_that_goes_away_is_recorded_as_such_and_not_as_a_failure(open_shop):
    open_shop.release("guide")
    stream = open_shop.ask("word " * 400, stream=True)
    for _ in range(4):
        next(iter(stream))
    stream.close()
    open_shop.wait_until(lambda: len(open_shop.served) == 2)
    gone = open_shop.served[-1].answer
    assert gone.outcome == "skipped" and gone.cause.startswith("the client went away")
    assert gone.text.startswith("guide: word")


def test_flags_are_noted_after_the_answer(open_shop):
    open_shop.release("guide")
    for question in ("Is it waterproof?", "I do not know", "you stupid fucking idiot"):
        open_shop.ask(question)
    httpx.post(f"http://127.0.0.1:{open_shop.port}/v1/chat/completions", json=failing("FAIL"))
    open_shop.wait_until(lambda: all(each.flags is not None for each in open_shop.served))
    assert [each.flags for each in open_shop.served[1:]] == [(), ("abstained",), ("profanity",), ("error",)]


def test_what_looks_at_requests_is_started_again_and_ends_with_the_endpoint(shop, monkeypatch):
    monkeypatch.setattr("tasks.serving.server.Beside", Beside)
    with shop.open():
        shop.release("guide")
        for _ in range(2):
            shop.ask("hi")
            shop.wait_until(lambda: all(each.flags is not None for each in shop.served))
            [looking] = lookers()
            looking.kill()
        shop.ask("hi")
        shop.wait_until(lambda: all(each.flags is not None for each in shop.served))
    assert lookers() == []


def lookers():
    """Returns the processes that look at requests of this process's endpoints."""
    children = psutil.Process().children()
    return [each for each in children if each.is_running() and "tasks.serving.beside" in each.cmdline()]


def failing(question):
    return {"model": "shop", "messages": [{"role": "user", "content": question}]}


def test_a_store_that_cannot_be_written_costs_no_client_its_answer(open_shop):
    open_shop.release("guide")
    with sqlite3.connect(open_shop.log.path.parents[1] / "served" / "shop.db") as database:
        database.execute("ALTER TABLE served RENAME TO gone")
    assert open_shop.ask("hi").choices[0].message.content == "guide: hi"
    open_shop.wait_until(lambda: any("cannot be written" in why for why in open_shop.health.get("problems", ())))


def test_a_locked_store_holds_no_answer_up_and_has_it_once_it_is_free(open_shop):
    open_shop.release("guide")
    before = len(open_shop.served)
    with _locked(open_shop):
        answered = _asked(open_shop)
        assert answered.status_code == 200
        assert "x-lifecycle-recorded" not in answered.headers, "nobody asked to know"
    assert [each.id for each in open_shop.served[before:]] == [answered.headers["x-lifecycle-request"]]


def test_whoever_waits_for_the_record_is_told_whether_it_is_there(open_shop, monkeypatch):
    open_shop.release("guide")
    before = len(open_shop.served)
    with _locked(open_shop), monkeypatch.context() as patched:
        patched.setattr(recording, "_WAITED_FOR_S", 0.1)
        assert _asked(open_shop, wait=True).headers["x-lifecycle-recorded"] == "no"
    open_shop.wait_until(lambda: len(open_shop.served) == before + 1)
    assert _asked(open_shop, wait=True).headers["x-lifecycle-recorded"] == "yes"
    with record_store(open_shop.name) as store:
        assert store.count() == before + 2, "on the disk once it is said to be"


def test_a_stream_that_waits_ends_once_its_request_is_on_the_disk(open_shop):
    open_shop.release("guide")
    asked = {"model": open_shop.name, "messages": [{"role": "user", "content": "hi"}], "stream": True}
    before = len(open_shop.served)
    with record_store(open_shop.name) as store:
        for made in range(1, 6):
            assert _posted(open_shop, asked, wait=True).text.endswith("data: [DONE]\n\n")
            assert store.count() == before + made


def test_what_else_is_said_of_the_record_is_refused(open_shop):
    open_shop.release("guide")
    asked = {"model": open_shop.name, "messages": [{"role": "user", "content": "hi"}]}
    refused = httpx.post(
        f"http://127.0.0.1:{open_shop.port}/v1/chat/completions", json=asked, headers={RECORD: "later"}, timeout=60
    )
    assert refused.status_code == 400
    assert refused.json()["error"]["message"] == "header x-lifecycle-record: only 'wait' is known, got 'later'"


def test_what_is_not_on_the_disk_yet_is_neither_told_nor_said_to_be_unknown(open_shop, monkeypatch):
    open_shop.release("guide")
    with _locked(open_shop), monkeypatch.context() as patched:
        patched.setattr(recording, "_WAITED_FOR_S", 0.1)
        identity = _asked(open_shop).headers["x-lifecycle-request"]
        told = httpx.get(f"http://127.0.0.1:{open_shop.port}/v1/requests/{identity}", timeout=60)
        assert (told.status_code, told.json()["error"]["code"]) == (503, "not_readable")
        vote = {"request": identity, "good": True}
        voted = httpx.post(f"http://127.0.0.1:{open_shop.port}/v1/feedback", json=vote, timeout=60)
        assert (voted.status_code, voted.json()["error"]["code"]) == (503, "not_recorded")
    open_shop.wait_until(lambda: open_shop.served[-1].id == identity)
    assert httpx.get(f"http://127.0.0.1:{open_shop.port}/v1/requests/{identity}", timeout=60).status_code == 200
    assert httpx.post(f"http://127.0.0.1:{open_shop.port}/v1/feedback", json=vote, timeout=60).status_code == 200


def test_a_store_that_is_locked_for_longer_than_it_is_waited_for_loses_nothing(shop, monkeypatch):
    monkeypatch.setattr(record_file, "_LOCKED_WAITS_S", 0.2)
    with shop.open():
        shop.release("guide")
        before = len(shop.served)
        with _locked(shop):
            assert _asked(shop).status_code == 200
            shop.wait_until(
                lambda: any("end the process that holds it" in why for why in shop.health.get("problems", ()))
            )
        shop.wait_until(lambda: len(shop.served) == before + 1)
        shop.wait_until(lambda: "problems" not in shop.health)
        assert 'unrecorded{app="shop"} 0.0' in httpx.get(f"http://127.0.0.1:{shop.port}/metrics").text


@contextmanager
def _locked(shop):
    """Holds the file of served requests while the block runs, as another process would."""
    with closing(sqlite3.connect(shop.log.path.parents[1] / "served" / "shop.db")) as database:
        database.execute("BEGIN IMMEDIATE")
        yield
        database.rollback()


def _asked(shop, *, wait=False):
    return _posted(shop, {"model": shop.name, "messages": [{"role": "user", "content": "hi"}]}, wait=wait)


def _posted(shop, body, *, wait):
    headers = {RECORD: WAIT} if wait else {}
    return httpx.post(f"http://127.0.0.1:{shop.port}/v1/chat/completions", json=body, headers=headers, timeout=60)


def test_requests_that_wait_to_be_recorded_do_not_fill_the_memory(open_shop, monkeypatch):
    open_shop.release("guide")
    monkeypatch.setattr(recording, "_MOST_WAITING", 0)
    answered = _asked(open_shop, wait=True)
    assert (answered.status_code, answered.headers["x-lifecycle-recorded"]) == (200, "no")
    metrics = httpx.get(f"http://127.0.0.1:{open_shop.port}/metrics").text
    assert 'lifecycle_requests_unrecorded{app="shop"} 1.0' in metrics


@pytest.fixture
def indexed(shop):
    """Builds the shop's index and returns its digest."""
    loaded = shop.loaded
    embedding = partial(embed, loaded=loaded, model="vectors", journal=None, epoch="first")
    documents = read_documents(loaded.path("documents.jsonl"))
    identity = embedding_identity(loaded, "vectors")
    folder = settings().folder("indexes")
    return asyncio.run(build_index(documents, loaded.app.retrieval, identity, embedding, folder)).digest


def test_a_champion_that_retrieves_is_served_with_what_it_found(shop, indexed):
    message = TemplateMessage(role="user", template="{{ documents }} {{ question }}")
    prompt = Prompt(name="found", messages=(message,))
    with shop.open():
        shop.release("found", prompt=prompt, retrieval=RetrievalChoice(index=indexed, top_k=1))
        answer = shop.ask("배송은 며칠 걸립니다?").choices[0].message.content
        assert answer == "배송은 이틀 걸립니다. 배송은 며칠 걸립니다? [배송]"
        assert [passage.id for passage in shop.served[-1].answer.context] == ["배송"]


def test_a_champion_whose_index_is_gone_is_not_taken_up(shop):
    prompt = Prompt(name="found", messages=(TemplateMessage(role="user", template="{{ documents }} {{ question }}"),))
    with shop.open():
        shop.release("first")
        with pytest.raises(ReleaseError, match="no index 0123"):
            shop.release("found", prompt=prompt, retrieval=RetrievalChoice(index="0123", top_k=1))
        assert shop.ask("hi").choices[0].message.content == "first: hi"


PYTHON = """
async def answer(question, size="?"):
    if question == "FAIL":
        raise ValueError("no such tent")
    return {"answer": f"{question} {size}", "context": [{"id": "d1", "text": "about tents"}]}
"""


@pytest.fixture
def python_shop(make_shop, app_text):
    shop = make_shop(
        app_text.replace("{kind: prompt}", "{kind: python, callable: 'shop.py:answer'}"), files={"shop.py": PYTHON}
    )
    with shop.open():
        yield shop


def test_a_function_of_the_users_is_served(python_shop):
    python_shop.release("ours", prompt=None, model=None, endpoint_model=None, parameters=None, code=digest(PYTHON))
    assert python_shop.ask("텐트", metadata={"size": "2"}).choices[0].message.content == "텐트 2"
    assert python_shop.served[-1].answer.context[0].id == "d1"
    with pytest.raises(openai.InternalServerError, match="could not answer: its code failed"):
        python_shop.ask("FAIL")
    assert python_shop.served[-1].answer.cause.startswith("shop.py:answer raised ValueError: no such tent")


def test_a_function_that_has_changed_since_is_not_served(python_shop):
    with pytest.raises(ReleaseError, match="has changed since the candidate was evaluated"):
        python_shop.release("ours", prompt=None, model=None, endpoint_model=None, parameters=None, code="another")


def test_a_service_of_the_users_is_served(make_shop, app_text, upstream):
    target = f"{{kind: http, url: '{upstream}/chat/completions', answer: choices.0.message.content}}"
    shop = make_shop(app_text.replace("{kind: prompt}", target))
    with shop.open():
        shop.release("ours", prompt=None, model=None, endpoint_model=None, parameters=None)
        assert shop.ask("텐트").choices[0].message.content == "텐트"


def test_answers_that_exist_already_cannot_be_served(make_shop, app_text):
    shop = make_shop(app_text.replace("{kind: prompt}", "{kind: answers, path: sample.jsonl, column: reference}"))
    with pytest.raises(ConfigurationError, match="`answers` cannot be served"):
        build([shop.loaded], shop.registry)
    made, version = shop.candidate("ours", prompt=None, model=None, endpoint_model=None, parameters=None)
    done = promote(made, version, parts=shop.parts, bootstrap=True, who="minji", why="first")
    assert done.calls == 0 and done.entry.evidence["smoke"]["where"] == "none"
