"""Which two evaluations a person means to compare: by their ids, their candidates, releases, or a word."""

import re
from itertools import product
from typing import NamedTuple

from configs.errors import ConfigurationError
from configs.schema.dataset import Split
from tasks.choosing import chosen
from tasks.releasing.entry import Entry
from tasks.releasing.log import release_log
from tasks.results.evaluation import Evaluation
from tasks.results.finding import find_candidates
from tasks.results.store import StoredEvaluation
from tasks.workspace import Workspace

_WORDS = ("champion", "best", "latest")
_LARGEST_FIRST = ("full", "sample", "redteam", "production")
_LISTED = 10


class Compared(NamedTuple):
    """Two evaluations of the same data."""

    one: Evaluation
    other: Evaluation


def compared(workspace: Workspace, one: str, other: str, split: Split | None = None) -> Compared:
    """Returns the evaluations that two words name, both of the same data: the largest, and of that the newest.

    Args:
        workspace: the app.
        one: id of an evaluation, digest of a candidate, or the beginning of one of them; `champion`, `best` or
            `latest`; a release by the number of its entry in the release log, by `v` and its model version, or by its
            id.
        other: as `one`.
        split: data of the evaluations; any where not given.

    Raises:
        ConfigurationError: a word names nothing or several things, or there are no evaluations of the same data.
    """
    first, second = _evaluations(workspace, one, split), _evaluations(workspace, other, split)
    pairs = [(mine, theirs) for mine, theirs in product(first, second) if mine.dataset == theirs.dataset]
    if not pairs:
        raise ConfigurationError(
            f"{one} was evaluated on {_data(first)}, {other} on {_data(second)}: only rows of the same data "
            f"are paired; evaluate both on one, by `lifecycle run evaluate --set candidate=… --set data=…`"
        )
    mine, theirs = min(pairs, key=_order)
    return Compared(_loaded(workspace, mine), _loaded(workspace, theirs))


def _order(pair: tuple[StoredEvaluation, StoredEvaluation]) -> tuple[int, bool, float]:
    """Orders pairs: the largest data first, then those of one epoch, then the newest."""
    mine, theirs = pair
    return _LARGEST_FIRST.index(mine.split), mine.epoch != theirs.epoch, -(mine.saved + theirs.saved)


def _evaluations(workspace: Workspace, word: str, split: Split | None) -> tuple[StoredEvaluation, ...]:
    """Returns the stored evaluations that a word may mean."""
    stored = workspace.store.list()
    named = _named(workspace, word)
    by_id = [each for each in stored if named is None and _is_beginning(word, each.id)]
    digests = _candidates(workspace, word) if named is None else {named}
    if len(by_id) + len(digests) > 1:
        listed = ", ".join(sorted([*(each.id for each in by_id), *digests])[:_LISTED])
        raise ConfigurationError(f"app {workspace.name}: {word!r} may be any of {listed}; give more of it")
    if not by_id and not digests:
        raise ConfigurationError(f"app {workspace.name}: {word!r} names nothing; known are {_known(workspace, stored)}")
    found = tuple(each for each in by_id or stored if split in (None, each.split))
    if digests:
        found = tuple(each for each in found if each.candidate in digests)
    if not found:
        candidate = next(iter(digests), "") or by_id[0].candidate
        how = f"--set candidate={candidate[:8]}{f' --set data={split}' if split else ''}"
        where = f"on {split}" if split else "yet"
        raise ConfigurationError(f"{word} has not been evaluated {where}; run `lifecycle run evaluate {how}` first")
    return found


def _named(workspace: Workspace, word: str) -> str | None:
    """Returns the digest of the candidate that is a word's or a release's, None for any other text."""
    if word in _WORDS:
        return chosen(workspace, word).digest
    releases = _releases(workspace)
    return next((each.candidate for each in releases if word in (str(each.sequence), f"v{each.version}")), None)


def _candidates(workspace: Workspace, beginning: str) -> set[str]:
    """Returns the digests of the candidates that have a digest, or a release of an id, that begins so."""
    released = {each.candidate for each in _releases(workspace) if _is_beginning(beginning, each.release)}
    evaluated = {each.candidate for each in workspace.store.list() if _is_beginning(beginning, each.candidate)}
    known = find_candidates(workspace.store, beginning) if _is_beginning(beginning, beginning) else ()
    return released | evaluated | {each.digest for each in known}


def _releases(workspace: Workspace) -> list[Entry]:
    """Returns the releases of an app, the newest first."""
    return [entry for entry in reversed(release_log(workspace.name).entries()) if entry.kind == "commit"]


def _loaded(workspace: Workspace, stored: StoredEvaluation) -> Evaluation:
    evaluation = workspace.store.load(stored.id)
    if evaluation is None:
        raise ConfigurationError(f"evaluation {stored.id} is gone; evaluate candidate {stored.candidate[:8]} again")
    return evaluation


def _is_beginning(word: str, digest: str) -> bool:
    return digest.startswith(word) and re.fullmatch(r"[0-9a-f]{1,16}", word) is not None


def _data(stored: tuple[StoredEvaluation, ...]) -> str:
    return " and ".join(dict.fromkeys(f"{each.split} (data {each.dataset[:8]})" for each in stored))


def _known(workspace: Workspace, stored: tuple[StoredEvaluation, ...]) -> str:
    candidates = dict.fromkeys(each.candidate[:8] for each in stored)
    return "; ".join(
        [
            f"the words {', '.join(_WORDS)}",
            f"releases {_listed([f'{each.sequence} (v{each.version})' for each in reversed(_releases(workspace))])}",
            f"candidates {_listed(list(candidates))}",
            f"evaluations {_listed([f'{each.id[:8]} ({each.split})' for each in stored])}",
        ]
    )


def _listed(names: list[str]) -> str:
    more = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {more} more" if more > 0 else "") if names else "none yet"
