import pytest

from configs.settings import settings
from tasks.epochs import open_epoch
from tasks.workspace import open_workspace


@pytest.fixture
def results(monkeypatch, tmp_path):
    """Folder of the sample app's results in a state of its own."""
    monkeypatch.setenv("LIFECYCLE_HOME", str(tmp_path))
    settings.cache_clear()
    yield settings().folder("results", "outfitter")
    settings.cache_clear()


def test_a_command_stays_in_the_epoch_it_began_in(results):
    with open_workspace("outfitter") as command:
        opened = open_epoch(results)
        with open_workspace("outfitter") as stage:
            assert stage.epoch == command.epoch == "first"
    with open_workspace("outfitter") as later:
        assert later.epoch == opened


def test_an_epoch_that_is_given_counts(results):
    with open_workspace("outfitter"), open_workspace("outfitter", epoch="scheduled") as stage:
        assert stage.epoch == "scheduled"


def test_an_evaluation_asks_each_row_as_often_as_the_app_says_and_nothing_else_does(results):
    with open_workspace("outfitter", ("repeats=3",)) as often, open_workspace("outfitter") as once:
        assert len(often.asked_dataset("sample").rows) == 3 * len(often.dataset("sample").rows)
        assert often.dataset("production").rows == once.dataset("production").rows
        assert once.asked_dataset("sample").digest == once.dataset("sample").digest
