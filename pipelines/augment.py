"""Augment: when a gate says no, find out why, change what fits the cause, and yield a new candidate."""

from prefect import flow

from configs.errors import ConfigurationError
from configs.schema.augment import Move
from pipelines.finetune import finetune
from pipelines.parameters import App, CandidateName, Changes
from pipelines.run_names import run_name
from pipelines.spent import Spent
from tasks.augmenting.attribution import Attribution, attribute
from tasks.augmenting.change import Change, materials_of, save_change, tried
from tasks.augmenting.fitting import Choice, next_move
from tasks.augmenting.making import made_by
from tasks.candidate import Candidate
from tasks.candidates import check_prompts
from tasks.choosing import chosen
from tasks.orchestrating.artifacts import artifact_key, link, markdown, table
from tasks.orchestrating.events import CANDIDATE_MADE, emit
from tasks.orchestrating.naming import name_candidate
from tasks.orchestrating.step import step
from tasks.pages.augment import augment_page
from tasks.progress import say
from tasks.prompting.searched import PromptSearch
from tasks.results.marks import mark, marked
from tasks.results.searches import search_of
from tasks.retrieval.searched import RetrievalSearch
from tasks.tracking.prompts import with_registered
from tasks.workspace import Workspace, open_workspace


class Augmented(Spent):
    """What `augment` made."""

    app: str
    candidate: str | None
    """Digest of the new candidate; None where every move has been tried, or the target is the user's to change."""
    label: str
    move: str | None
    why: str
    """Why this move and no other, or why there is none."""
    causes: dict[str, int]
    """How many of the failures that were looked at had which likely cause."""


@flow(name="augment", flow_run_name=run_name("augment", "move"))
async def augment(
    app: App = "outfitter",
    move: str = "next",
    of: CandidateName = "latest",
    beside: list[str] | None = None,
    announce: bool = False,
    changes: Changes = [],  # noqa: B006 a form's default
) -> Augmented:
    """Makes a new candidate: another prompt, retrieval or examples, or weights fitted to the task.

    What a gate refused is looked at first: failing rows are asked again with the right documents, with the answer
    itself and with nothing before the model, which tells why they failed. Of the moves that fit the cause the cheapest
    is taken.

    Args:
        app: Name or path of the app.
        move: Name of a move from the configuration, or next for the cheapest that fits and was not tried yet.
        of: The candidate that was refused and is looked at.
        beside: Names of moves that next leaves out; those that a gate has decided on already where empty.
        announce: Send the event that makes the automation evaluate the new candidate.
        changes: Changes of the configuration for this run only, as key=value.
    """
    with open_workspace(app, tuple(changes), asks=True) as workspace:
        if (kind := workspace.loaded.app.target.kind) != "prompt":
            return await _nothing(workspace, f"a target of kind `{kind}` is yours to change: change it and run again")
        base = marked(workspace.store, "best") or chosen(workspace, "latest")
        refused = await step("find out why", lambda: _attributed(workspace, of))
        choice = _choice(workspace, base, move, beside, refused)
        if choice is None:
            return await _nothing(workspace, "every move has been tried: add one to `augment.moves` in app.yaml")
        say(f"{choice.move.name}: {choice.why}")
        finetuned = None
        if choice.move.kind == "finetune":
            finetuned = await finetune(app, choice.move.name, changes=changes)
            made = workspace.candidate(finetuned.candidate)
        else:
            made = await step(f"make the candidate · {choice.move.name}", lambda: _made(workspace, base, choice.move))
        change = Change(
            candidate=made.digest,
            base=base.digest,
            move=choice.move,
            materials=materials_of(workspace),
            why=choice.why,
            attribution=refused,
        )
        mark(workspace.store, "latest", made)
        save_change(workspace, change)
        await name_candidate(made.digest)
        if announce:
            emit(CANDIDATE_MADE, workspace.name, {"candidate": made.digest, "move": made.move})
        await markdown(
            artifact_key(workspace.name, "candidate"), augment_page(made, change), "What was changed, and why"
        )
        await _show_search(workspace, made)
        return Augmented(
            app=workspace.name,
            candidate=made.digest,
            label=made.label,
            move=made.move,
            why=choice.why,
            causes=dict(refused.causes) if refused else {},
            **(finetuned.within(workspace.spend.as_dict()) if finetuned else workspace.spend.as_dict()),
        )


async def _show_search(workspace: Workspace, made: Candidate) -> None:
    prompts = search_of(workspace.store, made.digest, PromptSearch)
    if prompts and prompts.move == made.move:
        key = (workspace.name, "prompt-search")
        await table(artifact_key(*key), prompts.trials, f"What {prompts.move} tried, on rows of {prompts.split}")
        await link(artifact_key(*key, "mlflow"), prompts.url, "The search in MLflow")
    found = search_of(workspace.store, made.digest, RetrievalSearch)
    if found and found.move == made.move:
        key = (workspace.name, "retrieval-search")
        tried = f"Settings that {found.move} tried, on rows of {found.split}"
        await table(artifact_key(*key), found.as_rows(), tried)
        await table(artifact_key(*key, "rounds"), found.rounds_as_rows(), "Rounds in which the model was asked")


async def _nothing(workspace: Workspace, why: str) -> Augmented:
    say(why)
    await markdown(artifact_key(workspace.name, "candidate"), why, "Nothing was changed")
    return Augmented(
        app=workspace.name, candidate=None, label="", move=None, why=why, causes={}, **workspace.spend.as_dict()
    )


async def _attributed(workspace: Workspace, of: str) -> Attribution | None:
    return await attribute(workspace, chosen(workspace, of), workspace.loaded.app.augment.look_at)


def _choice(
    workspace: Workspace, base: Candidate, name: str, beside: list[str] | None, refused: Attribution | None
) -> Choice | None:
    moves = workspace.loaded.app.augment.moves
    if name == "next":
        left_out = tried(workspace, base) if beside is None else frozenset(beside)
        return next_move(moves, left_out, refused.causes if refused else ())
    found = next((move for move in moves if move.name == name), None)
    if found is None:
        known = ", ".join(move.name for move in moves) or "none"
        raise ConfigurationError(
            f"{workspace.loaded.folder / 'app.yaml'}: no move {name!r} in `augment.moves`; known are {known}"
        )
    return Choice(found, "it was asked for by name")


async def _made(workspace: Workspace, base: Candidate, move: Move) -> Candidate:
    made = await made_by(workspace, base, move)
    check_prompts(made.prompts, workspace.dataset("sample"))
    return with_registered(made)
