"""From examples to an adapter's folder, on a tiny random base."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra `finetune` is not installed")

import torch

from configs.errors import ConfigurationError, DataError
from configs.schema.finetune import Finetune, Lora
from configs.settings import settings
from tasks.candidate import LoraAdapter
from tasks.tuning import libraries, making, training
from tasks.tuning.adapters import FILES, card_of, check_adapter, take_in
from tasks.tuning.base import Base, base_of, content_digest, load_base, shape_of
from tasks.tuning.fitting import Fitting
from tasks.tuning.gguf_form import as_gguf
from tasks.tuning.making import Work, make_adapter

SETTINGS = Finetune(lora=Lora(rank=4, alpha=8), batch=4, steps=3, learning_rate=0.01, look_every=1, held_out=0.25)


class KilledError(Exception):
    pass


@pytest.fixture
def work(tiny, examples):
    about = {"app": "shop", "parent": "p" * 16, "move": "tuned", "data": {"train": "d" * 16}}
    return Work(tiny, examples(12), SETTINGS, about, "train.jsonl")


@pytest.fixture
def make(tmp_path, monkeypatch):
    monkeypatch.setenv("LIFECYCLE_HOME", str(tmp_path))
    monkeypatch.setenv("LIFECYCLE_MODEL_THREADS", "1")
    settings.cache_clear()
    steps = []

    async def run(work):
        async def tell(told):
            steps.append(told.step)

        return await make_adapter(work, tmp_path, tell), tmp_path / "adapters", steps

    yield run
    settings.cache_clear()


async def test_rows_become_a_folder_in_both_forms_with_a_card(make, work, tiny):
    made, folder, steps = await make(work)
    own = folder / made.card.digest
    assert sorted(file.name for file in own.iterdir()) == sorted(FILES)
    assert steps == [0, 1, 2, 3]
    card = card_of(folder, made.card.digest)
    assert (card.base, card.parent, card.data) == (tiny.identity, "p" * 16, {"train": "d" * 16})
    assert [each.side for each in card.losses] == ["train", "held_out"] * 3
    assert card.facts["rows"] + card.facts["rows_held_out"] == 12
    check_adapter(folder, LoraAdapter(digest=card.digest, base=tiny.identity), tiny.identity)

    from peft import PeftModel

    base = load_base(tiny, torch.float32, "sdpa").model
    loaded = PeftModel.from_pretrained(base, own).eval()
    row, best = made.rows[0], made.best[0]
    with torch.no_grad():
        logits = loaded(input_ids=torch.tensor([[*row.prompt, *row.answer]])).logits[0]
    assert tuple(logits.argmax(-1)[len(row.prompt) - 1 : -1].tolist()) == best


async def test_the_same_is_made_once_and_other_settings_make_another(make, work):
    first, _, steps = await make(work)
    told = len(steps)
    again, _, steps = await make(work)
    assert (again, len(steps)) == (first, told)
    other, _, _ = await make(work._replace(settings=SETTINGS.model_copy(update={"seed": 8})))
    assert other.card.digest != first.card.digest
    assert work._replace(settings=SETTINGS.model_copy(update={"prefix_group": 1})).identity != work.identity


def test_when_to_stop_names_a_training_only_where_it_may_end_early(work, monkeypatch):
    may_not, may = work, work._replace(settings=SETTINGS.model_copy(update={"patience": 1}))
    before = may_not.identity, may.identity
    monkeypatch.setattr(making, "RULE", "another")
    assert may_not.identity == before[0]
    assert may.identity != before[1]


async def test_what_is_there_already_is_of_whoever_asks_for_it(make, work):
    first, _, _ = await make(work)
    renamed = work._replace(about={**work.about, "move": "renamed", "parent": "q" * 16})
    again, _, _ = await make(renamed)
    assert (again.card.digest, again.card.losses) == (first.card.digest, first.card.losses)
    assert (again.card.move, again.card.parent) == ("renamed", "q" * 16)
    often = renamed._replace(settings=SETTINGS.model_copy(update={"checkpoint_every": 2}))
    made, _, _ = await make(often)
    assert made.card.digest == first.card.digest
    assert (made.card.move, made.card.settings.checkpoint_every) == ("renamed", 2)


async def test_what_was_killed_before_it_ended_is_gone_on_with(make, work, monkeypatch):
    whole, folder, _ = await make(work._replace(where="another place"))
    (folder.parent / "tuning" / work.identity / "made.json").unlink()
    real, calls = training._step, []

    def killed(*arguments):
        calls.append(arguments[4])
        if len(calls) == 3:
            raise KilledError
        return real(*arguments)

    often = work._replace(settings=SETTINGS.model_copy(update={"checkpoint_every": 1}))
    monkeypatch.setattr(training, "_step", killed)
    with pytest.raises(KilledError):
        await make(often)
    monkeypatch.setattr(training, "_step", real)
    again, folder, steps = await make(often)
    assert calls == [0, 1, 2]
    assert steps[-2:] == [2, 3]
    assert [each.value for each in again.card.losses] == pytest.approx([each.value for each in whole.card.losses])


async def test_too_little_memory_is_said_before_anything_is_trained(make, work, monkeypatch):
    import psutil

    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": 5e7}))
    with pytest.raises(DataError, match="GB of memory"):
        await make(work)


async def test_three_rows_are_refused(make, work):
    with pytest.raises(DataError, match="3 training rows are too few"):
        await make(work._replace(examples=work.examples[:3]))


def test_llama_cpp_gets_the_rows_of_q_and_k_in_its_order(tiny, tmp_path):
    import gguf

    shape, weights = shape_of(tiny), {}
    for name, weight in Fitting(tiny, SETTINGS).state().items():
        weights[name] = np.arange(weight.numel(), dtype=np.float32).reshape(tuple(weight.shape))
    (tmp_path / "a.gguf").write_bytes(as_gguf(weights, shape, 8.0))
    read = gguf.GGUFReader(tmp_path / "a.gguf")
    found = {each.name: each.data for each in read.tensors}
    assert len(found) == len(weights)
    size, prefix = shape["head_dim"], "base_model.model.model.layers.1.self_attn"
    for part, heads in (("q", shape["num_attention_heads"]), ("k", shape["num_key_value_heads"])):
        theirs, ours = found[f"blk.1.attn_{part}.weight.lora_b"], weights[f"{prefix}.{part}_proj.lora_B.weight"]
        for head in range(heads):
            for pair in range(size // 2):
                for half in range(2):
                    row = theirs[head * size + 2 * pair + half]
                    assert np.array_equal(row, ours[head * size + half * size // 2 + pair])
        assert np.array_equal(found[f"blk.1.attn_{part}.weight.lora_a"], weights[f"{prefix}.{part}_proj.lora_A.weight"])
    assert np.array_equal(found["blk.1.attn_v.weight.lora_b"], weights[f"{prefix}.v_proj.lora_B.weight"])


def test_weights_that_llama_cpp_takes_none_of_are_named(tiny):
    weights = {"base_model.model.model.embed_tokens.lora_A.weight": np.zeros((4, 4), np.float32)}
    with pytest.raises(ConfigurationError, match=r"embed_tokens.* cannot be converted for llama\.cpp"):
        as_gguf(weights, shape_of(tiny), 8.0)


async def test_an_adapter_for_another_base_is_refused(make, work, tiny):
    made, folder, _ = await make(work)
    adapter = LoraAdapter(digest=made.card.digest, base=tiny.identity)
    with pytest.raises(DataError, match="was trained on tiny at nowhere, the model stands for another"):
        check_adapter(folder, adapter, "another")
    (folder / made.card.digest / "adapter.gguf").unlink()
    with pytest.raises(DataError, match=r"adapter\.gguf is gone; delete the folder"):
        check_adapter(folder, adapter, tiny.identity)


async def test_a_fetched_adapter_is_taken_in_whole_or_not_at_all(make, work, tmp_path):
    made, folder, _ = await make(work)
    take_in(tmp_path / "elsewhere", made.card.digest, folder / made.card.digest)
    assert card_of(tmp_path / "elsewhere", made.card.digest) == made.card
    with pytest.raises(DataError, match=r"was fetched without adapter\.gguf"):
        take_in(tmp_path / "third", made.card.digest, tmp_path)
    assert not (tmp_path / "third").exists()


@pytest.mark.parametrize("content", [None, "not JSON", "{}", "5"])
def test_a_folder_that_is_no_model_is_said_in_one_line(make_app, tmp_path, content):
    loaded = make_app("http://127.0.0.1:1/v1")
    (tmp_path / "weights").mkdir()
    if content is not None:
        (tmp_path / "weights" / "config.json").write_text(content, encoding="utf-8")
    app = loaded.app.model_copy(update={"finetune": Finetune(base="weights")})
    with pytest.raises(ConfigurationError, match=r"weights is no model: it needs config\.json"):
        base_of(replace(loaded, app=app), "chat")


def test_the_weights_of_an_endpoint_have_to_be_named(make_app):
    with pytest.raises(ConfigurationError, match="the weights of 'chat' are not on this machine; name the folder"):
        base_of(make_app("http://127.0.0.1:1/v1"), "chat")


@pytest.mark.parametrize("name", ["chat_template.jinja", "tokenizer.json", "tokenizer_config.json", "config.json"])
def test_another_tokenizer_or_chat_template_is_another_base(tiny, tmp_path, name):
    folder = tmp_path / "copy"
    shutil.copytree(tiny.folder, folder)
    base = tiny._replace(folder=folder)
    before = content_digest(base)
    (folder / "README.md").write_text("says nothing of tokens", encoding="utf-8")
    assert content_digest(base) == before == content_digest(tiny)
    (folder / name).write_text("{}", encoding="utf-8")
    assert content_digest(base) != before


def test_another_architecture_is_said_in_one_line(tiny_folder, tmp_path):
    config = json.loads((tiny_folder / "config.json").read_text(encoding="utf-8"))
    (tmp_path / "config.json").write_text(json.dumps({**config, "model_type": "qwen2"}), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="'qwen2', of which no adapter can be converted; name a base of"):
        shape_of(Base("tiny", "tiny", tmp_path))


def test_without_torch_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(libraries, "find_spec", lambda name: None if name == "torch" else object())
    with pytest.raises(ConfigurationError, match=r"needs torch, which the extra `finetune` brings: run `make"):
        libraries.check_libraries()
