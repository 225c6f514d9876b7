"""A workspace: one app, its state on disk and the ledger of one command."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from configs.errors import ConfigurationError
from configs.loading import LoadedApp, load_app, pointed_at
from configs.schema.dataset import Split
from configs.settings import settings
from tasks.calling.asking import Spend
from tasks.candidate import Candidate
from tasks.data.reading import read_dataset
from tasks.data.repeated import repeated
from tasks.data.row import Dataset
from tasks.epochs import current_epoch
from tasks.journal.journal import Journal
from tasks.results.finding import find_candidates
from tasks.results.store import Store
from tasks.scoring.asked import Means
from tasks.scoring.catalogue import metrics_of, scorers_of

if TYPE_CHECKING:
    from tasks.scoring.asked import AskedScorer
    from tasks.scoring.score import Metric
    from tasks.scoring.scorer import Scorer


@dataclass(frozen=True)
class Workspace:
    """What every stage of an app works with.

    Attributes:
        loaded: the app and its files.
        epoch: round of asking that calls belong to.
        spend: calls, tokens and price of this command so far.
        journal: every model call ever made, of all apps.
        store: the app's evaluations, candidates and verdicts.
        home: folder of all state.
    """

    loaded: LoadedApp
    epoch: str
    spend: Spend
    journal: Journal
    store: Store
    home: Path

    @property
    def name(self) -> str:
        """Name of the app."""
        return self.loaded.app.name

    @property
    def indexes(self) -> Path:
        """Folder of retrieval indexes, one file an index, named by its digest."""
        return self.home / "indexes"

    @property
    def locks(self) -> Path:
        """Folder of the locks by which runs of the same thing join each other."""
        return self.home / "locks"

    @cached_property
    def scorers(self) -> "tuple[Scorer | AskedScorer, ...]":
        """The app's scorers, in its order."""
        return scorers_of(self.loaded)

    @property
    def means(self) -> Means:
        """What scorers that ask a model ask with."""
        return Means(self.loaded, self.journal, self.epoch, self.spend)

    @cached_property
    def metrics(self) -> "dict[str, Metric]":
        """Every metric that this app measures, by name."""
        return metrics_of(self.scorers)

    @cached_property
    def datasets(self) -> dict[Split, Dataset]:
        """Every dataset of the app, read once."""
        return {split: read_dataset(self.loaded, split) for split in self.loaded.app.datasets.paths()}

    @cached_property
    def asked_datasets(self) -> dict[Split, Dataset]:
        """Every dataset as an evaluation asks it: each row as often as `repeats` says."""
        return {split: repeated(dataset, self.loaded.app.repeats) for split, dataset in self.datasets.items()}

    def asked_dataset(self, split: Split) -> Dataset:
        """Returns one dataset as an evaluation asks it; see `dataset`."""
        self.dataset(split)
        return self.asked_datasets[split]

    def dataset(self, split: Split) -> Dataset:
        """Returns one dataset.

        Raises:
            ConfigurationError: the app has none for this split.
        """
        if split not in self.loaded.app.datasets.paths():
            raise ConfigurationError(
                f"{self.loaded.folder / 'app.yaml'}: key `datasets.{split}` is not set; name a file of rows there"
            )
        return self.datasets[split]

    def candidate(self, digest: str) -> Candidate:
        """Returns a candidate by its digest or the digest's beginning.

        Raises:
            ConfigurationError: there is none, or several.
        """
        found = find_candidates(self.store, digest)
        if len(found) == 1:
            return found[0]
        known = find_candidates(self.store, "")
        listed = ", ".join(candidate.digest[:8] for candidate in known[:10]) or "none yet: run explore first"
        raise ConfigurationError(f"app {self.name}: {len(found)} candidates begin with {digest!r}; known are {listed}")


_opened: ContextVar[tuple[str, str] | None] = ContextVar("opened", default=None)


@contextmanager
def open_workspace(
    app: str,
    changes: tuple[str, ...] = (),
    epoch: str | None = None,
    endpoint: tuple[str, str] | None = None,
    *,
    asks: bool = False,
) -> Iterator[Workspace]:
    """Opens an app's workspace.

    Args:
        app: name or path of the app.
        changes: `key=value` changes of its configuration.
        epoch: round of asking. Where not given, that of the same app's workspace around this one, so that a command
            stays in the epoch it began in whoever opens another meanwhile, else the app's current one.
        asks: whether it is opened to ask; only then answers that have expired open a new epoch.
        endpoint: address and model name of an endpoint that is asked instead of the app's models.
    """
    loaded = load_app(app, changes)
    if endpoint is not None:
        loaded = pointed_at(loaded, *endpoint)
    home = settings().folder()
    results = settings().folder("results", loaded.app.name)
    around = _opened.get()
    inherited = around[1] if around and around[0] == loaded.app.name else None
    epoch = epoch or inherited or current_epoch(results, loaded.app.budget.reuse_days if asks else None)
    token = _opened.set((loaded.app.name, epoch))
    try:
        with Journal(home / "journal.db") as journal:
            yield Workspace(
                loaded=loaded,
                epoch=epoch,
                spend=Spend(loaded.app.budget),
                journal=journal,
                store=Store(results),
                home=home,
            )
    finally:
        _opened.reset(token)
