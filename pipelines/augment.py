"""Augment: when a gate says no, change prompt, retrieval or examples, and yield a new candidate."""

from prefect import flow

from configs.errors import ConfigurationError
from configs.schema.augment import Move
from pipelines.parameters import App, Changes
from pipelines.run_names import run_name
from pipelines.spent import Spent
from tasks.augmenting.recipe import augmented
from tasks.candidate import Candidate
from tasks.candidates import check_prompts
from tasks.choosing import chosen
from tasks.orchestrating.artifacts import artifact_key, markdown
from tasks.orchestrating.events import CANDIDATE_MADE, emit
from tasks.orchestrating.naming import name_candidate
from tasks.orchestrating.step import step
from tasks.progress import say
from tasks.results.marks import mark, marked
from tasks.tracking.prompts import with_registered
from tasks.workspace import Workspace, open_workspace


class Augmented(Spent):
    """What `augment` made."""

    app: str
    candidate: str | None
    """Digest of the new candidate; None where every move has been tried, or the target is the user's to change."""
    label: str
    move: str | None


@flow(name="augment", flow_run_name=run_name("augment", "move"))
async def augment(
    app: App = "outfitter",
    move: str = "next",
    announce: bool = False,
    changes: Changes = [],  # noqa: B006 a form's default
) -> Augmented:
    """Makes a new candidate of the exploration's best: a retrieval index over the documents, few-shot examples.

    Args:
        app: Name or path of the app.
        move: Name of a move from the configuration, or next for the first one that no gate has decided on yet.
        announce: Send the event that makes the automation evaluate the new candidate.
        changes: Changes of the configuration for this run only, as key=value.
    """
    with open_workspace(app, tuple(changes)) as workspace:
        made = await step("make the candidate", lambda: _made(workspace, move))
        if made is None:
            say(_nothing_made(workspace))
        else:
            mark(workspace.store, "latest", made)
            await name_candidate(made.digest)
            if announce:
                emit(CANDIDATE_MADE, workspace.name, {"candidate": made.digest, "move": made.move})
        await markdown(artifact_key(workspace.name, "candidate"), _page(workspace, made), "What was changed")
        return Augmented(
            app=workspace.name,
            candidate=made.digest if made else None,
            label=made.label if made else "",
            move=made.move if made else None,
            **workspace.spend.as_dict(),
        )


async def _made(workspace: Workspace, name: str) -> Candidate | None:
    if workspace.loaded.app.target.kind != "prompt":
        return None
    base = marked(workspace.store, "best") or chosen(workspace, "latest")
    for move in _moves(workspace, name):
        candidate = await augmented(workspace, base, move)
        if name == "next" and workspace.store.verdicts(candidate.digest):
            continue
        check_prompts(candidate.prompts, workspace.dataset("sample"))
        return with_registered(candidate)
    return None


def _moves(workspace: Workspace, name: str) -> tuple[Move, ...]:
    moves = workspace.loaded.app.augment.moves
    if name == "next":
        return moves
    found = tuple(move for move in moves if move.name == name)
    if not found:
        known = ", ".join(move.name for move in moves) or "none"
        raise ConfigurationError(
            f"{workspace.loaded.folder / 'app.yaml'}: no move {name!r} in `augment.moves`; known are {known}"
        )
    return found


def _nothing_made(workspace: Workspace) -> str:
    target = workspace.loaded.app.target.kind
    if target == "prompt":
        return "every move has been tried: add one to `augment.moves` in app.yaml"
    return f"a target of kind `{target}` is yours to change: change it and run again"


def _page(workspace: Workspace, made: Candidate | None) -> str:
    if made is None:
        return _nothing_made(workspace)
    retrieval = f"index `{made.retrieval.index}`, top {made.retrieval.top_k}" if made.retrieval else "none"
    return (
        f"# {made.label}\n\n| | |\n| --- | --- |\n"
        f"| digest | `{made.digest}` |\n| made from | `{made.parent}` |\n| move | {made.move} |\n"
        f"| prompt | {made.prompt.name if made.prompt else ''} v{made.prompt.version if made.prompt else ''} |\n"
        f"| meta-prompt | {f'{made.meta_prompt.name} v{made.meta_prompt.version}' if made.meta_prompt else 'none'} |\n"
        f"| retrieval | {retrieval} |\n"
        f"| examples | {', '.join(example.row_id for example in made.examples) or 'none'} |\n"
    )
