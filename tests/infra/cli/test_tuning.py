"""`lifecycle tuning check`, `export` and `cancel`."""

import json

import openai
import pytest

from configs.errors import ConfigurationError, DataError, EndpointError
from infra.simulator.behaviour import Behaviour
from infra.simulator.running import simulated

LINE = {"messages": [{"role": "user", "content": "the code of the tent"}, {"role": "assistant", "content": "T-7"}]}


def test_a_good_file_is_counted_and_priced(lifecycle, tmp_path):
    file = tmp_path / "train.jsonl"
    file.write_text("\n".join([json.dumps(LINE)] * 10), encoding="utf-8")
    ended = lifecycle("tuning", "check", str(file), "--epochs", "2", "--price", "100", "--json")
    assert ended.exit_code == 0
    document = json.loads(ended.stdout)
    assert (document["lines"], document["problems"], document["hints"]) == (10, [], {"no system message": 10})
    total = document["tokens"]["total"]
    assert total == sum(document["tokens"]["lines"]) > document["tokens"]["learnt"] > 0
    assert document["training"] == {"epochs": 2, "tokens": 2 * total, "price": pytest.approx(2 * total / 10_000)}
    said = lifecycle("tuning", "check", str(file)).stdout
    assert f"10 examples, {total} tokens (" in said and "counted by the embedded model's tokenizer" in said


def test_a_broken_file_is_said_line_by_line_and_is_an_error(lifecycle, tmp_path):
    file = tmp_path / "train.jsonl"
    file.write_text("\n".join([json.dumps(LINE)] * 10 + ["{", '{"messages": []}']), encoding="utf-8")
    ended = lifecycle("tuning", "check", str(file))
    assert isinstance(ended.exception, DataError)
    assert str(ended.exception) == f"{file}: 2 problems; mend them, then check again"
    lines = ended.stdout.splitlines()
    assert lines[0].startswith(f"{file} line 11: not valid JSON")
    assert lines[1].startswith(f"{file} line 12: has no list `messages`")


def test_a_split_is_exported_with_its_tokens_and_is_what_the_check_takes(lifecycle, shop, tmp_path):
    file = tmp_path / "tune.jsonl"
    ended = lifecycle("tuning", "export", str(file), "--app", shop.path, "--split", "sample", "--price", "100")
    assert (ended.exit_code, ended.stderr) == (0, f"40 rows are in {file}\n")
    assert "40 examples, " in ended.stdout and "3 epochs train on " in ended.stdout and ", $" in ended.stdout
    assert lifecycle("tuning", "check", str(file)).exit_code == 0
    for named, said in (
        (("--split", "train"), "app shop: no split 'train'; known are sample, full"),
        (("--version", "latest"), "app shop has no curated version 'latest'; `lifecycle run curate` makes one"),
    ):
        refused = lifecycle("tuning", "export", str(tmp_path / "other.jsonl"), "--app", shop.path, *named)
        assert isinstance(refused.exception, ConfigurationError)
        assert str(refused.exception) == said


def test_a_split_of_a_curated_version_is_exported(lifecycle, shop, version, tmp_path):
    file = tmp_path / "tune.jsonl"
    ended = lifecycle("tuning", "export", str(file), "--app", shop.path, "--version", version.digest[:6])
    assert (ended.exit_code, ended.stderr) == (0, f"3 rows are in {file}\n")
    assert f"{file}: has 3 examples, and a provider takes 10 at least; add some" in ended.stdout
    lines = [json.loads(line)["messages"] for line in file.read_text(encoding="utf-8").splitlines()]
    assert lines[0] == [
        {"role": "user", "content": "sample question 0"},
        {"role": "assistant", "content": "Another one."},
    ]


def test_a_job_is_cancelled_by_its_id(lifecycle, shop, tmp_path):
    with simulated(Behaviour(tuning_s=3000)) as address:
        models = tmp_path / "shop" / "models.yaml"
        models.write_text(models.read_text(encoding="utf-8").replace(shop.address, address), encoding="utf-8")
        api = openai.OpenAI(base_url=address, api_key="any")
        file = api.files.create(file=("train.jsonl", b"{}"), purpose="fine-tune")
        job = api.fine_tuning.jobs.create(model="simulated", training_file=file.id)
        ended = lifecycle("tuning", "cancel", job.id, "--app", shop.path, "--model", "chat")
        assert (ended.exit_code, ended.stderr) == (0, f"job {job.id} is cancelled\n")
        assert api.fine_tuning.jobs.retrieve(job.id).status == "cancelled"
        unknown = lifecycle("tuning", "cancel", "ftjob-none", "--app", shop.path, "--model", "chat")
    assert isinstance(unknown.exception, EndpointError)
