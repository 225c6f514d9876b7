"""A training goes down, stops when held-out rows say so, and goes on from a checkpoint to the same weights."""

import pytest

pytest.importorskip("torch", reason="the extra `finetune` is not installed")

import torch

from configs.errors import DataError
from configs.schema.finetune import Finetune, Lora
from tasks.tuning import training
from tasks.tuning.base import load_tokenizer
from tasks.tuning.checkpoint import load
from tasks.tuning.fitting import Fitting
from tasks.tuning.tokens import Tokens, tokenised
from tasks.tuning.training import train

SETTINGS = {"lora": Lora(rank=4, alpha=8, dropout=0.1), "batch": 4, "learning_rate": 0.01, "steps": 12, "patience": 99}


class KilledError(Exception):
    pass


def about_things(rows):
    """Rows of which three each begin with the same forty tokens."""
    return [Tokens(row.row_id, (10 + at // 3,) * 40 + row.prompt, row.answer) for at, row in enumerate(rows)]


@pytest.fixture
def run(tiny, examples, tmp_path):
    def go(folder, stop_after=None, held=4, rows=12, **settings):
        made = Finetune(**{**SETTINGS, "checkpoint_every": 3, "look_every": 2, **settings})
        tokens = about_things(tokenised(examples(rows + held), load_tokenizer(tiny), 512, "tiny"))
        (tmp_path / folder).mkdir(exist_ok=True)
        told = []

        def tell(new, step, steps):
            told.append((step, tuple(new)))
            if step == stop_after:
                raise KilledError

        fitting = Fitting(tiny, made)
        return train(fitting, made, tokens[held:], tokens[:held], tmp_path / folder, tell), told, fitting

    return go


def test_the_loss_falls_and_every_step_is_told(run):
    trained, told, _ = run("one", held=0)
    train_losses = [each.value for each in trained.losses if each.side == "train"]
    assert len(train_losses) == 12
    assert max(train_losses[-3:]) < 0.95 * train_losses[0]
    assert [step for step, _ in told] == list(range(13))
    assert trained.facts["steps"] == 12
    assert trained.facts["rows_per_s"] > 0
    assert trained.facts["peak_memory_mb"] > 50


@pytest.mark.parametrize("accumulation", [1, 2])
@pytest.mark.parametrize("stop_after", [4, 7, 11])
def test_what_was_killed_ends_with_the_same_weights(run, tmp_path, stop_after, accumulation):
    whole, _, _ = run("whole", accumulation=accumulation)
    with pytest.raises(KilledError):
        run("killed", stop_after=stop_after, accumulation=accumulation)
    assert load(tmp_path / "killed").step == stop_after // 3 * 3

    again, told, _ = run("killed", accumulation=accumulation)

    assert told[0][0] == stop_after // 3 * 3
    assert [each[:2] for each in again.losses] == [each[:2] for each in whole.losses]
    assert [each.value for each in again.losses] == pytest.approx([each.value for each in whole.losses], abs=1e-5)
    for name, weight in whole.weights.items():
        assert torch.allclose(again.weights[name], weight, atol=1e-5)


def test_what_a_gpu_draws_from_is_kept_and_set_back(run, monkeypatch):
    monkeypatch.setattr(Fitting, "device", property(lambda _: torch.device("cuda")))
    monkeypatch.setattr(torch.cuda, "get_rng_state", lambda _: torch.tensor([1, 2, 3], dtype=torch.uint8))
    set_back = []
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda state, _: set_back.append(state.tolist()))
    with pytest.raises(KilledError):
        run("killed", stop_after=4)
    assert set_back == []
    run("killed")
    assert set_back == [[1, 2, 3]]


def test_without_a_better_look_it_ends_and_keeps_the_best(run):
    trained, _, fitting = run("stops", learning_rate=0.8, steps=60, look_every=1, patience=2, held=4)
    looks = [each for each in trained.losses if each.side == "held_out"]
    best = min(looks, key=lambda each: each.value)
    assert trained.facts["steps"] < 60
    assert trained.facts["best_step"] == best.step
    assert len([each for each in looks if each.step > best.step]) == 2
    assert all(torch.equal(fitting.state()[name], weight) for name, weight in trained.weights.items())


RECORDED = (
    (20.0, 12.0, 31.0, 8.0),
    (18.0, 11.0, 29.0, 7.0),
    (18.5, 10.0, 30.5, 6.5),
    (17.0, 12.5, 28.0, 8.0),
    (19.0, 12.0, 30.0, 8.1),
    (18.6, 11.5, 29.4, 7.6),
    (25.0, 25.0, 25.0, 25.0),
)
"""Losses of four held-out rows at seven looks: the second is the best, the next two are above it by noise alone, the
fifth and the sixth beyond it."""


@pytest.fixture
def recorded(monkeypatch):
    """Each look at held-out rows finds the losses that are recorded of its step."""
    step, real = [0], training._step

    def stepped(*arguments):
        step[0] = arguments[4] + 1
        return real(*arguments)

    monkeypatch.setattr(training, "_step", stepped)
    monkeypatch.setattr(Fitting, "losses", lambda self, rows: RECORDED[step[0] - 1])


EACH_STEP = {"look_every": 1, "checkpoint_every": 1, "patience": 2}


def test_noise_at_the_held_out_rows_ends_nothing(run, recorded):
    trained, _, _ = run("recorded", **EACH_STEP)
    assert (trained.facts["best_step"], trained.facts["steps"]) == (2, 6)
    impatient, _, _ = run("impatient", **{**EACH_STEP, "patience": 1})
    assert (impatient.facts["best_step"], impatient.facts["steps"]) == (2, 5)


@pytest.mark.parametrize("stop_after", [2, 4, 5])
def test_what_was_killed_ends_at_the_same_look(run, recorded, tmp_path, stop_after):
    whole, _, _ = run("whole", **EACH_STEP)
    with pytest.raises(KilledError):
        run("killed", stop_after=stop_after, **EACH_STEP)
    assert load(tmp_path / "killed").best.losses == RECORDED[1]
    again, told, _ = run("killed", **EACH_STEP)
    assert told[0][0] == stop_after
    assert (again.facts["best_step"], again.facts["steps"]) == (2, 6)
    assert again.losses[1::2] == whole.losses[1::2]
    for name, weight in whole.weights.items():
        assert torch.allclose(again.weights[name], weight, atol=1e-5)


def test_a_checkpoint_of_the_earlier_form_is_gone_on_with(run, recorded, tmp_path):
    with pytest.raises(KilledError):
        run("earlier", stop_after=2, **EACH_STEP)
    file = tmp_path / "earlier" / "checkpoint.pt"
    plain = torch.load(file, weights_only=True)
    del plain["best"]["losses"]
    torch.save(plain, file)
    trained, told, _ = run("earlier", **EACH_STEP)
    assert told[0][0] == 2
    assert (trained.facts["best_step"], trained.facts["steps"]) == (2, 4), "without losses of rows each look counts"


def test_gradients_are_added_up_to_those_of_one_large_batch(run):
    parts, _, _ = run("parts", held=0, steps=3, batch=2, accumulation=6, lora=Lora(rank=4, alpha=8))
    whole, _, _ = run("whole", held=0, steps=3, batch=12, accumulation=1, lora=Lora(rank=4, alpha=8))
    for name, weight in whole.weights.items():
        assert torch.allclose(parts.weights[name], weight, atol=1e-4)


def test_a_damaged_checkpoint_means_to_begin_anew(run, tmp_path):
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "checkpoint.pt").write_bytes(b"PK not one")
    _, told, _ = run("damaged")
    assert told[0][0] == 0


def test_a_loss_that_is_no_number_is_said_in_one_line(run, monkeypatch):
    monkeypatch.setattr(Fitting, "backward", lambda self, rows, over: float("nan"))
    with pytest.raises(DataError, match=r"no number at step 1; lower `finetune\.learning_rate`"):
        run("diverges")
