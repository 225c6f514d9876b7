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
