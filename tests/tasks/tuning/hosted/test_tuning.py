"""A provider's job: capped before it is sent, followed to its end, paid once, and what it made is what is asked."""

import asyncio
import json

import openai
import pytest

from configs.errors import ConfigurationError, DataError, EndpointError
from infra.simulator.behaviour import Behaviour, Fault
from infra.simulator.running import requests, simulated, statistics
from tasks.calling.answer import Outcome
from tasks.calling.asked_model import asked_model
from tasks.calling.deferring.defer import Polling, defer
from tasks.calling.endpoint import endpoint_model
from tasks.calling.spend import BudgetUsedUp
from tasks.candidate import HostedModel, LoraAdapter
from tasks.data.row import Message
from tasks.progress import shown_on
from tasks.serving.responder import Reply, open_responder
from tasks.tuning.hosted.expected import expected
from tasks.tuning.hosted.tuning import FOLDER, cancel_job

JOBS = "/v1/fine_tuning/jobs"


class Listening:
    """A display that keeps what it was told."""

    def __init__(self):
        self.said, self.bars = [], []

    def bar(self, label, total):
        self.bars.append([label, total, 0])
        return self

    def advance(self, note=""):
        self.bars[-1][2] += 1

    def close(self): ...

    def say(self, line):
        self.said.append(line)


def provider(address):
    return openai.OpenAI(base_url=address, api_key="any", max_retries=0)


def remembered(tmp_path):
    return [json.loads(file.read_text()) for file in (tmp_path / FOLDER).glob("*.json")]


async def test_examples_go_in_and_a_candidates_model_comes_out(workspace, tuned, examples, tmp_path):
    display = Listening()
    with simulated(Behaviour(tuning_s=0.2)) as address, shown_on(display):
        opened = workspace(address)
        found = await tuned(opened)
        jobs, files = list(provider(address).fine_tuning.jobs.list()), list(provider(address).files.list())
    (job,) = jobs
    assert found.adapter == HostedModel(model=job.fine_tuned_model, job=job.id)
    assert (job.hyperparameters.n_epochs, job.hyperparameters.batch_size, job.seed) == (2, 4, 7)
    assert job.fine_tuned_model.startswith("ft:simulated:simulated:lifecycle:")
    train = [loss.value for loss in found.losses if loss.side == "train"]
    held_out = [(loss.step, loss.value) for loss in found.losses if loss.side == "held_out"]
    assert len(train) == 6 and train[-1] < train[0]
    assert [step for step, _ in held_out] == [3, 6]
    assert [each.step for each in found.checkpoints] == [3, 6]
    assert found.checkpoints[-1].adapter == found.adapter
    assert found.checkpoints[0].adapter.model == f"{job.fine_tuned_model}:ckpt-step-3"
    assert found.checkpoints[0].held_out == held_out[0][1]
    tokens = 12 * 2 * (6 + 6)
    assert found.facts["trained_tokens"] == job.trained_tokens == tokens
    assert found.facts["price"] == opened.spend.price == pytest.approx(tokens / 100)
    assert (found.facts["steps"], opened.spend.made, opened.spend.failed) == (6, 1, 0)
    assert files == [], "what was sent is deleted"
    assert display.bars == [["fine-tuning chat · steps", 6, 6]]
    assert "tokens × 2 epochs (counted by the embedded model's tokenizer), $" in display.said[0]
    assert display.said[-1] == f"fine-tuning chat: made {job.fine_tuned_model}, $2.8800"


async def test_the_same_again_is_found_without_a_request_and_other_settings_are_another_job(
    workspace, tuned, settings, tmp_path
):
    with simulated(Behaviour(tuning_s=0)) as address:
        first = await tuned(workspace(address))
    again = workspace(address)
    assert await tuned(again, settings=settings(price=0.01, interrupted="keep")) == first
    assert (again.spend.made, again.spend.price, again.spend.reused) == (0, 0, 1)
    with simulated(Behaviour(tuning_s=0)) as address:
        for changes in ({}, {"epochs": 1}, {"seed": 8}):
            await tuned(workspace(address), settings=settings(**changes))
        assert statistics(address)["tuning_jobs"] == 3, "another address is another model"
    assert len(remembered(tmp_path)) == 4


async def test_a_job_of_another_machine_is_found_by_its_mark(workspace, tuned, settings, tmp_path):
    with simulated(Behaviour(tuning_s=0)) as address:
        first = await tuned(workspace(address))
        for file in (tmp_path / FOLDER).glob("*.json"):
            file.unlink()
        assert await tuned(workspace(address), settings=settings(price=0)) == first
        assert statistics(address)["tuning_jobs"] == 1


async def test_the_best_checkpoint_is_that_of_the_lowest_held_out_loss(workspace, tuned, settings):
    with simulated(Behaviour(tuning_s=0)) as address:
        found = await tuned(workspace(address), settings=settings(checkpoint="best"))
        without = await tuned(workspace(address), settings=settings(checkpoint="best"), held_out=())
    assert found.adapter == min(found.checkpoints, key=lambda each: each.held_out).adapter
    assert {loss.side for loss in without.losses} == {"train"}
    assert without.adapter == without.checkpoints[-1].adapter


async def test_what_could_pass_a_cap_is_not_sent(workspace, tuned, settings, tmp_path):
    with simulated() as address:
        for changes, budget, key in (
            ({"price": 2.0}, {}, "finetune.hosted.price"),
            ({}, {"price": 2.0}, "budget.price"),
        ):
            with pytest.raises(BudgetUsedUp) as raised:
                await tuned(workspace(address, budget=budget), settings=settings(**changes))
            assert str(raised.value).startswith("app shop: not tuned: ")
            assert f"`{key}` leaves $2.0000; raise it in app.yaml, or train on fewer rows or epochs" in str(
                raised.value
            )
        assert (statistics(address)["tuning_jobs"], list(provider(address).files.list())) == (0, [])
    assert remembered(tmp_path) == []


async def test_a_model_without_a_price_of_training_is_refused_unless_the_budget_lets_it_go(workspace, tuned):
    with simulated(Behaviour(tuning_s=0)) as address:
        with pytest.raises(ConfigurationError, match="model chat has no price of training, so that no cap"):
            await tuned(workspace(address, training=None))
        found = await tuned(workspace(address, training=None, budget={"unpriced": ["chat"]}))
    assert found.facts["price"] == 0


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda all_: all_[:9], "9 training examples, and a provider takes 10 at least; add rows"),
        (lambda all_: (all_[0]._replace(answer=" "), *all_[1:]), "1 of 12 training rows have no reference answer: red"),
        (lambda all_: (all_[0]._replace(messages=()), *all_[1:]), "1 of 12 training rows are no conversation: red"),
        (
            lambda all_: (all_[0]._replace(messages=(Message("user", ""),)), *all_[1:]),
            "1 of 12 training rows are no conversation: red",
        ),
        (
            lambda all_: [each._replace(answer="Yes.") for each in all_],
            "all 12 training rows have the same answer, 'Yes.'",
        ),
        (
            lambda all_: (all_[0]._replace(answer="red " * 90), *all_[1:]),
            "1 training examples have more than 60 tokens",
        ),
    ],
)
async def test_examples_that_no_provider_takes_are_named_before_anything_is_sent(
    workspace, tuned, settings, examples, spoil, said
):
    with simulated() as address:
        with pytest.raises(DataError, match=said):
            await tuned(workspace(address), examples=spoil(examples), settings=settings(most_tokens=60))
        assert list(provider(address).files.list()) == []


async def test_only_a_chat_model_of_a_provider_can_be_tuned(workspace, tuned, settings):
    for name in ("vectors", "smollm2-135m", "none"):
        with pytest.raises(ConfigurationError, match=f"'{name}' is no chat model of kind `openai`.*known are chat"):
            await tuned(workspace("http://127.0.0.1:1/v1"), settings=settings(model=name))


async def test_a_job_that_fails_is_one_line_and_may_be_begun_again(workspace, tuned, tmp_path):
    with simulated(Behaviour(tuning_s=0.05, tuning_failure="The cluster is on fire.")) as address:
        for jobs in (1, 2):
            opened = workspace(address)
            with pytest.raises(EndpointError) as raised:
                await tuned(opened)
            assert str(raised.value).startswith(f"model simulated at {address}: answered 400: fine-tuning job ftjob-")
            assert "failed: The cluster is on fire. (server_error)" in str(raised.value)
            assert (statistics(address)["tuning_jobs"], opened.spend.price) == (jobs, 0)
        assert list(provider(address).files.list()) == []
    assert remembered(tmp_path) == []


async def test_requests_that_fail_are_tried_again_and_nothing_is_paid_twice(workspace, tuned):
    def passing(kind, text):
        return Fault(kind=kind, contains=text, times=1, retry_after_s=0.01)

    faults = tuple(
        passing(kind, text)
        for text in ("POST /v1/files", f"POST {JOBS}", f"GET {JOBS}/ftjob", "/events", "/checkpoints")
        for kind in ("rate_limited", "server_error", "torn")
    )
    with simulated(Behaviour(tuning_s=0.1, api_faults=faults, api_latency_s=0.01)) as address:
        opened = workspace(address, chat={"retries": 4})
        found = await tuned(opened)
        assert statistics(address)["tuning_jobs"] == 1
    assert len([loss for loss in found.losses if loss.side == "train"]) == 6
    assert opened.spend.price == pytest.approx(2.88)


async def test_a_wrong_key_is_one_line_that_does_not_show_it(workspace, tuned, monkeypatch, tmp_path):
    monkeypatch.setenv("KEY_OF_TEST", "sk-very-secret-0123456789")
    with simulated(Behaviour(api_key="right")) as address, pytest.raises(EndpointError) as raised:
        await tuned(workspace(address, chat={"api_key_env": "KEY_OF_TEST"}))
    assert str(raised.value).endswith("check the key in the environment variable KEY_OF_TEST")
    assert not any(b"very-secret" in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


async def test_an_endpoint_without_fine_tuning_says_so(workspace, tuned):
    with simulated() as address:
        elsewhere = address.removesuffix("/v1") + "/v2"
        with pytest.raises(EndpointError, match="it seems to have no fine-tuning; tune on this machine instead"):
            await tuned(workspace(elsewhere))


@pytest.fixture
def interrupted(workspace, tuned):
    """Interrupts a job that runs, as Ctrl-C does; returns what was said last."""

    async def run(address, settings):
        display = Listening()
        with shown_on(display):
            task = asyncio.create_task(tuned(workspace(address), settings=settings))
            while not any("is running" in line for line in display.said):
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        return display.said[-1]

    return run


async def test_an_interrupted_job_is_cancelled_and_what_was_sent_is_deleted(interrupted, settings, tmp_path):
    with simulated(Behaviour(tuning_s=3)) as address:
        said = await interrupted(address, settings())
        (job,) = provider(address).fine_tuning.jobs.list()
        assert list(provider(address).files.list()) == []
    assert job.status == "cancelled"
    assert f"job {job.id} was cancelled after step" in said
    assert remembered(tmp_path) == []


async def test_an_interrupted_job_is_kept_where_the_settings_say_so(interrupted, settings, workspace, tuned):
    with simulated(Behaviour(tuning_s=1)) as address:
        said = await interrupted(address, settings(interrupted="keep"))
        found = await tuned(workspace(address), settings=settings(interrupted="keep"))
        (job,) = provider(address).fine_tuning.jobs.list()
    assert said == f"fine-tuning chat: job {job.id} goes on; run the same command to follow it"
    assert found.adapter.job == job.id


@pytest.mark.parametrize("resumed", [False, True])
async def test_what_an_interrupted_job_had_trained_is_booked(workspace, tuned, settings, examples, resumed):
    async def interrupt(opened, given, steps):
        display = Listening()
        with shown_on(display):
            task = asyncio.create_task(tuned(opened, settings=given))
            while not any(done >= steps for _, _, done in display.bars):
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        return display.said[-1]

    with simulated(Behaviour(tuning_s=4)) as address:
        if resumed:
            kept = workspace(address)
            await interrupt(kept, settings(interrupted="keep"), 1)
            assert kept.spend.price == 0, "whoever follows it to its end books it"
        opened = workspace(address)
        said = await interrupt(opened, settings(), 2)
    steps = int(said.partition("after step ")[2].partition(";")[0])
    assert (opened.spend.made, opened.spend.failed) == (1, 0)
    assert steps >= 2
    assert opened.spend.price == pytest.approx(expected(opened, examples, settings()).price * steps / 6)


async def test_when_the_minutes_are_over_the_job_is_cancelled(workspace, tuned, tmp_path):
    with simulated(Behaviour(tuning_s=5)) as address:
        opened = workspace(address, budget={"minutes": 60})

        class Ending(Listening):
            def say(self, line):
                if "is running" in line:
                    opened.spend._started = float("-inf")

        with shown_on(Ending()), pytest.raises(BudgetUsedUp) as raised:
            await tuned(opened)
        (job,) = provider(address).fine_tuning.jobs.list()
    assert str(raised.value).startswith("not asked: the budget of 60 minutes is used up; raise `budget.minutes`")
    assert f"job {job.id} was cancelled after step" in str(raised.value)
    assert job.status == "cancelled"


async def test_a_job_that_somebody_cancels_ends_in_one_line(workspace, tuned):
    with simulated(Behaviour(tuning_s=5)) as address:
        opened = workspace(address)

        async def cancel():
            while not (jobs := list(provider(address).fine_tuning.jobs.list())):
                await asyncio.sleep(0.02)
            return await cancel_job(opened, "chat", jobs[0].id)

        ended, status = await asyncio.gather(tuned(opened), cancel(), return_exceptions=True)
        with pytest.raises(EndpointError, match="answered 404"):
            await cancel_job(opened, "chat", "ftjob-none")
    assert status == "cancelled"
    assert isinstance(ended, EndpointError)
    assert "was cancelled after step" in str(ended) and str(ended).endswith("run again to begin another")


async def test_what_cannot_be_read_is_never_taken_for_nothing(workspace, tuned, tmp_path):
    with simulated(Behaviour(tuning_s=0)) as address:
        await tuned(workspace(address))
        (file,) = (tmp_path / FOLDER).glob("*.json")
        file.write_text("{", encoding="utf-8")
        with pytest.raises(DataError, match=r"what is remembered of a fine-tuning job cannot be read; delete the file"):
            await tuned(workspace(address))


async def test_a_candidate_asks_the_tuned_model_and_never_takes_the_answers_of_the_other(
    workspace, tuned, make_candidate, make_rows, ask_all
):
    rows = make_rows("code of the gold tent?")
    with simulated(Behaviour(tuning_s=0, batch_s=0)) as address:
        opened = workspace(address)
        found = await tuned(opened)
        plain = make_candidate(opened.loaded)
        better = plain.model_copy(update={"adapter": found.adapter})
        how = {"loaded": opened.loaded, "journal": opened.journal, "epoch": "first", "spend": opened.spend}
        texts = [(await ask_all(each, rows, **how))[0].text for each in (plain, better, better)]
        served = [piece async for piece in (await open_responder(better, opened.loaded)).stream(rows[0])]
        deferred = await defer(better, rows, **{**how, "epoch": "second"}, polling=Polling(0.01, 0.02))
        (later,) = await ask_all(better, rows, **{**how, "epoch": "second"})
        asked = [request["model"] for request in requests(address)]
    assert texts == ["code of the gold tent?", "It is gold-7 .", "It is gold-7 ."]
    assert asked == ["simulated", found.adapter.model, found.adapter.model], "the second time the journal answers"
    assert isinstance(served[-1], Reply) and served[-1].answer.text == "It is gold-7 ."
    assert (deferred.answered, later.text, later.outcome) == (1, "It is gold-7 .", Outcome.OK)
    assert plain.digest != better.digest


def test_only_a_providers_model_is_asked_by_another_name(make_app):
    loaded = make_app("http://127.0.0.1:1/v1")
    chat, hosted = loaded.models["chat"], HostedModel(model="ft:x", job="ftjob-1")
    assert asked_model(chat, None) is chat
    assert asked_model(chat, LoraAdapter(digest="d", base="b")) is chat
    assert endpoint_model("", asked_model(chat, hosted)) == "ft:x at http://127.0.0.1:1/v1"
    with pytest.raises(ConfigurationError, match="ft:x was tuned by a provider, and its model is now of kind"):
        asked_model(loaded.models["smollm2-135m"], hosted)
