"""Packed rows have the loss and the gradients of rows computed one by one."""

import pytest

pytest.importorskip("torch", reason="the extra `finetune` is not installed")

import torch

from configs.schema.finetune import Finetune, Lora
from tasks.tuning.base import load_tokenizer
from tasks.tuning.fitting import Fitting, dtype_of
from tasks.tuning.tokens import tokenised


@pytest.fixture
def make(tiny, examples):
    def run(rows=5, **settings):
        fitting = Fitting(tiny, Finetune(**{"lora": Lora(rank=4, alpha=8), "dtype": "fp32", **settings}))
        torch.manual_seed(1)
        with torch.no_grad():
            for weight in fitting.weights:
                weight.normal_(0, 0.2)
        return fitting, tokenised(examples(rows), load_tokenizer(tiny), 512, "tiny")

    return run


def gradients(fitting):
    return [weight.grad.clone() for weight in fitting.weights]


def test_packed_padded_and_single_rows_have_the_same_loss_and_gradients(make):
    fitting, rows = make()
    over = sum(len(row.answer) for row in rows)
    packed = fitting.backward(rows, over), gradients(fitting)

    other, rows = make(packing=False)
    padded = other.backward(rows, over), gradients(other)

    alone, rows = make()
    single = sum(alone.backward([row], over) for row in rows), gradients(alone)

    assert packed[0] == pytest.approx(single[0], rel=1e-5)
    assert padded[0] == pytest.approx(single[0], rel=1e-5)
    for one, two, three in zip(packed[1], padded[1], single[1], strict=True):
        assert torch.allclose(one, three, atol=1e-6)
        assert torch.allclose(two, three, atol=1e-6)
    assert sum(float(each.abs().sum()) for each in packed[1]) > 0.1


def test_the_loss_is_transformers_own_of_the_answers_tokens(make):
    fitting, rows = make(batch=2)
    expected = []
    for row in rows:
        ids = torch.tensor([[*row.prompt, *row.answer]])
        labels = torch.tensor([[-100] * len(row.prompt) + list(row.answer)])
        with torch.no_grad():
            expected.append(float(fitting._peft(input_ids=ids, labels=labels).loss) * len(row.answer))
    assert fitting.losses(rows) == pytest.approx(expected, rel=1e-5)
    assert fitting.losses(rows[::-1]) == pytest.approx(expected[::-1], rel=1e-5)


def test_the_common_beginning_is_computed_once(make):
    fitting, rows = make()
    batch = fitting._batch(rows)
    (front,) = batch.layout.shared
    assert front.rows == slice(0, len(rows))
    assert front.places.start == 0
    assert front.places.stop > len("<|im_start|>")
    assert batch.ids.shape[1] == sum(map(len, rows)) - (len(rows) - 1) * front.places.stop


@pytest.mark.parametrize("seed", [1, 2])
def test_the_seed_decides_the_weights_at_the_start(tiny, seed):
    one, two = (Fitting(tiny, Finetune(seed=seed)).state() for _ in range(2))
    assert all(torch.equal(one[name], two[name]) for name in one)
    other = Fitting(tiny, Finetune(seed=3)).state()
    assert any(not torch.equal(one[name], other[name]) for name in one)


def test_half_precision_is_chosen_only_where_the_processor_has_it(monkeypatch):
    cpu = torch.device("cpu")
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    assert dtype_of(Finetune(), cpu) is torch.float32
    assert dtype_of(Finetune(dtype="bf16"), cpu) is torch.bfloat16
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    assert dtype_of(Finetune(), cpu) is torch.bfloat16
    assert dtype_of(Finetune(dtype="fp32"), cpu) is torch.float32
