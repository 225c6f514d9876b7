"""What a recipe makes of a candidate: another prompt, retrieval and few-shot examples."""

from typing import TYPE_CHECKING

from configs.errors import ConfigurationError
from configs.schema.augment import Move
from tasks.candidate import Candidate, Example
from tasks.candidates import meta_prompt_named, prompt_named
from tasks.retrieval.asking import finder_of
from tasks.retrieval.building import build, retrieval_of
from tasks.retrieval.choosing import choice_of, retrieval_for
from tasks.retrieval.finding import Finder

if TYPE_CHECKING:
    from tasks.workspace import Workspace


async def augmented(workspace: "Workspace", base: Candidate, move: Move) -> Candidate:
    """Returns the candidate that a move makes of another: its prompts, retrieval and few-shot examples.

    Args:
        workspace: the app; the index is built, or found, in its folder.
        base: gives model and parameters, and the prompt where the move names none.
        move: the whole recipe; what `base` retrieved or showed does not carry over.

    Raises:
        ConfigurationError: the target is not a prompt, or the move needs documents or examples the app does not have.
    """
    if base.prompt is None:
        raise ConfigurationError(
            f"app {base.app}: a target of kind {base.target.kind!r} is yours to change: change it and run again"
        )
    loaded, key = workspace.loaded, f"the move {move.name!r} of `augment`"
    choice = finder = None
    if move.top_k:
        retrieval = retrieval_for(retrieval_of(workspace), move)
        index = await build(workspace, retrieval)
        choice = choice_of(loaded, retrieval, index.digest, move.top_k)
        finder = finder_of(choice, index, loaded, workspace.epoch, workspace.journal, workspace.spend)
    return Candidate.model_validate(
        {
            **base.model_dump(exclude={"prompt", "meta_prompt", "retrieval", "examples", "move", "parent"}),
            "prompt": prompt_named(loaded, move.prompt, key) if move.prompt else base.prompt,
            "meta_prompt": meta_prompt_named(loaded, move.meta_prompt, key) if move.meta_prompt else None,
            "retrieval": choice,
            "examples": await _examples(workspace, finder, move),
            "move": move.name,
            "parent": base.digest,
        }
    )


async def _examples(workspace: "Workspace", finder: Finder | None, move: Move) -> tuple[Example, ...]:
    """Takes examples spread over answerable and unanswerable rows, in the file's order."""
    if not move.examples:
        return ()
    rows = tuple(workspace.dataset("examples").rows)
    no, yes = [r for r in rows if r.answerable is False], [r for r in rows if r.answerable is not False]
    alternating = [row for pair in zip(yes, no, strict=False) for row in pair]
    taken = {row.id for row in alternating}
    rest = [row for row in rows if row.id not in taken]
    chosen = (alternating + rest)[: move.examples]
    texts: list[tuple[str, ...]] = [() for _ in chosen]
    if finder is not None:
        found = [await finder.find(row.question, row.user) for row in chosen]
        texts = [tuple(f"[{passage.id}] {passage.text}" for passage in passages) for passages in found]
    return tuple(
        Example(row_id=row.id, columns=dict(row.columns), documents=shown, answer=row.reference)
        for row, shown in zip(chosen, texts, strict=True)
    )
