"""Files and batches, as the openai client uses them."""

import json
import time

import openai
import pytest

from infra.simulator.behaviour import Behaviour, Fault
from infra.simulator.running import simulated, statistics

CHAT = "/v1/chat/completions"


def line(text, **changes):
    body = {"model": "m", "messages": [{"role": "user", "content": text}]}
    return {"custom_id": text, "method": "POST", "url": CHAT, "body": body, **changes}


def started(api, lines, endpoint=CHAT, **options):
    content = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines)
    file = api.files.create(file=("lines.jsonl", content.encode()), purpose="batch")
    return api.batches.create(input_file_id=file.id, endpoint=endpoint, completion_window="24h", **options)


def ended(api, batch):
    until = time.monotonic() + 30
    seen = [batch.status]
    while batch.status in ("validating", "in_progress", "finalizing", "cancelling"):
        assert time.monotonic() < until
        time.sleep(0.01)
        batch = api.batches.retrieve(batch.id)
        seen += [batch.status] if batch.status != seen[-1] else []
    return batch, seen


def read(api, file_id):
    return [json.loads(text) for text in api.files.content(file_id).text.splitlines()] if file_id else []


def counts(batch):
    return batch.request_counts.completed, batch.request_counts.failed, batch.request_counts.total


def test_a_file_is_kept_until_it_is_deleted(client):
    with simulated() as address:
        api = client(address)
        file = api.files.create(file=("lines.jsonl", b"{}\n"), purpose="batch")
        assert (file.filename, file.bytes, file.purpose, file.object) == ("lines.jsonl", 3, "batch", "file")
        assert api.files.retrieve(file.id) == file
        assert api.files.content(file.id).content == b"{}\n"
        assert api.files.delete(file.id).deleted
        for asked in (api.files.retrieve, api.files.content, api.files.delete):
            with pytest.raises(openai.NotFoundError, match="No such File object"):
                asked(file.id)


def test_a_batch_is_answered_in_an_order_of_its_own(client):
    texts = [f"question {number}" for number in range(250)]
    with simulated(Behaviour(batch_s=0.4)) as address:
        api = client(address)
        batch = started(api, map(line, texts), metadata={"round": "first"})
        assert (batch.object, batch.status, batch.metadata) == ("batch", "validating", {"round": "first"})
        batch, seen = ended(api, batch)
        answers = read(api, batch.output_file_id)
        told = statistics(address)
    assert seen == ["validating", "in_progress", "finalizing", "completed"]
    assert batch.created_at <= batch.in_progress_at <= batch.finalizing_at <= batch.completed_at < batch.expires_at
    assert (counts(batch), batch.error_file_id, batch.errors, batch.model) == ((250, 0, 250), None, None, "m")
    said = [answer["custom_id"] for answer in answers]
    assert sorted(said) == sorted(texts)
    assert said != texts
    for answer in answers:
        assert (answer["error"], answer["response"]["status_code"]) == (None, 200)
        assert answer["response"]["body"]["choices"][0]["message"]["content"] == answer["custom_id"]
    assert batch.usage.input_tokens == batch.usage.output_tokens == 500
    assert (told["requests"], told["distinct"], told["batches"], told["batch_lines"]) == (0, 0, 1, 250)


def test_embeddings_are_a_batch_too(client):
    body = {"model": "v", "input": ["a red tent"]}
    with simulated(Behaviour(batch_s=0)) as address:
        api = client(address)
        lines = [{"custom_id": "one", "method": "POST", "url": "/v1/embeddings", "body": body}]
        batch, _ = ended(api, started(api, lines, endpoint="/v1/embeddings"))
        (answer,) = read(api, batch.output_file_id)
        asked = api.embeddings.create(**body, encoding_format="float")
    assert answer["response"]["body"]["data"][0]["embedding"] == asked.data[0].embedding


def test_lines_fail_one_by_one(client):
    faults = (
        Fault(kind="too_long", contains="long"),
        Fault(kind="torn", contains="torn"),
        Fault(kind="hang", contains="hang"),
    )
    lines = [*map(line, ("long", "torn", "hang", "fine")), line("none", body={"model": "m"})]
    with simulated(Behaviour(batch_s=0, faults=faults)) as address:
        api = client(address)
        batch, _ = ended(api, started(api, lines))
        failed = {answer["custom_id"]: answer for answer in read(api, batch.error_file_id)}
        assert [answer["custom_id"] for answer in read(api, batch.output_file_id)] == ["fine"]
    assert (batch.status, counts(batch)) == ("completed", (1, 4, 5))
    statuses = {name: answer["response"] and answer["response"]["status_code"] for name, answer in failed.items()}
    assert statuses == {"long": 400, "torn": 500, "hang": None, "none": 400}
    assert failed["long"]["response"]["body"]["error"]["code"] == "context_length_exceeded"
    assert failed["long"]["error"] is None
    assert failed["hang"]["error"]["code"] == "request_timeout"


def test_a_batch_of_nothing_but_failures_has_no_output_file(client):
    with simulated(Behaviour(batch_s=0, faults=(Fault(kind="server_error"),))) as address:
        api = client(address)
        batch, _ = ended(api, started(api, [line("one")]))
    assert (batch.status, batch.output_file_id, counts(batch)) == ("completed", None, (0, 1, 1))


def test_a_share_of_the_lines_expires_the_same_each_time(client):
    texts = [f"question {number}" for number in range(60)]

    def expired():
        with simulated(Behaviour(batch_s=0, batch_expire_share=0.3)) as address:
            api = client(address)
            batch, _ = ended(api, started(api, map(line, texts)))
            late, answered = read(api, batch.error_file_id), read(api, batch.output_file_id)
            assert statistics(address)["batch_lines"] == len(answered)
        assert batch.status == "expired"
        assert batch.expired_at
        assert counts(batch) == (len(answered), len(late), 60)
        assert {(one["response"], one["error"]["code"]) for one in late} == {(None, "batch_expired")}
        return {one["custom_id"] for one in late}

    first = expired()
    assert 7 <= len(first) <= 30
    assert expired() == first


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ([line("a"), "{broken", line("b")], [("invalid_json_line", 2, None)]),
        ([line("a"), "[1]"], [("invalid_json_line", 2, None)]),
        ([line("a"), line("a")], [("duplicate_custom_id", 2, "custom_id")]),
        ([line("a", method="GET")], [("invalid_method", 1, "method")]),
        ([line("a", url="/v1/embeddings")], [("url_mismatch", 1, "url")]),
        ([{"custom_id": "a"}], [("missing_required_parameter", 1, "method")]),
        ([line("a"), line("b", body={"model": "other", "messages": []})], [("model_mismatch", 2, "body.model")]),
        ([""], [("empty_file", None, None)]),
    ],
)
def test_a_broken_line_fails_the_whole_batch(client, lines, found):
    with simulated(Behaviour(batch_s=0)) as address:
        api = client(address)
        batch, _ = ended(api, started(api, lines))
        assert statistics(address)["batch_lines"] == 0
    assert (batch.status, batch.output_file_id, batch.error_file_id) == ("failed", None, None)
    assert [(error.code, error.line, error.param) for error in batch.errors.data] == found
    assert batch.failed_at


def test_what_a_batch_may_not_be_is_refused(client):
    with simulated() as address:
        api = client(address)
        file = api.files.create(file=("lines.jsonl", b"{}"), purpose="batch").id
        other = api.files.create(file=("lines.jsonl", b"{}"), purpose="user_data").id
        right = {"input_file_id": file, "endpoint": CHAT, "completion_window": "24h"}
        for wrong in (
            {"endpoint": "/v1/responses"},
            {"completion_window": "1h"},
            {"input_file_id": other},
            {"metadata": {"key": "x" * 513}},
        ):
            with pytest.raises(openai.BadRequestError):
                api.batches.create(**{**right, **wrong})
        with pytest.raises(openai.NotFoundError):
            api.batches.create(**{**right, "input_file_id": "file-none"})
        assert api.batches.list().data == []


def test_a_cancelled_batch_keeps_what_was_answered(client):
    texts = [f"question {number}" for number in range(80)]
    with simulated(Behaviour(batch_s=2)) as address:
        api = client(address)
        batch = started(api, map(line, texts))
        until = time.monotonic() + 30
        while not batch.request_counts.completed and time.monotonic() < until:
            batch = api.batches.retrieve(batch.id)
            time.sleep(0.01)
        assert api.batches.cancel(batch.id).status == "cancelling"
        batch, _ = ended(api, api.batches.retrieve(batch.id))
        answered, left = read(api, batch.output_file_id), read(api, batch.error_file_id)
        assert api.batches.cancel(batch.id).status == "cancelled"
    assert batch.status == "cancelled"
    assert batch.cancelling_at <= batch.cancelled_at
    assert 0 < len(answered) < 80
    assert counts(batch) == (len(answered), len(left), 80)
    assert {one["error"]["code"] for one in left} == {"batch_cancelled"}


def test_what_has_ended_cannot_be_cancelled(client):
    with simulated(Behaviour(batch_s=0)) as address:
        api = client(address)
        batch, _ = ended(api, started(api, [line("one")]))
        with pytest.raises(openai.ConflictError, match="Cannot cancel a batch with status 'completed'"):
            api.batches.cancel(batch.id)


def test_batches_are_listed_page_by_page_the_newest_first(client):
    with simulated() as address:
        api = client(address)
        made = [started(api, [line("one")]).id for _ in range(5)]
        page = api.batches.list(limit=2)
        assert ([batch.id for batch in page.data], page.has_more) == (made[:-3:-1], True)
        assert [batch.id for batch in api.batches.list(limit=2)] == made[::-1]
        with pytest.raises(openai.BadRequestError):
            api.batches.list(limit=101)
        with pytest.raises(openai.NotFoundError):
            api.batches.retrieve("batch_none")


def test_the_key_is_asked_for(client):
    with simulated(Behaviour(api_key="right")) as address:
        with pytest.raises(openai.AuthenticationError):
            client(address).batches.list()
        assert client(address).with_options(api_key="right").batches.list().data == []
