"""Finds what is stored: candidates, and their evaluations."""

from tasks.candidate import Candidate
from tasks.results.evaluation import Evaluation
from tasks.results.store import Store


def find_evaluation(store: Store, candidate: str, dataset: str, epoch: str | None = None) -> Evaluation | None:
    """Returns the newest evaluation of a candidate on a dataset, None where there is none.

    Args:
        store: the app's results.
        candidate: digest of the candidate.
        dataset: digest of the dataset.
        epoch: round of asking; any where not given.
    """
    for stored in store.list():
        if (stored.candidate, stored.dataset) == (candidate, dataset) and epoch in (None, stored.epoch):
            return store.load(stored.id)
    return None


def evaluation_before(store: Store, evaluation: Evaluation) -> Evaluation | None:
    """Returns the newest evaluation of the same candidate on the same data in another epoch, None for the first."""
    same = (evaluation.candidate.digest, evaluation.split, evaluation.dataset)
    for stored in store.list():
        if (stored.candidate, stored.split, stored.dataset) == same and stored.epoch != evaluation.epoch:
            return store.load(stored.id)
    return None


def find_candidates(store: Store, beginning: str) -> tuple[Candidate, ...]:
    """Returns the candidates whose digest begins with some digits."""
    files = sorted(store.folder.glob(f"candidates/{beginning}*.json"))
    found = (store.load_candidate(file.stem) for file in files)
    return tuple(candidate for candidate in found if candidate is not None)
