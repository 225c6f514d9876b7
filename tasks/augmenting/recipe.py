"""What a recipe makes of a candidate: another prompt, retrieval and few-shot examples."""

from typing import TYPE_CHECKING

from configs.errors import ConfigurationError
from configs.schema.augment import Move
from tasks.calling.embedding import embed, embedding_identity
from tasks.candidate import Candidate, Example, RetrievalChoice
from tasks.candidates import meta_prompt_named, prompt_named
from tasks.retrieval.building import build
from tasks.retrieval.index import Index

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
    index = await build(workspace) if move.top_k else None
    retrieval = (
        RetrievalChoice(index=index.digest, top_k=move.top_k, embedding=_embedding(workspace)) if index else None
    )
    return Candidate.model_validate(
        {
            **base.model_dump(exclude={"prompt", "meta_prompt", "retrieval", "examples", "move", "parent"}),
            "prompt": prompt_named(loaded, move.prompt, key) if move.prompt else base.prompt,
            "meta_prompt": meta_prompt_named(loaded, move.meta_prompt, key) if move.meta_prompt else None,
            "retrieval": retrieval,
            "examples": await _examples(workspace, index, move),
            "move": move.name,
            "parent": base.digest,
        }
    )


def _embedding(workspace: "Workspace") -> str | None:
    retrieval = workspace.loaded.app.retrieval
    return embedding_identity(workspace.loaded, retrieval.embedding_model) if retrieval else None


async def _examples(workspace: "Workspace", index: Index | None, move: Move) -> tuple[Example, ...]:
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
    if index is not None and workspace.loaded.app.retrieval is not None:
        vectors = await embed(
            [row.question for row in chosen],
            loaded=workspace.loaded,
            model=workspace.loaded.app.retrieval.embedding_model,
            journal=workspace.journal,
            epoch=workspace.epoch,
            spend=workspace.spend,
        )
        texts = [
            tuple(f"[{passage.id}] {passage.text}" for passage in index.search(vector, move.top_k))
            for vector in vectors
        ]
    return tuple(
        Example(row_id=row.id, columns=dict(row.columns), documents=shown, answer=row.reference)
        for row, shown in zip(chosen, texts, strict=True)
    )
