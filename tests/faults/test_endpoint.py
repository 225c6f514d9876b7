"""Every way an endpoint fails: what happens to the rows, and the one line that says so."""

import asyncio
import logging
import socket

import pytest

from configs.errors import ConfigurationError
from infra.simulator.behaviour import Behaviour, Fault
from infra.simulator.running import calls, simulated
from tasks.calling.answer import Outcome
from tasks.calling.asking import Spend
from tasks.journal.journal import Journal

pytestmark = pytest.mark.fault

CHAT = "/v1/chat/completions"
KEY = "sk-very-secret-0123456789"


@pytest.fixture
def asked(tmp_path, make_candidate, ask_all):
    async def run(loaded, rows):
        spend = Spend(loaded.app.budget)
        with Journal(tmp_path / "journal.db") as journal:
            options = {"loaded": loaded, "journal": journal, "epoch": "first", "spend": spend}
            return await ask_all(make_candidate(loaded), rows, **options), spend

    return run


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("unauthorized", "answered 401, not authorized; check the key in the environment variable KEY_OF_TEST"),
        (
            "not_found",
            "answered 404: The model does not exist. simulated model_not_found; check `model` and `base_url`",
        ),
        ("rate_limited", "answered 429, too many requests: Too many requests."),
        ("server_error", "answered 500: The server had an error."),
        ("too_long", "the prompt is too long for it: This model's maximum context length is exceeded."),
        ("html", "answered HTML instead of JSON; check `base_url`"),
        ("torn", "broke off its reply ("),
        ("cut", "ended its reply before the answer was whole; try again"),
        ("half_json", "gave a reply that cannot be read; try again"),
        ("empty", "gave an empty reply; try again"),
        ("hang", "no whole answer within 0.3 s; raise `timeout_s` or lower `concurrency`"),
    ],
)
@pytest.mark.parametrize("streams", [True, False])
async def test_a_fault_is_the_rows_error_in_one_line_and_never_an_answer(
    make_app, make_rows, asked, monkeypatch, caplog, kind, said, streams
):
    if not streams and kind in ("torn", "cut", "half_json", "empty"):
        said = "gave a reply that is not whole JSON; try again"
    monkeypatch.setenv("KEY_OF_TEST", KEY)
    caplog.set_level(logging.DEBUG)
    with simulated(Behaviour(faults=(Fault(kind=kind, contains="two"),), streams=streams)) as address:
        timeout_s = 0.3 if kind == "hang" else 10
        loaded = make_app(address, chat={"api_key_env": "KEY_OF_TEST", "timeout_s": timeout_s})
        answers, spend = await asked(loaded, make_rows("number one", "number two", "number three"))
    assert [answer.outcome for answer in answers] == [Outcome.OK, Outcome.APP_ERROR, Outcome.OK]
    assert answers[1].text == ""
    assert answers[1].cause.startswith(f"model simulated at {address}: {said}")
    assert "\n" not in answers[1].cause
    assert (spend.made, spend.failed) == (3, 1)
    assert KEY not in answers[1].cause + caplog.text
    assert KEY not in str(answers)


async def test_a_refused_connection(make_app, make_rows, asked):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{probe.getsockname()[1]}/v1"
        answers, _ = await asked(make_app(address), make_rows("one"))
    assert answers[0].cause == f"model simulated at {address}: refused the connection; start it or mend the address"


async def test_an_unknown_host(make_app, make_rows, asked):
    answers, _ = await asked(make_app("http://no-such-host.invalid/v1"), make_rows("one"))
    assert answers[0].cause == (
        "model simulated at http://no-such-host.invalid/v1: the host no-such-host.invalid is unknown; "
        "mend `base_url` or the network"
    )


async def test_something_that_does_not_speak_http(make_app, make_rows, asked):
    async def hang_up(reader, writer):
        writer.write(b"220 mail.example ready\r\n")
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        answers, _ = await asked(make_app(address), make_rows("one"))
    assert answers[0].cause.startswith(f"model simulated at {address}: broke off its reply")


def test_a_password_in_the_address_is_refused_and_not_shown(make_app):
    with pytest.raises(ConfigurationError) as raised:
        make_app("http://user:hunter2@127.0.0.1:1/v1")
    assert "base_url" in str(raised.value)
    assert "hunter2" not in str(raised.value)


async def test_an_embedded_model_that_is_down_says_how_to_start_it(make_app, make_rows, asked, monkeypatch):
    from configs.settings import settings

    monkeypatch.setenv("LIFECYCLE_CHAT_PORT", "1")
    monkeypatch.setattr("tasks.calling.embedding.retries_of", lambda model: 0)
    monkeypatch.setattr("tasks.calling.prompt_target.retries_of", lambda model: 0)
    settings.cache_clear()
    try:
        loaded = make_app("http://127.0.0.1:1/v1")
        loaded.models["chat"] = loaded.models["smollm2-135m"]
        answers, _ = await asked(loaded, make_rows("one"))
    finally:
        settings.cache_clear()
    assert answers[0].cause == (
        "model smollm2-135m at http://127.0.0.1:1/v1: refused the connection; run `lifecycle up`"
    )


async def test_a_key_that_is_not_set_is_named_before_anything_is_asked(make_app, make_rows, asked, monkeypatch):
    monkeypatch.delenv("KEY_OF_TEST", raising=False)
    with simulated() as address:
        with pytest.raises(ConfigurationError, match="the environment variable KEY_OF_TEST is not set"):
            await asked(make_app(address, chat={"api_key_env": "KEY_OF_TEST"}), make_rows("one"))
        assert calls(address) == {}


@pytest.mark.parametrize("kind", ["rate_limited", "server_error", "torn", "cut", "empty"])
async def test_what_a_retry_mends_is_tried_again(make_app, make_rows, asked, kind):
    fault = Fault(kind=kind, times=1, retry_after_s=0)
    with simulated(Behaviour(faults=(fault,))) as address:
        answers, spend = await asked(make_app(address, chat={"retries": 2}), make_rows("number one"))
    assert (answers[0].text, answers[0].attempts) == ("number one", 2)
    assert (spend.made, spend.failed) == (2, 1)


@pytest.mark.parametrize("kind", ["unauthorized", "not_found", "too_long", "html"])
async def test_what_no_retry_mends_is_asked_once(make_app, make_rows, asked, kind):
    with simulated(Behaviour(faults=(Fault(kind=kind),))) as address:
        answers, _ = await asked(make_app(address, chat={"retries": 3}), make_rows("one"))
        assert calls(address)[CHAT] == 1
    assert answers[0].attempts == 1


async def test_the_wait_an_endpoint_asks_for_is_kept(make_app, make_rows, asked):
    with simulated(Behaviour(faults=(Fault(kind="rate_limited", times=1, retry_after_s=1.5),))) as address:
        started = asyncio.get_running_loop().time()
        answers, _ = await asked(make_app(address, chat={"retries": 1}), make_rows("one"))
        # Without the wait it would be half a second at most.
        assert asyncio.get_running_loop().time() - started >= 1.5
    assert answers[0].text == "one"


async def test_a_wait_of_more_than_a_minute_is_not_waited(make_app, make_rows, asked):
    with simulated(Behaviour(faults=(Fault(kind="rate_limited", retry_after_s=3600),))) as address:
        answers, _ = await asked(make_app(address, chat={"retries": 3}), make_rows("one"))
        assert calls(address)[CHAT] == 1
    assert answers[0].outcome is Outcome.APP_ERROR


@pytest.mark.parametrize("kind", ["unauthorized", "not_found", "html", "hang"])
async def test_an_endpoint_that_always_fails_is_not_asked_a_thousand_times(make_app, make_rows, asked, kind):
    with simulated(Behaviour(faults=(Fault(kind=kind),))) as address:
        loaded = make_app(address, chat={"concurrency": 4, "timeout_s": 0.3 if kind == "hang" else 10})
        rows = make_rows(*(f"question {number}" for number in range(1000)))
        answers, spend = await asked(loaded, rows)
        assert calls(address)[CHAT] == spend.made <= 8
    failed = [answer for answer in answers if answer.outcome is Outcome.APP_ERROR]
    skipped = [answer for answer in answers if answer.outcome is Outcome.SKIPPED]
    assert (len(failed), len(failed) + len(skipped)) == (spend.made, 1000)
    assert skipped[0].cause.startswith("not asked after 5 failures in a row: model simulated at ")


async def test_rows_of_which_some_are_too_long_are_all_asked(make_app, make_rows, asked):
    with simulated(Behaviour(faults=(Fault(kind="too_long", contains="long"),))) as address:
        rows = make_rows(*(f"long {number}" for number in range(12)), "short")
        answers, _ = await asked(make_app(address), rows)
    assert [answer.outcome for answer in answers] == [Outcome.APP_ERROR] * 12 + [Outcome.OK]


async def test_a_share_of_every_fault_is_mended_by_retries(make_app, make_rows, asked):
    kinds = ("rate_limited", "server_error", "torn", "cut", "half_json", "empty")
    faults = tuple(Fault(kind=kind, share=0.05, retry_after_s=0) for kind in kinds)
    questions = [f"question number {number}" for number in range(40)]
    with simulated(Behaviour(faults=faults)) as address:
        answers, spend = await asked(make_app(address, chat={"retries": 6, "concurrency": 40}), make_rows(*questions))
        assert calls(address)[CHAT] == spend.made == 40 + spend.failed
    assert [answer.text for answer in answers] == questions
    assert spend.failed > 0
