"""Deferring: every question answered in batch files, at a share of the price, and found by an ordinary `ask`."""

import json
from dataclasses import replace

import pytest

from configs.errors import ConfigurationError
from configs.schema.model import Price
from infra.simulator.behaviour import Behaviour, Fault, Rule
from infra.simulator.running import calls, simulated, statistics
from tasks.calling.answer import Latency, Outcome, Passage
from tasks.calling.asking import Spend
from tasks.calling.deferring import folder as batch_folder
from tasks.calling.deferring.defer import Polling, defer
from tasks.calling.deferring.lines import read_result
from tasks.calling.failures import Callee
from tasks.candidate import RetrievalChoice
from tasks.data.row import Message, Row
from tasks.journal.erasing import Removed, erase
from tasks.journal.journal import Journal

AT_ONCE = Polling(0.01, 0.02)
QUESTIONS = [f"question number {number}" for number in range(60)]


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "journal.db") as opened:
        yield opened


@pytest.fixture
def deferred(journal, make_candidate):
    """Defers an app's candidate; returns what became of it and the ledger."""

    async def run(loaded, rows, candidate=None, epoch="first", spend=None, **options):
        spend = spend or Spend(loaded.app.budget)
        found = await defer(
            candidate or make_candidate(loaded),
            rows,
            loaded=loaded,
            journal=journal,
            epoch=epoch,
            spend=spend,
            polling=AT_ONCE,
            **options,
        )
        return found, spend

    return run


@pytest.fixture
def asked(journal, make_candidate, ask_all):
    async def run(loaded, rows, candidate=None, epoch="first", **options):
        spend = Spend(loaded.app.budget)
        asking = candidate or make_candidate(loaded)
        return await ask_all(asking, rows, loaded=loaded, journal=journal, epoch=epoch, spend=spend, **options), spend

    return run


def left_in(tmp_path):
    """The files of lines that are still here, and what is remembered of batches."""
    folder = tmp_path / "deferred"
    return list(folder.rglob("*.jsonl")), [json.loads(file.read_text()) for file in folder.rglob("*.json")]


async def test_every_row_is_answered_without_a_call(make_app, make_rows, deferred, asked, tmp_path):
    rows, seen = make_rows(*QUESTIONS), []
    with simulated(Behaviour(batch_s=0.1)) as address:
        loaded = make_app(address)
        found, _ = await deferred(loaded, rows, on_progress=lambda ended, sent: seen.append((ended, sent)))
        answers, spend = await asked(loaded, rows)
        told = statistics(address)
    assert (found.sent, found.answered, found.reused, found.resumed, found.left) == (60, 60, 0, 0, {})
    assert [answer.text for answer in answers] == QUESTIONS
    assert (spend.made, spend.reused) == (0, 60)
    assert (told["requests"], told["batches"], told["batch_lines"]) == (0, 1, 60)
    assert answers[0].messages == (Message("system", "Be brief."), Message("user", "question number 0"))
    assert (answers[0].usage, answers[0].latency, answers[0].attempts) == ((6, 3, 0), Latency(), 1)
    assert seen[0] == (0, 60)
    assert seen[-1] == (60, 60)
    lines, (remembered,) = left_in(tmp_path)
    assert lines == []
    assert (remembered["lines"], remembered["collected"], remembered["rubbish"]) == (60, True, [])


async def test_a_deferred_call_belongs_to_who_asked_as_well(make_app, make_rows, deferred, journal, tmp_path):
    rows = [replace(row, user=f"user-{number}") for number, row in enumerate(make_rows("one", "둘"))]
    with simulated(Behaviour(batch_s=0)) as address:
        await deferred(make_app(address), rows)
    journal.flush()
    assert erase(tmp_path / "journal.db", user="user-1") == Removed(1)


async def test_deferring_again_makes_no_batch(make_app, make_rows, deferred):
    with simulated(Behaviour(batch_s=0)) as address:
        loaded = make_app(address)
        await deferred(loaded, make_rows("one", "둘"))
        again, spend = await deferred(loaded, make_rows("one", "둘"))
        assert statistics(address)["batches"] == 1
    assert (again.sent, again.answered, again.reused, again.left) == (0, 0, 2, {})
    assert (spend.made, spend.price) == (0, 0.0)


async def test_nothing_to_ask_is_no_batch(make_app, deferred, tmp_path):
    with simulated() as address:
        found, _ = await deferred(make_app(address), [])
        assert statistics(address)["batches"] == 0
    assert (found.sent, left_in(tmp_path)) == (0, ([], []))


async def test_rows_that_ask_the_same_are_one_line(make_app, make_rows, deferred, asked):
    with simulated(Behaviour(batch_s=0)) as address:
        loaded = make_app(address)
        found, _ = await deferred(loaded, make_rows(*["same"] * 5))
        answers, _ = await asked(loaded, make_rows(*["same"] * 5))
        assert statistics(address)["batch_lines"] == 1
    assert (found.sent, found.answered) == (1, 1)
    assert {answer.text for answer in answers} == {"same"}


async def test_a_deferred_answer_costs_half(make_app, make_rows, deferred, asked):
    with simulated(Behaviour(batch_s=0)) as address:
        loaded = make_app(address, price=(1000, 2000), budget={"price": 100})
        _, spend = await deferred(loaded, make_rows("question number one"))
        (later,), _ = await asked(loaded, make_rows("question number one"))
        (at_once,), _ = await asked(loaded, make_rows("question number one"), epoch="second")
    assert at_once.price == pytest.approx((6 * 1000 + 3 * 2000) / 1e6)
    assert later.price == spend.price == pytest.approx(at_once.price / 2)
    assert (spend.made, spend.failed, spend.input_tokens, spend.output_tokens) == (1, 0, 6, 3)


async def test_the_share_is_a_price_of_its_own(make_app, make_rows, deferred):
    with simulated(Behaviour(batch_s=0)) as address:
        loaded = make_app(address, budget={"price": 100})
        loaded.prices["chat"] = Price(input=1000, output=2000, deferred=0.25)
        _, spend = await deferred(loaded, make_rows("question number one"))
    assert spend.price == pytest.approx((6 * 1000 + 3 * 2000) / 1e6 / 4)


async def test_what_was_asked_is_not_deferred_and_the_other_way_round(make_app, make_rows, deferred, asked):
    with simulated(Behaviour(batch_s=0)) as address:
        loaded = make_app(address)
        await asked(loaded, make_rows("one", "two"))
        found, _ = await deferred(loaded, make_rows("one", "two", "three"))
        answers, spend = await asked(loaded, make_rows("one", "two", "three"))
        assert (calls(address), statistics(address)["batch_lines"]) == ({"/v1/chat/completions": 2}, 1)
    assert (found.reused, found.sent) == (2, 1)
    assert [answer.text for answer in answers] == ["one", "two", "three"]
    assert spend.made == 0
    assert [answer.latency.total > 0 for answer in answers] == [True, True, False]


async def test_a_new_epoch_is_asked_again(make_app, make_rows, deferred):
    with simulated(Behaviour(batch_s=0)) as address:
        loaded = make_app(address)
        await deferred(loaded, make_rows("one"))
        await deferred(loaded, make_rows("one"), epoch="second")
        assert statistics(address)["batches"] == 2


async def test_a_full_file_is_a_batch_of_its_own(make_app, make_rows, deferred, asked, monkeypatch, tmp_path):
    monkeypatch.setattr(batch_folder, "MOST_LINES", 25)
    with simulated(Behaviour(batch_s=0.05)) as address:
        loaded = make_app(address)
        found, _ = await deferred(loaded, make_rows(*QUESTIONS))
        answers, _ = await asked(loaded, make_rows(*QUESTIONS))
        assert (statistics(address)["batches"], statistics(address)["batch_lines"]) == (3, 60)
    assert (found.sent, found.answered) == (60, 60)
    assert [answer.text for answer in answers] == QUESTIONS
    assert sorted(one["lines"] for one in left_in(tmp_path)[1]) == [10, 25, 25]


async def test_a_file_is_full_by_its_bytes_too(make_app, make_rows, deferred, monkeypatch):
    monkeypatch.setattr(batch_folder, "MOST_BYTES", 700)
    with simulated(Behaviour(batch_s=0)) as address:
        found, _ = await deferred(make_app(address), make_rows(*QUESTIONS[:6]))
        assert statistics(address)["batches"] == 3
    assert found.answered == 6


async def test_lines_that_expired_are_told_by_their_keys_and_sent_again_next_time(
    make_app, make_rows, deferred, asked, journal
):
    rows = make_rows(*QUESTIONS)
    with simulated(Behaviour(batch_s=0, batch_expire_share=0.3)) as address:
        loaded = make_app(address)
        found, spend = await deferred(loaded, rows)
        first = statistics(address)
        expired = found.causes["expired"]
        again, _ = await deferred(loaded, rows)
    assert 0 < expired < 60
    assert (found.sent, found.answered, len(found.left)) == (60, 60 - expired, expired)
    assert (first["batch_lines"], first["requests"]) == (60 - expired, 0)
    assert (spend.made, spend.failed) == (60, expired)
    failure = next(iter(found.left.values()))
    assert failure.cause == f"model simulated at {address}: did not come to it in the 24 hours of a batch; run again"
    assert all(journal.get(key) is None or key not in again.left for key in found.left)
    assert (again.sent, again.reused) == (expired, 60 - expired)


async def test_lines_that_failed_are_told_by_what_happened_to_them(make_app, make_rows, deferred, asked):
    faults = (
        Fault(kind="too_long", contains="long"),
        Fault(kind="server_error", contains="broken"),
        Fault(kind="hang", contains="late"),
        Fault(kind="rate_limited", contains="busy"),
    )
    with simulated(Behaviour(batch_s=0, faults=faults)) as address:
        loaded = make_app(address)
        found, spend = await deferred(loaded, make_rows("fine", "long", "broken", "late", "busy", "good"))
        answers, _ = await asked(loaded, make_rows("fine", "good"))
        assert calls(address) == {}
    assert (found.answered, spend.failed) == (2, 4)
    assert found.causes == {"server_error": 2, "too_long": 1, "rate_limited": 1}
    causes = sorted(failure.cause.removeprefix(f"model simulated at {address}: ") for failure in found.left.values())
    assert causes[0].startswith("answered 429, too many requests: Too many requests.")
    assert causes[1].startswith("answered 500: The server had an error.")
    assert causes[2].startswith("answered 500: The underlying call to the model timed out. request_timeout")
    assert causes[3].startswith("the prompt is too long for it: ")
    assert [answer.outcome for answer in answers] == [Outcome.OK, Outcome.OK]


async def test_a_batch_that_is_not_valid_fails_all_its_lines_in_one_line(make_app, make_rows, deferred, monkeypatch):
    line = batch_folder.LineFile.add
    monkeypatch.setattr(batch_folder.LineFile, "add", lambda file, text: line(file, text.replace(b"POST", b"GET")))
    with simulated(Behaviour(batch_s=0)) as address:
        found, _ = await deferred(make_app(address), make_rows("one", "two"))
    assert (found.sent, found.answered, found.causes) == (2, 0, {"rejected": 2})
    (cause,) = {failure.cause for failure in found.left.values()}
    assert cause.startswith(f"model simulated at {address}: answered 400: batch batch_")
    assert "failed: The HTTP method must be 'POST'. (invalid_method)" in cause


async def test_no_more_lines_than_the_budget_of_calls(make_app, make_rows, deferred):
    with simulated(Behaviour(batch_s=0)) as address:
        found, spend = await deferred(make_app(address, budget={"calls": 3}), make_rows(*"abcdefgh"))
        assert statistics(address)["batch_lines"] == 3
    assert (found.sent, found.answered, found.causes) == (3, 3, {"cut_off": 5})
    assert {failure.cause for failure in found.left.values()} == {
        "not asked: the budget of 3 calls is used up; raise `budget.calls` in app.yaml"
    }
    assert spend.made == 3


@pytest.mark.parametrize("share", [0.5, 1.0])
async def test_lines_never_pass_the_budget_in_dollars_and_go_as_far_as_their_price(
    make_app, make_rows, deferred, share
):
    with simulated(Behaviour(batch_s=0)) as address:
        loaded = make_app(address, budget={"price": 3.0})
        loaded.prices["chat"] = Price(input=1000, output=1000, deferred=share)
        found, spend = await deferred(loaded, make_rows(*QUESTIONS))
    assert found.sent == {0.5: 48, 1.0: 24}[share]
    assert found.causes == {"cut_off": 60 - found.sent}
    assert 0 < spend.price <= 3.0


async def test_the_budget_in_tokens_is_held_too(make_app, make_rows, deferred):
    with simulated(Behaviour(batch_s=0)) as address:
        found, _ = await deferred(make_app(address, budget={"tokens": 2000}), make_rows(*QUESTIONS))
    assert 0 < found.sent < 60
    assert found.causes == {"cut_off": 60 - found.sent}


async def test_a_model_without_a_price_is_refused(make_app, make_rows, deferred):
    with pytest.raises(ConfigurationError, match="model chat has no price"):
        await deferred(make_app("http://127.0.0.1:1/v1", price=None), make_rows("one"))


async def test_when_the_minutes_are_over_the_batch_stays_and_is_collected_by_the_same_command(
    make_app, make_rows, deferred, tmp_path
):
    with simulated(Behaviour(batch_s=0.5)) as address:
        loaded = make_app(address, budget={"minutes": 60}, price=(1000, 1000))
        spend = Spend(loaded.app.budget)

        def end(ended, sent):
            spend._started = float("-inf")

        found, _ = await deferred(loaded, make_rows("one", "two"), spend=spend, on_progress=end)
        assert (found.sent, found.answered, found.causes) == (2, 0, {"waiting": 2})
        assert len(left_in(tmp_path)[0]) == 1
        later, spend = await deferred(loaded, make_rows("one", "two"))
        assert (statistics(address)["batches"], statistics(address)["batch_lines"]) == (1, 2)
    assert (later.sent, later.resumed, later.answered, later.left) == (0, 2, 2, {})
    assert (spend.made, spend.failed) == (2, 0)
    assert spend.price == pytest.approx(2 * (4 + 1) * 1000 / 1e6 / 2)


async def test_rows_that_cannot_be_asked_are_left_to_ask(make_app, make_rows, make_candidate, deferred, asked):
    rows = make_rows("one", "two")
    rows[0].columns["shop"] = "Outfitter"
    rows[1].columns["shop"] = {"name": "Outfitter"}
    with simulated(Behaviour(batch_s=0)) as address:
        loaded = make_app(address)
        candidate = make_candidate(loaded, ("user", "{{shop.name}}: {{question}}"))
        found, _ = await deferred(loaded, rows, candidate)
        answers, _ = await asked(loaded, rows, candidate)
    assert (found.sent, found.answered, found.left) == (1, 1, {})
    assert "has no attribute 'name'" in answers[0].cause
    assert answers[1].text == "Outfitter: two"


async def test_retrieved_passages_stand_in_a_line_and_are_reported(
    make_app, make_candidate, make_rows, deferred, asked
):
    class Index:
        digest = "i" * 16
        searched = None

        def search(self, vector, top_k):
            return (Passage("P1", "Weighs 2 kg.", 0.9),)

    with simulated(Behaviour(batch_s=0)) as address:
        loaded = make_app(address)
        candidate = make_candidate(
            loaded, ("user", "{{documents}}\n{{question}}"), retrieval=RetrievalChoice(index="i" * 16, top_k=1)
        )
        await deferred(loaded, make_rows("How heavy?"), candidate, index=Index())
        (answer,), spend = await asked(loaded, make_rows("How heavy?"), candidate, index=Index())
    assert (answer.text, answer.context) == ("Weighs 2 kg. [P1]", (Passage("P1", "Weighs 2 kg.", 0.9),))
    assert spend.made == 0


async def test_conversations_and_any_text_go_through_whole(make_app, deferred, asked):
    text = "줄 바꿈\u2028\u0085그리고 “따옴표”\nEnde"
    rows = [Row("r1", (Message("user", "Red?"), Message("assistant", "Yes."), Message("user", text)))]
    with simulated(Behaviour(batch_s=0, rules=(Rule(contains="", answer=text),))) as address:
        loaded = make_app(address)
        await deferred(loaded, rows)
        (answer,), spend = await asked(loaded, rows)
    assert (answer.text, spend.made) == (text, 0)


async def test_a_model_that_no_endpoint_serves_in_batches_is_refused(make_app, make_rows, make_candidate, deferred):
    loaded = make_app("http://127.0.0.1:1/v1")
    with pytest.raises(ConfigurationError, match="model smollm2-135m cannot be deferred, only one of kind `openai`"):
        await deferred(loaded, make_rows("one"), make_candidate(loaded, model="smollm2-135m"))


async def test_a_target_of_the_users_is_refused(make_app, make_rows, deferred):
    loaded = make_app("http://127.0.0.1:1/v1", target={"kind": "http", "url": "http://127.0.0.1:1/"})
    with pytest.raises(ConfigurationError, match="a target of kind `http` cannot be deferred, only a prompt can"):
        await deferred(loaded, make_rows("one"))


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (b"{broken", None),
        (b"[]", None),
        (b'{"response": {}}', None),
        (b'{"custom_id": 7, "response": {}}', None),
        (b'{"custom_id": "k", "response": {"status_code": 200, "body": {}}}', "torn"),
        (b'{"custom_id": "k", "response": {"status_code": 200, "body": "<html>"}}', "torn"),
        (b'{"custom_id": "k", "response": {"status_code": null, "body": {}}}', "torn"),
        (
            b'{"custom_id": "k", "response": {"status_code": 200, "body": {"choices": '
            b'[{"message": {"content": "half"}, "finish_reason": null}]}}}',
            "torn",
        ),
        (b'{"custom_id": "k", "response": {"status_code": 404, "body": {"error": {"message": "?"}}}}', "not_found"),
        (b'{"custom_id": "k", "response": null, "error": null}', "server_error"),
        (b'{"custom_id": "k", "response": null, "error": {"code": "batch_cancelled"}}', "cancelled"),
    ],
)
def test_whatever_stands_in_a_file_is_never_an_answer_that_it_is_not(line, found):
    result = read_result(line, Callee("model m", "http://m/v1", 1))
    assert (result and result.found.kind) == found


def test_an_answer_without_text_or_tokens_is_one():
    line = (
        b'{"custom_id": "k", "response": {"status_code": 200, "body": {"choices": '
        b'[{"message": {"content": null}, "finish_reason": "stop"}], "usage": null}}}'
    )
    given = read_result(line, Callee("model m", "http://m/v1", 1)).found
    assert (given.text, given.usage) == ("", (0, 0, 0))
