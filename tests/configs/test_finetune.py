import pytest

from configs.schema.augment import FineTune
from configs.schema.finetune import Finetune, Lora


def test_what_a_move_sets_goes_before_the_app():
    settings = Finetune(steps=100, learning_rate=1e-4, unanswerable=0.1)
    found = settings.of(FineTune(kind="finetune", name="short", steps=20, seed=3))
    assert (found.steps, found.learning_rate, found.unanswerable, found.seed) == (20, 1e-4, 0.1, 3)
    assert settings.steps == 100


@pytest.mark.parametrize("rank", [4, 64])
def test_another_rank_keeps_the_scale(rank):
    lora = Finetune(lora=Lora(rank=16, alpha=32)).of(FineTune(kind="finetune", name="r", rank=rank)).lora
    assert lora.rank == rank
    assert lora.alpha / lora.rank == 2


def test_a_move_that_sets_nothing_changes_nothing():
    assert Finetune().of(FineTune(kind="finetune", name="plain")) == Finetune()
