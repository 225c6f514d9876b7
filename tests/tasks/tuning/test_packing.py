"""A packed sequence holds every row, and what rows begin with in common once."""

from itertools import chain

import pytest

pytest.importorskip("torch", reason="the extra `finetune` is not installed")

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import scaled_dot_product_attention

from configs.schema.finetune import Finetune, Lora
from tasks.tuning.attention import attend
from tasks.tuning.base import Base
from tasks.tuning.fitting import Fitting
from tasks.tuning.packing import packed
from tasks.tuning.tokens import Tokens

SYSTEM, TENT, STOVE = tuple(range(100, 120)), tuple(range(200, 230)), tuple(range(300, 340))


@st.composite
def trees(draw):
    """Rows whose prompts are put together from few parts, so that they branch off anywhere, or are one another's."""
    token = st.integers(2, 4)
    parts = draw(st.lists(st.lists(token, min_size=1, max_size=9), min_size=1, max_size=4))
    prompt = st.lists(st.sampled_from(parts), min_size=1, max_size=5).map(lambda chosen: tuple(chain(*chosen)))
    answer = st.lists(token, min_size=1, max_size=4)
    rows = draw(st.lists(st.tuples(prompt, answer), min_size=1, max_size=9))
    return [Tokens(f"r{at}", prompt, tuple(answer)) for at, (prompt, answer) in enumerate(rows)]


def row(name, *parts, answer=(7, 1)):
    return Tokens(name, tuple(chain(*parts)), answer)


@pytest.fixture(scope="module")
def fittings(tiny_folder):
    """The same model twice, with batches packed and padded."""
    made = []
    for packing in (True, False):
        how = Finetune(lora=Lora(rank=4, alpha=8), dtype="fp32", packing=packing)
        fitting = Fitting(Base("tiny", "tiny at nowhere", tiny_folder), how)
        torch.manual_seed(1)
        with torch.no_grad():
            for weight in fitting.weights:
                weight.normal_(0, 0.2)
        made.append(fitting)
    return made


def by_prompt(rows):
    return sorted(rows, key=lambda each: each.prompt)


def lines(batch, rows):
    """The tokens of the sequence that each row consists of."""
    return [line[: len(each)] for line, each in zip(batch.layout.gathered, by_prompt(rows), strict=True)]


def test_what_some_rows_begin_with_stands_in_the_sequence_once():
    rows = [
        row("heavy", SYSTEM, TENT, (11, 5)),
        row("warm", SYSTEM, STOVE, (12, 5)),
        row("green", SYSTEM, TENT, (13, 5)),
        row("gas", SYSTEM, STOVE, (14, 5)),
        row("alone", SYSTEM, (15, 5)),
    ]
    batch = packed(rows)
    assert batch.ids.shape[1] == len(SYSTEM) + len(TENT) + len(STOVE) + 5 * 2 + 5 * 2
    assert sorted(span.rows.stop - span.rows.start for span in batch.layout.shared) == [2, 2, 5]


def test_what_few_tokens_have_in_common_is_left_to_the_rows():
    rows = [row("one", SYSTEM, (11, 12, 5)), row("two", SYSTEM, (11, 13, 5)), row("three", SYSTEM, (14, 5))]
    batch = packed(rows)
    assert batch.ids.shape[1] == sum(map(len, rows)) - 2 * len(SYSTEM)
    assert len(batch.layout.shared) == 1


def test_the_token_before_an_answer_is_each_rows_own():
    same = [row("one", SYSTEM), row("two", SYSTEM, answer=(8, 8, 1)), row("longer", SYSTEM, TENT)]
    batch = packed(same)
    assert len(set(batch.predicting.tolist())) == sum(len(each.answer) for each in same)


@given(trees())
def test_every_row_is_read_back_from_the_sequence(rows):
    batch = packed(rows)
    ids, positions = batch.ids[0], batch.positions[0]
    written, found = by_prompt(rows), lines(batch, rows)
    read = [(tuple(ids[line].tolist()), positions[line].tolist()) for line in found]
    assert read == [((*each.prompt, *each.answer), list(range(len(each)))) for each in written]
    predicting = [line[len(each.prompt) - 1 : -1].tolist() for each, line in zip(written, found, strict=True)]
    assert batch.predicting.tolist() == list(chain(*predicting))
    assert batch.targets.tolist() == list(chain(*(each.answer for each in written)))


@given(trees())
def test_each_token_has_its_slot_and_those_of_several_rows_are_in_one_span(rows):
    batch = packed(rows)
    layout, tokens = batch.layout, batch.ids.shape[1]
    assert layout.gathered.flatten()[layout.slots].tolist() == list(range(tokens))
    having = [[] for _ in range(tokens)]
    for at, line in enumerate(lines(batch, rows)):
        for place, token in enumerate(line.tolist()):
            having[token].append((at, place))
    spanned = {}
    for span in layout.shared:
        places = range(span.places.start, span.places.stop)
        for token, place in zip(range(span.tokens.start, span.tokens.stop), places, strict=True):
            assert token not in spanned
            spanned[token] = [(at, place) for at in range(span.rows.start, span.rows.stop)]
    assert spanned == {token: found for token, found in enumerate(having) if len(found) > 1}


@given(trees(), st.integers(0, 9))
def test_attention_and_its_gradients_are_those_of_single_rows(rows, seed):
    batch = packed(rows)
    torch.manual_seed(seed)
    query, key, value = (
        torch.randn(1, heads, batch.ids.shape[1], 4, dtype=torch.float64, requires_grad=True) for heads in (4, 2, 2)
    )
    found, _ = attend(None, query, key, value, None, layout=batch.layout)
    wanted = torch.zeros_like(found)
    for line in lines(batch, rows):
        q, k, v = (states[:, :, line] for states in (query, key, value))
        k, v = (states.repeat_interleave(2, dim=1) for states in (k, v))
        wanted[:, line] = scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2)
    above = torch.randn_like(found)
    ours = torch.autograd.grad((found * above).sum(), (query, key, value))
    theirs = torch.autograd.grad((wanted * above).sum(), (query, key, value))
    assert torch.allclose(found, wanted, atol=1e-12)
    assert all(torch.allclose(one, two, atol=1e-12) for one, two in zip(ours, theirs, strict=True))


@settings(max_examples=25)
@given(trees())
def test_loss_and_gradients_are_those_of_padded_rows(fittings, rows):
    losses, gradients = [], []
    for fitting in fittings:
        for weight in fitting.weights:
            weight.grad = None
        losses.append(fitting.backward(rows, sum(len(each.answer) for each in rows)))
        gradients.append(torch.cat([weight.grad.flatten() for weight in fitting.weights]))
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    assert float((gradients[0] - gradients[1]).norm() / gradients[1].norm()) < 2e-6
