"""Targets of the user's: a function, a service, answers that exist."""

import asyncio
import json
from types import SimpleNamespace

import pytest
import uvicorn
from fastapi import FastAPI, Request, Response

from configs.errors import ConfigurationError, DataError
from tasks.calling.answer import Outcome, Passage
from tasks.calling.asking import Spend
from tasks.calling.targets import key_of
from tasks.data.repeated import repeated
from tasks.data.row import Dataset, Message, Row
from tasks.identity import digest
from tasks.journal.journal import Journal

NOWHERE = "http://127.0.0.1:1/v1"


@pytest.fixture
def asked(tmp_path, make_app, make_candidate, make_rows, ask_all):
    """Asks a target of the user's; returns answers and ledger."""

    async def run(target, rows=None):
        loaded = make_app(NOWHERE, target=target)
        spend = Spend(loaded.app.budget)
        with Journal(tmp_path / "journal.db") as journal:
            answers = await ask_all(
                make_candidate(loaded),
                rows or make_rows("How heavy?", "방수?"),
                loaded=loaded,
                journal=journal,
                epoch="first",
                spend=spend,
            )
        return answers, spend

    return run


@pytest.fixture
def python(tmp_path, asked):
    """Asks a function whose file is given."""

    async def run(code, rows=None, **settings):
        (tmp_path / "bot.py").write_text(code, encoding="utf-8")
        return await asked({"kind": "python", "callable": "bot.py:answer", **settings}, rows)

    return run


@pytest.mark.parametrize("prefix", ["", "async "])
async def test_a_function_is_called_with_the_columns_it_takes_and_once(python, prefix):
    code = f"{prefix}def answer(question, id):\n    return f'{{id}}: {{question}}'\n"
    answers, spend = await python(code)
    assert [answer.text for answer in answers] == ["r1: How heavy?", "r2: 방수?"]
    assert answers[0].price is None
    again, spend_again = await python(code)
    assert [answer.text for answer in again] == [answer.text for answer in answers]
    assert (spend.made, spend_again.made, spend_again.reused) == (2, 0, 2)
    _, spend_changed = await python(code + "# changed\n")
    assert spend_changed.made == 2


async def test_a_function_may_say_what_it_drew_on_and_import_its_neighbours(python, tmp_path):
    (tmp_path / "neighbour_of_bot.py").write_text("FACT = 'Weighs 2 kg.'\n")
    answers, _ = await python(
        "from neighbour_of_bot import FACT\n"
        "def answer(**columns):\n"
        "    return {'answer': '2 kg', 'context': [{'id': 'P1', 'text': FACT}]}\n"
    )
    assert (answers[0].text, answers[0].context) == ("2 kg", (Passage("P1", "Weighs 2 kg."),))


async def test_a_function_gets_conversations(python):
    turns = (Message("user", "Red?"), Message("assistant", "Yes."), Message("user", "Heavy?"))
    answers, _ = await python(
        "def answer(messages, question):\n    return f'{len(messages)} {messages[0][\"role\"]} {question}'\n",
        [Row("r1", turns)],
    )
    assert answers[0].text == "3 user Heavy?"


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ("    raise KeyError('price')", "bot.py:answer raised KeyError: 'price' (bot.py line 2)"),
        ("    raise SystemExit(3)", "bot.py:answer raised RuntimeError: SystemExit: 3"),
        ("    return None", "bot.py:answer: what it returned is NoneType, allowed is a text; mend the function"),
        ("    return {'text': 'x'}", "bot.py:answer: `answer` is NoneType, allowed is a text; mend the function"),
        (
            "    return {'answer': 'x', 'context': 3}",
            "bot.py:answer: `context` is int, allowed is a list of {id, text}",
        ),
    ],
)
async def test_a_function_that_fails_is_the_apps_error_in_one_line(python, body, cause):
    answers, _ = await python(f"def answer(question):\n{body}\n")
    assert {answer.outcome for answer in answers} == {Outcome.APP_ERROR}
    assert answers[0].cause.startswith(cause)


async def test_a_function_that_wants_a_column_there_is_not(python):
    answers, _ = await python("def answer(question, price):\n    return 'x'\n")
    assert "raised TypeError: answer() missing 1 required positional argument: 'price'" in answers[0].cause


@pytest.mark.parametrize(
    "code",
    [
        "import time\ndef answer(question):\n    time.sleep(60)\n",
        "import asyncio\nasync def answer(question):\n    await asyncio.sleep(60)\n",
    ],
)
async def test_a_function_that_hangs_is_given_up(python, code):
    async with asyncio.timeout(20):
        answers, _ = await python(code, timeout_s=0.2)
    assert answers[0].cause.startswith("bot.py:answer: no answer within 0.2 s; make it faster or raise")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def reply(): ...\n", "has no function 'answer'"),
        ("\nimport no_such_module_here\n", "line 2: cannot be imported: ModuleNotFoundError"),
        ("def answer(:\n", "line 1: cannot be imported: SyntaxError"),
        ("raise SystemExit\n", "cannot be imported: SystemExit"),
    ],
)
async def test_a_file_without_the_function_is_a_configuration_error(python, code, said):
    with pytest.raises(ConfigurationError, match=said):
        await python(code)


async def test_a_missing_file_is_a_configuration_error(asked):
    with pytest.raises(ConfigurationError, match=r"'no.py', but .* does not exist"):
        await asked({"kind": "python", "callable": "no.py:answer"})


@pytest.fixture
async def service():
    """A service; what it answers is set by the test: `service.reply(columns) -> Response`."""
    app = FastAPI()

    def echo(columns):
        return Response(json.dumps({"answer": columns["question"]}))

    holder = SimpleNamespace(seen=[], reply=echo)

    @app.post("/ask")
    async def post(request: Request) -> Response:
        holder.seen.append((await request.json(), request.headers.get("authorization")))
        return holder.reply(holder.seen[-1][0])

    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="off"))
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    holder.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/ask"
    yield holder
    server.should_exit = True
    await running


async def test_a_service_is_posted_the_columns_once(asked, service, monkeypatch):
    monkeypatch.setenv("TOKEN_OF_TEST", "secret-token")
    target = {"kind": "http", "url": service.url, "api_key_env": "TOKEN_OF_TEST"}
    answers, spend = await asked(target)
    assert [answer.text for answer in answers] == ["How heavy?", "방수?"]
    body, authorization = next(seen for seen in service.seen if seen[0]["id"] == "r2")
    assert body == {"id": "r2", "question": "방수?", "messages": [{"role": "user", "content": "방수?"}]}
    assert authorization == "Bearer secret-token"
    _, again = await asked(target)
    assert (spend.made, again.made, len(service.seen)) == (2, 0, 2)


async def test_the_answer_stands_at_a_path_and_context_beside_it(asked, service):
    reply = {"choices": [{"message": {"content": "2 kg"}}], "context": [{"id": "P1", "text": "Weighs 2 kg."}]}
    service.reply = lambda columns: Response(json.dumps(reply))
    answers, _ = await asked({"kind": "http", "url": service.url, "answer": "choices.0.message.content"})
    assert (answers[0].text, answers[0].context) == ("2 kg", (Passage("P1", "Weighs 2 kg."),))


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Response('{"text": "x"}'), "the reply has no 'answer' of `answer`, there is text; mend the service"),
        (Response('{"answer": '), "gave a reply that is not whole JSON"),
        (Response("<html>", media_type="text/html"), "answered HTML instead of JSON; check `target.url`"),
        (Response("no", status_code=401), "answered 401, not authorized; name the environment variable"),
        (Response("gone", status_code=404), "answered 404: gone; check `target.url`"),
        (Response("broken", status_code=503), "answered 503: broken"),
        (Response(status_code=302, headers={"location": "/x"}), "answered 302"),
    ],
)
async def test_a_service_that_fails_is_the_apps_error_in_one_line(asked, service, reply, said):
    service.reply = lambda columns: reply
    answers, _ = await asked({"kind": "http", "url": service.url, "retries": 0})
    assert answers[0].outcome is Outcome.APP_ERROR
    assert answers[0].cause.startswith(f"service of shop at {service.url}: ")
    assert said in answers[0].cause


async def test_a_service_that_is_not_there(asked):
    answers, _ = await asked({"kind": "http", "url": "http://127.0.0.1:1/ask", "retries": 0})
    assert (
        answers[0].cause
        == "service of shop at http://127.0.0.1:1/ask: refused the connection; start it or mend `target.url`"
    )


async def test_a_token_that_is_not_set_is_named(asked, monkeypatch):
    monkeypatch.delenv("TOKEN_OF_TEST", raising=False)
    with pytest.raises(ConfigurationError, match="the environment variable TOKEN_OF_TEST is not set"):
        await asked({"kind": "http", "url": NOWHERE, "api_key_env": "TOKEN_OF_TEST"})


@pytest.mark.parametrize("name", ["answers.jsonl", "answers.csv"])
async def test_answers_that_exist_are_read_by_id(asked, tmp_path, name):
    rows = (
        '{"id": "r2", "output": "네"}\n{"id": "r9", "output": "x"}\n'
        if name.endswith("l")
        else "id,output\r\nr2,네\r\nr9,x\r\n"
    )
    (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + rows.encode())
    answers, spend = await asked({"kind": "answers", "path": name, "column": "output"})
    assert [(answer.outcome, answer.text) for answer in answers] == [(Outcome.APP_ERROR, ""), (Outcome.OK, "네")]
    assert answers[0].cause == f"{tmp_path / name} has no answer for row r1; add it there"
    assert spend.made == 0


async def test_answers_without_the_column_name_those_present(asked, tmp_path):
    (tmp_path / "a.jsonl").write_text('{"id": "r1", "text": "x"}\n')
    with pytest.raises(DataError, match="no column 'answer'; columns present are id, text"):
        await asked({"kind": "answers", "path": "a.jsonl"})


async def test_a_further_answer_to_a_row_is_a_call_of_its_own(python, make_rows):
    code = "from uuid import uuid4\n\ndef answer(question):\n    return uuid4().hex\n"
    data = repeated(Dataset("shop", "sample", "rows.jsonl", tuple(make_rows("How heavy?")), "data"), 3)
    first, _ = await python(code, list(data.rows)[:1])
    answers, spend = await python(code, list(data.rows))
    assert answers[0].text == first[0].text, "the first answer is what it was"
    assert (spend.made, spend.reused) == (2, 1)
    assert len({answer.text for answer in answers}) == 3


def test_the_key_of_a_first_answer_says_nothing_of_repeats():
    keys = [key_of(["http", "address", "{}"], repeat) for repeat in range(3)]
    assert keys[0] == digest(["http", "address", "{}"])
    assert len(set(keys)) == 3
