"""The move `search_retrieval`: how documents are cut and found, by retrieval metrics first and model calls last.

Every setting is measured on rows that no gate reads, which takes embeddings and no chat call. The best few are then
asked by successive halving (Jamieson and Talwalkar 2016): few rows for all, twice as many for the better half. What is
measured is in the journal, the vectors kept and the results store, so that a search that was killed goes on.
"""

from collections.abc import Iterable, Sequence
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from configs.errors import ConfigurationError
from configs.schema.augment import Grid, Recipe, SearchRetrieval
from tasks.augmenting.recipe import augmented
from tasks.calling.spend import BudgetUsedUp
from tasks.candidate import Candidate, RetrievalChoice
from tasks.data.row import Dataset, Row
from tasks.progress import bar, say
from tasks.results.searches import save_search
from tasks.retrieval.asking import finder_of
from tasks.retrieval.building import build, retrieval_of
from tasks.retrieval.choosing import choice_of, retrieval_for
from tasks.retrieval.halving import halve
from tasks.retrieval.measuring import measure, rateable
from tasks.retrieval.searched import RetrievalSearch, Setting
from tasks.scoring.words import normalised

if TYPE_CHECKING:
    from tasks.retrieval.index import Index
    from tasks.workspace import Workspace

_LEAST_ROWS = 4


class _Rows(NamedTuple):
    dataset: Dataset
    rows: tuple[Row, ...]


async def searched(workspace: "Workspace", base: Candidate, move: SearchRetrieval) -> Candidate:
    """Returns the candidate with the best retrieval that a search found; `searches.search_of` says what it tried.

    Args:
        workspace: the app; indexes are built, or found, in its folder.
        base: gives model and parameters, and the prompt where the move names none.
        move: what is tried, and how many settings the model is asked with.

    Raises:
        ConfigurationError: the app has no documents, no prompt, or too few rows besides the gates'.
        BudgetUsedUp: the budget ended it before any setting was measured.
        EndpointError: the embedding model, or every finalist, does not answer.
    """
    retrieval_of(workspace)
    material = _material(workspace)
    settings, stopped = await _measured(workspace, move, material.rows)
    finalists: dict[str, Candidate] = {}
    for recipe in _finalists(move, settings):
        candidate = await augmented(workspace, base, recipe)
        finalists.setdefault(candidate.digest, candidate)
    rounds = await halve(workspace, tuple(finalists.values()), material.dataset, material.rows, move.first_rows)
    chosen = finalists[rounds[-1].board[0].candidate] if rounds else next(iter(finalists.values()))
    search = RetrievalSearch(
        move=move.name,
        split=material.dataset.split,
        rows=len(material.rows),
        metric=f"{move.metric}@{move.metric_k}",
        rank_by=workspace.loaded.app.explore.rank_by,
        settings=settings,
        rounds=rounds,
        chosen=chosen.digest,
        stopped=stopped,
    )
    save_search(workspace.store, search)
    return chosen


def _material(workspace: "Workspace") -> _Rows:
    """Returns the rows to search on: training rows, else the examples, without any whose question a gate reads.

    Raises:
        ConfigurationError: there are too few.
    """
    paths = workspace.loaded.app.datasets.paths()
    split = next((split for name in ("train", "examples") for split in paths if split == name), None)
    if split is None:
        raise ConfigurationError(
            f"{workspace.loaded.folder / 'app.yaml'}: a search over retrieval needs rows that no gate reads; "
            f"set `datasets.examples`"
        )
    read = {normalised(row.question) for gate in ("sample", "full") for row in _rows(workspace, gate)}
    dataset = workspace.dataset(split)
    rows = tuple(row for row in rateable(tuple(dataset.rows)) if normalised(row.question) not in read)
    if len(rows) < _LEAST_ROWS:
        raise ConfigurationError(
            f"{dataset.path}: {len(rows)} rows say what should be found (`documents`, or `answerable: false`) and are "
            f"in no gate's dataset; a search over retrieval needs {_LEAST_ROWS}: add some"
        )
    return _Rows(dataset, rows)


def _rows(workspace: "Workspace", gate: str) -> Sequence[Row]:
    return tuple(row for split, dataset in workspace.datasets.items() if split == gate for row in dataset.rows)


async def _measured(
    workspace: "Workspace", move: SearchRetrieval, rows: Sequence[Row]
) -> tuple[tuple[Setting, ...], str]:
    """Returns every setting, the best first, and why some were not measured.

    Raises:
        BudgetUsedUp: none could be.
    """
    found: dict[RetrievalChoice, Setting] = {}
    indexes: dict[tuple[str, int], Index] = {}
    recipes = _recipes(move)
    with bar("retrieval · settings", len(recipes)) as shown:
        for recipe in recipes:
            try:
                await _measure(workspace, move, recipe, rows, indexes, found)
            except BudgetUsedUp as end:
                if not found:
                    raise
                say(f"{len(found)} of {len(recipes)} settings measured: {end}")
                return _ranked(found.values()), str(end)
            shown.advance()
    return _ranked(found.values()), ""


async def _measure(
    workspace: "Workspace",
    move: SearchRetrieval,
    recipe: Recipe,
    rows: Sequence[Row],
    indexes: "dict[tuple[str, int], Index]",
    found: dict[RetrievalChoice, Setting],
) -> None:
    """Adds a setting to those found, unless it finds as one of them does: a knob may matter to others alone."""
    retrieval = retrieval_for(retrieval_of(workspace), recipe)
    by_tokens = retrieval.chunker == "tokens"
    cut = (retrieval.chunker, retrieval.chunk_tokens if by_tokens else retrieval.chunk_words)
    if cut not in indexes:
        indexes[cut] = await build(workspace, retrieval)
    choice = choice_of(workspace.loaded, retrieval, indexes[cut].digest, move.metric_k)
    if choice in found:
        return
    finder = finder_of(choice, indexes[cut], workspace.loaded, workspace.epoch, workspace.journal, workspace.spend)
    assert finder is not None  # noqa: S101 there is a choice
    quality = await measure(finder, rows, move.metric_k, move.metric)
    told = f"{cut[0]} {cut[1]}, {choice.told}"
    found[choice] = Setting(recipe=recipe, told=told, index=choice.index, quality=quality)


def _ranked(settings: Iterable[Setting]) -> tuple[Setting, ...]:
    """Returns settings best first; of those that tie the first listed, which is the simplest."""
    return tuple(sorted(settings, key=lambda each: -(each.quality.served.value or 0.0)))


def _recipes(move: SearchRetrieval) -> list[Recipe]:
    """Returns every way of finding passages, without how many of them are shown."""
    knobs = {name: values for name in Grid.model_fields if name != "top_k" and (values := getattr(move.over, name))}
    return [_recipe(move, move.metric_k, dict(zip(knobs, values, strict=True))) for values in product(*knobs.values())]


def _finalists(move: SearchRetrieval, settings: Sequence[Setting]) -> list[Recipe]:
    """Returns what the model is asked with: the best settings, each showing as many passages as are tried."""
    shown = move.over.top_k or (max(1, move.top_k),)
    recipes = [each.recipe.model_copy(update={"top_k": top_k}) for each in settings for top_k in shown]
    return recipes[: move.finalists]


def _recipe(move: SearchRetrieval, top_k: int, knobs: dict[str, object]) -> Recipe:
    said = {name: getattr(move, name) for name in Recipe.model_fields if name not in ("kind", "top_k")}
    tried = {name: value for name, value in knobs.items() if value is not None}
    return Recipe(**{**said, **tried, "top_k": min(top_k, 20)})
