"""Searches for a better prompt: arms by successive halving, on rows that no gate ever asks, under a hard cap."""

import math
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from configs.errors import ConfigurationError
from configs.schema.augment import Recipe, SearchPrompt
from tasks.augmenting.recipe import augmented
from tasks.calling.asking import open_target
from tasks.calling.spend import BudgetUsedUp
from tasks.calling.targets import Target
from tasks.candidate import Candidate, Example, Prompt
from tasks.candidates import check_prompts, meta_prompt_named, prompt_named
from tasks.data.contract import conversation
from tasks.data.row import Dataset, Row
from tasks.evaluating.asking import Asking, Watch
from tasks.evaluating.evaluate import evaluate_candidate
from tasks.evaluating.under_way import how_asked
from tasks.identity import digest
from tasks.progress import say
from tasks.prompting.proposing import SHOWN, Proposal, check_proposer, instruction_of, proposed, with_instruction
from tasks.prompting.render import document_line
from tasks.prompting.search.arms import Arm, arms_of
from tasks.prompting.search.halving import best, rungs
from tasks.prompting.search.objective import Objective, objective_of
from tasks.prompting.search.showing import showings
from tasks.prompting.search.splitting import ends_of, pool_of, scored_of
from tasks.prompting.searched import PromptSearch
from tasks.prompting.trial import Trial, trial_row
from tasks.results.searches import save_search
from tasks.results.store import Store
from tasks.tracking.prompts import register_prompt, with_registered
from tasks.tracking.searches import record_search

if TYPE_CHECKING:
    from tasks.workspace import Workspace

_NEVER_GATED = ("examples", "train")
"""Splits whose rows a search may use: examples are taken from the first that there is, and scored on the last."""


class Searched(NamedTuple):
    """What a search found.

    Attributes:
        candidate: the best arm; where it began, if nothing was better.
        trials: what every arm reached in every step, in the order in which they were asked.
        search: the same as people read it; kept beside the app's results.
    """

    candidate: Candidate
    trials: tuple[Trial, ...]
    search: PromptSearch


async def searched(workspace: "Workspace", base: Candidate, move: SearchPrompt) -> Candidate:
    """Returns the candidate that a search finds; see `search`."""
    return (await search(workspace, base, move)).candidate


async def search(workspace: "Workspace", base: Candidate, move: SearchPrompt, watch: Watch | None = None) -> Searched:
    """Searches over instructions, meta-prompts and few-shot examples, and records every arm.

    What it asks is journaled, so a search that was killed goes on where it was. Its evaluations are stored apart from
    the app's, and its rows are of no gate. Where the budget ends it, the best of the last step that every arm finished
    is returned; in the first step, the best of those that finished.

    Args:
        workspace: the app.
        base: gives model and parameters, and the prompt where the move names none.
        move: what is tried, on how many rows, and what counts.
        watch: told every now and then how far an arm is.

    Raises:
        ConfigurationError: the target is not a prompt, or what the move names is not there.
        EndpointError: the model answered no row.
        StackError: MLflow does not answer.
    """
    check_proposer(workspace.loaded, move)
    material = _material(workspace, move)
    caps = move.budget
    start = await _start(workspace, base, move)
    objective = objective_of(workspace.loaded.app, move, workspace.metrics)
    with workspace.spend.part(caps.calls, caps.price, caps.tokens) as spend:
        inside = replace(workspace, spend=spend, store=Store(workspace.store.folder / "search"))
        arms = await _arms(inside, start, move, material, objective)
        candidates = await _candidates(inside, start, arms)
        say(f"{move.name}: {len(arms)} arms, {len(material.scored)} rows of {material.source.name}")
        trials = await _halved(inside, candidates, move, material, objective, Asking(watch=watch))
    found = _best(trials, candidates)
    cut_off = spend.skipped > 0 or len(candidates) < len(arms)
    if cut_off:
        say(f"{move.name}: its budget is used up; the best so far is {found.label}")
    names = tuple(dict.fromkeys([*objective.weights, *(rule.metric for rule in objective.demands)]))
    table = tuple(trial_row(trial, names) for trial in trials)
    scored = _first_rows(material, len(material.scored))
    run = record_search(workspace.loaded, move, start, found, trials, table, scored, spend, cut_off=cut_off)
    kept = PromptSearch(
        move=move.name,
        split=material.source.split,
        rows=len(material.scored),
        trials=table,
        began_with=start.digest,
        chosen=found.digest,
        cut_off=cut_off,
        url=run.url,
    )
    save_search(workspace.store, kept)
    return Searched(found, trials, kept)


class _Material(NamedTuple):
    """The rows of a search: its examples, in every way that they are tried, what a proposer sees, what is scored."""

    shown: tuple[tuple[Row, ...], ...]
    solved: tuple[Row, ...]
    scored: tuple[Row, ...]
    source: Dataset


def _material(workspace: "Workspace", move: SearchPrompt) -> _Material:
    there = workspace.loaded.app.datasets.paths()
    splits = [split for split in there if split in _NEVER_GATED]
    where = f"{workspace.loaded.folder / 'app.yaml'}: the move {move.name!r} of `augment`"
    if not splits:
        raise ConfigurationError(f"{where} needs rows that no gate asks; name a file under `datasets.examples`")
    first, last = (workspace.dataset(split) for split in (splits[0], splits[-1]))
    solved = tuple(row for row in first.rows if row.reference)
    pool = pool_of(solved) if first is last else solved
    shown = showings(pool, move.examples, move.sets, move.orders, move.seed)
    gated = {conversation(row) for split in ("sample", "full") for row in workspace.dataset(split).rows}
    proposing = pool[:SHOWN] if move.proposer and move.by == "asking" else ()
    taken = {row.id: row for rows in (*shown, proposing) for row in rows}.values()
    scored = scored_of(last.rows, tuple(taken), gated, move.rows)
    if not scored:
        raise ConfigurationError(
            f"{where}: no row of {last.path} is left to score on that no gate asks and that shares no cluster with an "
            f"example; add rows, or set fewer `examples`"
        )
    return _Material(shown, proposing, scored, last)


async def _start(workspace: "Workspace", base: Candidate, move: SearchPrompt) -> Candidate:
    recipe = Recipe(name=move.name, prompt=move.prompt, meta_prompt=move.meta_prompt, top_k=move.top_k)
    return with_registered(await augmented(workspace, base, recipe))


async def _arms(
    workspace: "Workspace", start: Candidate, move: SearchPrompt, material: _Material, objective: Objective
) -> tuple[Arm, ...]:
    """Returns the arms, every prompt of theirs with its version in MLflow."""
    loaded, key = workspace.loaded, f"the move {move.name!r} of `augment`"
    begun = cast("Prompt", start.prompt)
    texts = [Proposal(text) for text in move.instructions]
    texts += await _proposals(workspace, start, move, material, objective)
    others = [prompt_named(loaded, name, key) for name in move.prompts]
    metas = [meta_prompt_named(loaded, name, key) for name in move.meta_prompts]
    check_prompts([*others, *metas, *(with_instruction(begun, each.text) for each in texts)], material.source)
    children = _children(start.app, begun, texts)
    prompts = [begun, *(register_prompt(start.app, prompt) for prompt in others), *children]
    meta_prompts = [start.meta_prompt, *(register_prompt(start.app, meta) for meta in metas)]
    return arms_of(_distinct(prompts), _distinct(meta_prompts), material.shown, move.arms, move.seed)


def _children(app: str, begun: Prompt, proposals: Sequence[Proposal]) -> list[Prompt]:
    """Registers a prompt with each instruction as a version that names the one it was made of."""
    known = {instruction_of(begun): begun}
    for each in reversed(proposals):
        made_of = known.get(each.made_of or "", begun)
        known.setdefault(each.text, register_prompt(app, with_instruction(begun, each.text), made_of, "search"))
    return [known[each.text] for each in proposals]


async def _proposals(
    workspace: "Workspace", start: Candidate, move: SearchPrompt, material: _Material, objective: Objective
) -> tuple[Proposal, ...]:
    begun = cast("Prompt", start.prompt)
    if move.by == "asking":
        demands = "\n".join(
            f"{name}: {metric.description} ({metric.direction} is better)"
            for name, metric in objective.metrics.items()
            if name in objective.weights or any(rule.metric == name for rule in objective.demands)
        )
        return await proposed(workspace, move, begun, material.solved, demands)
    from tasks.tracking.optimising import optimised

    return await optimised(workspace, start, move, material.scored, objective)


async def _candidates(workspace: "Workspace", start: Candidate, arms: Sequence[Arm]) -> list[Candidate]:
    """Returns the arms as candidates; those after the first that the budget leaves no retrieval for are left out."""
    target = open_target(start, **how_asked(workspace, start))
    found: list[Candidate] = []
    async with aclosing(target):
        for arm in arms:
            try:
                examples = [await _example(target, row) for row in arm.shown]
            except BudgetUsedUp:
                break
            prompts = {"prompt": arm.prompt, "meta_prompt": arm.meta_prompt}
            found.append(start.model_copy(update={**prompts, "examples": tuple(examples)}))
    return found


async def _example(target: Target, row: Row) -> Example:
    """Returns a row as an example, with what is retrieved for it."""
    context = (await target.question(row)).context
    return Example(
        row_id=row.id,
        columns=dict(row.columns),
        documents=tuple(document_line(passage) for passage in context),
        answer=row.reference,
    )


async def _halved(
    workspace: "Workspace",
    candidates: Sequence[Candidate],
    move: SearchPrompt,
    material: _Material,
    objective: Objective,
    asking: Asking,
) -> tuple[Trial, ...]:
    enough = workspace.loaded.app.gates.sample.min_coverage
    trials: list[Trial] = []
    alive = tuple(range(len(candidates)))
    for number, rung in enumerate(rungs(len(candidates), ends_of(material.scored), move.first_rows), 1):
        if number > 1:
            values = [trial.value for trial in trials if trial.rung == number - 1]
            alive = tuple(alive[at] for at in best(values, rung.arms))
        dataset = _first_rows(material, rung.rows)
        for arm in alive:
            evaluation = await evaluate_candidate(workspace, candidates[arm], dataset, asking)
            trial = Trial(arm, number, evaluation, -math.inf)
            covered = trial.whole and _coverage(trial) >= enough
            value = objective.of(_value_in(trial)) if covered else -math.inf
            trials.append(trial._replace(value=value))
            if not trial.whole:
                return tuple(trials)
    return tuple(trials)


def _first_rows(material: _Material, count: int) -> Dataset:
    """Returns the rows of a step as a dataset of its own: what is stored of it is nobody else's."""
    rows, source = material.scored[:count], material.source
    return replace(source, rows=rows, digest=digest(["search", source.digest, [row.id for row in rows]]))


def _coverage(trial: Trial) -> float:
    rows = trial.evaluation.rows
    return float((rows["outcome"] == "ok").mean())


def _value_in(trial: Trial) -> Any:
    def value(name: str) -> float | None:
        estimate = trial.evaluation.estimate(name)
        return estimate.value if estimate else None

    return value


def _best(trials: Sequence[Trial], candidates: Sequence[Candidate]) -> Candidate:
    """Returns the best of the last step that every arm finished; of the first step, of those that finished."""
    last = max((trial.rung for trial in trials), default=1)
    if last > 1 and not all(trial.whole for trial in trials):
        last -= 1
    finished = [trial for trial in trials if trial.rung == last and trial.whole]
    if not finished:
        return candidates[0]
    return candidates[finished[best([trial.value for trial in finished], 1)[0]].arm]


def _distinct(prompts: Sequence[Any]) -> list[Any]:
    """Returns prompts, of those with the same content the first."""
    return list({prompt.digest if prompt else "": prompt for prompt in reversed(prompts)}.values())[::-1]
