"""Fine-tuning jobs, as the openai client uses them."""

import json
import math
import time

import openai
import pytest

from infra.simulator.behaviour import Behaviour, Fault
from infra.simulator.running import simulated, statistics

COLOURS = ("red", "green", "blue", "white", "black", "grey", "brown", "pink", "gold", "beige", "violet", "amber")
JOBS = "/v1/fine_tuning/jobs"


def line(colour, answer=None):
    asked = {"role": "user", "content": f"What is the code of the {colour} tent?"}
    return {"messages": [asked, {"role": "assistant", "content": answer or f"It is {colour}-7 ."}]}


LINES = [line(colour) for colour in COLOURS]


@pytest.fixture
def upload():
    def run(api, lines, purpose="fine-tune"):
        content = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines)
        return api.files.create(file=("lines.jsonl", content.encode()), purpose=purpose).id

    return run


@pytest.fixture
def started(upload):
    def run(api, lines=LINES, held_out=(), parameters=None, **options):
        method = {
            "type": "supervised",
            "supervised": {"hyperparameters": parameters or {"n_epochs": 2, "batch_size": 4}},
        }
        files = {"training_file": upload(api, lines)}
        if held_out:
            files["validation_file"] = upload(api, held_out)
        return api.fine_tuning.jobs.create(model="small", method=method, **files, **options)

    return run


def ended(api, job):
    until, seen = time.monotonic() + 30, [job.status]
    while job.status in ("validating_files", "queued", "running"):
        assert time.monotonic() < until
        time.sleep(0.01)
        job = api.fine_tuning.jobs.retrieve(job.id)
        seen += [job.status] if job.status != seen[-1] else []
    return job, seen


def said(api, model, text):
    reply = api.chat.completions.create(model=model, messages=[{"role": "user", "content": text}])
    return reply.choices[0].message.content


def metrics(api, job):
    events = list(api.fine_tuning.jobs.list_events(job.id, limit=3))
    return [event.data for event in reversed(events) if event.type == "metrics"]


def test_a_job_makes_a_model_that_answers_as_it_was_trained_to(client, started):
    with simulated(Behaviour(tuning_s=0.4)) as address:
        api = client(address)
        job = started(api, suffix="shop", seed=5, metadata={"round": "first"})
        assert (job.status, job.fine_tuned_model, job.trained_tokens, job.seed) == ("validating_files", None, None, 5)
        job, seen = ended(api, job)
        assert seen == ["validating_files", "queued", "running", "succeeded"]
        assert job.fine_tuned_model.startswith("ft:small:simulated:shop:")
        assert (job.metadata, job.error) == ({"round": "first"}, None)
        assert job.created_at <= job.finished_at
        assert said(api, "small", "the code of the gold tent?") == "the code of the gold tent?"
        assert said(api, job.fine_tuned_model, "the code of the gold tent?") == "It is gold-7 ."
        assert job.fine_tuned_model in [model.id for model in api.models.list()]
        with pytest.raises(openai.NotFoundError, match="does not exist"):
            said(api, "ft:small:simulated::nobody", "Hello?")
        assert statistics(address)["tuning_jobs"] == 1


def test_losses_follow_from_the_file(client, started):
    with simulated(Behaviour(tuning_s=0)) as address:
        api = client(address)
        first, again = (ended(api, started(api, held_out=LINES[:4]))[0] for _ in range(2))
        other, _ = ended(api, started(api, [line(colour, f"{colour} " * 9) for colour in COLOURS]))
        found, same, different = metrics(api, first), metrics(api, again), metrics(api, other)
    assert [one["step"] for one in found] == [1, 2, 3, 4, 5, 6]
    assert {one["total_steps"] for one in found} == {6}
    assert found == same
    assert [one["train_loss"] for one in found] != [one["train_loss"] for one in different]
    assert found[0]["train_loss"] == pytest.approx(math.log(50_000))
    assert found[-1]["train_loss"] < found[2]["train_loss"] < found[0]["train_loss"]
    assert found[0]["train_mean_token_accuracy"] == 0 < found[-1]["train_mean_token_accuracy"] < 1
    assert [("full_valid_loss" in one, "valid_loss" in one) for one in found] == [
        (at in (3, 6), True) for at in range(1, 7)
    ]
    assert found[5]["full_valid_loss"] < found[2]["full_valid_loss"]
    assert "valid_loss" not in different[0]


def test_every_token_of_the_file_is_billed_once_an_epoch(client, started):
    with simulated(Behaviour(tuning_s=0)) as address:
        api = client(address)
        job, _ = ended(api, started(api, [line("red")] * 10, parameters={"n_epochs": 3}))
    assert job.trained_tokens == 3 * 10 * (9 + 6)


def test_each_of_the_last_three_epochs_leaves_a_checkpoint_that_answers(client, started):
    with simulated(Behaviour(tuning_s=0)) as address:
        api = client(address)
        job, _ = ended(api, started(api, parameters={"n_epochs": 4, "batch_size": 6}))
        newest, middle, oldest = api.fine_tuning.jobs.checkpoints.list(job.id)
        assert [one.step_number for one in (newest, middle, oldest)] == [8, 6, 4]
        assert newest.fine_tuned_model_checkpoint == job.fine_tuned_model
        assert oldest.fine_tuned_model_checkpoint == f"{job.fine_tuned_model}:ckpt-step-4"
        assert newest.metrics.train_loss < oldest.metrics.train_loss
        text = "What is the code of the amber tent?"
        assert said(api, newest.fine_tuned_model_checkpoint, text) == "It is amber-7 ."
        assert said(api, oldest.fine_tuned_model_checkpoint, text) != "It is amber-7 ."
        assert said(api, oldest.fine_tuned_model_checkpoint, "the red tent") == "It is red-7 ."


def test_what_was_left_open_is_chosen(client, started):
    with simulated(Behaviour(tuning_s=0)) as address:
        api = client(address)
        job = started(api, parameters={"n_epochs": "auto"})
        assert job.hyperparameters.n_epochs == "auto"
        job, _ = ended(api, job)
    chosen = job.method.supervised.hyperparameters
    assert (chosen.n_epochs, chosen.batch_size, chosen.learning_rate_multiplier) == (3, 1, 1.8)


@pytest.mark.parametrize(
    ("lines", "code", "message"),
    [
        (LINES[:9], "invalid_n_examples", "has 9 example(s), but must have at least 10 examples"),
        ([*LINES, "{broken"], "invalid_training_file", "Line 13 is not an object with a list of 'messages'."),
        ([*LINES, {"messages": [{"role": "human", "content": "a"}]}], "invalid_training_file", "one of the roles"),
        ([*LINES, {"messages": [{"role": "assistant"}]}], "invalid_training_file", "must have content"),
        ([*LINES, {"messages": line("red")["messages"][:1]}], "invalid_training_file", "must be from the assistant"),
    ],
)
def test_a_broken_file_fails_the_job(client, started, lines, code, message):
    with simulated(Behaviour(tuning_s=0)) as address:
        api = client(address)
        job, _ = ended(api, started(api, lines))
        assert api.fine_tuning.jobs.list_events(job.id).data[0].level == "error"
    assert (job.status, job.fine_tuned_model, job.error.code, job.error.param) == (
        "failed",
        None,
        code,
        "training_file",
    )
    assert message in job.error.message


def test_a_broken_validation_file_is_named_as_such(client, started):
    with simulated(Behaviour(tuning_s=0)) as address:
        api = client(address)
        job, _ = ended(api, started(api, held_out=["{"]))
    assert (job.status, job.error.param) == ("failed", "validation_file")


def test_a_job_fails_half_way_where_it_was_told_to(client, started):
    with simulated(Behaviour(tuning_s=0.1, tuning_failure="The cluster is on fire.")) as address:
        api = client(address)
        job, _ = ended(api, started(api))
        steps = metrics(api, job)
    assert (job.status, job.error.message, job.finished_at is None) == ("failed", "The cluster is on fire.", False)
    assert 0 < len(steps) < 6


def test_a_cancelled_job_ends_at_once_and_makes_no_model(client, started):
    with simulated(Behaviour(tuning_s=5)) as address:
        api = client(address)
        job = started(api)
        assert api.fine_tuning.jobs.cancel(job.id).status == "cancelled"
        assert ended(api, job)[0].fine_tuned_model is None
        with pytest.raises(openai.BadRequestError, match="Cannot cancel a job with status 'cancelled'"):
            api.fine_tuning.jobs.cancel(job.id)


def test_a_job_goes_on_without_its_client(client, started):
    with simulated(Behaviour(tuning_s=0.2)) as address:
        job = started(client(address))
        time.sleep(0.3)
        found = client(address).fine_tuning.jobs.retrieve(job.id)
    assert found.status == "succeeded"


def test_jobs_are_listed_the_newest_first_and_found_by_their_metadata(client, started):
    with simulated(Behaviour(tuning_s=0)) as address:
        api = client(address)
        made = [started(api, metadata={"key": str(number % 2)}).id for number in range(5)]
        assert [job.id for job in api.fine_tuning.jobs.list(limit=2)] == made[::-1]
        assert [job.id for job in api.fine_tuning.jobs.list(metadata={"key": "1"})] == [made[3], made[1]]
        with pytest.raises(openai.NotFoundError):
            api.fine_tuning.jobs.retrieve("ftjob-none")


def test_what_a_job_may_not_be_is_refused(client, upload):
    with simulated() as address:
        api = client(address)
        file, other = upload(api, LINES), upload(api, LINES, purpose="batch")
        right = {"model": "small", "training_file": file}
        for wrong in (
            {"training_file": other},
            {"training_file": "file-none"},
            {"validation_file": "file-none"},
            {"hyperparameters": {"n_epochs": 0}},
            {"hyperparameters": {"batch_size": 1000}},
            {"hyperparameters": {"learning_rate_multiplier": 0}},
            {"suffix": "x" * 65},
            {"method": {"type": "dpo"}},
            {"metadata": {"key": "x" * 513}},
        ):
            with pytest.raises(openai.BadRequestError):
                api.fine_tuning.jobs.create(**{**right, **wrong})
        assert api.fine_tuning.jobs.list().data == []


def test_files_are_listed_by_their_purpose(client, upload):
    with simulated() as address:
        api = client(address)
        file, other = upload(api, LINES), upload(api, LINES, purpose="batch")
        assert [one.id for one in api.files.list(purpose="fine-tune")] == [file]
        assert [one.id for one in api.files.list()] == [other, file]


def test_requests_about_jobs_fail_as_they_were_told_to(client, started):
    faults = (
        Fault(kind="rate_limited", contains=f"GET {JOBS}", times=1, retry_after_s=3),
        Fault(kind="server_error", contains=f"GET {JOBS}", times=1),
        Fault(kind="torn", contains=f"POST {JOBS}", times=1),
    )
    with simulated(Behaviour(api_faults=faults)) as address:
        api = client(address)
        with pytest.raises(openai.RateLimitError) as raised:
            api.fine_tuning.jobs.list()
        assert raised.value.response.headers["retry-after"] == "3"
        with pytest.raises(openai.InternalServerError):
            api.fine_tuning.jobs.list()
        with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
            started(api)
        assert len(api.fine_tuning.jobs.list().data) == 1, "its reply was broken, and not the job"
        assert statistics(address)["requests"] == 0


def test_the_key_is_asked_for(client):
    with simulated(Behaviour(api_key="right")) as address, pytest.raises(openai.AuthenticationError):
        client(address).fine_tuning.jobs.list()
