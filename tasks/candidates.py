"""Candidates: what an exploration tries, and what a move of `augment` makes of the best."""

from collections.abc import Iterable, Sequence
from itertools import product
from typing import TYPE_CHECKING

from configs.errors import ConfigurationError
from configs.loading import LoadedApp
from configs.schema.augment import Move
from configs.schema.target import Target
from tasks.calling.embedding import embed, embedding_identity
from tasks.calling.endpoint import endpoint_model
from tasks.candidate import Candidate, Example, Prompt, RetrievalChoice
from tasks.data.row import Dataset
from tasks.identity import digest
from tasks.prompting.prompty import read_prompty
from tasks.prompting.render import check_variables
from tasks.retrieval.documents import read_documents
from tasks.retrieval.index import Index, build_index

if TYPE_CHECKING:
    import numpy as np

    from tasks.workspace import Workspace


class AlteredError(ConfigurationError):
    """A candidate that can no longer be asked, as what it was made of is no longer there."""


def read_prompts(loaded: LoadedApp) -> tuple[Prompt, ...]:
    """Reads the app's prompt files, in the configuration's order.

    Raises:
        ConfigurationError: a file is missing, or two files hold prompts of the same name.
        DataError: a file is no prompt.
    """
    found: dict[str, tuple[str, Prompt]] = {}
    for path in loaded.app.prompts:
        prompt = read_prompty(loaded.path(path)).prompt
        if prompt.name in found:
            raise ConfigurationError(
                f"{loaded.folder / 'app.yaml'}: key `prompts`: {found[prompt.name][0]} and {path} both hold a prompt "
                f"named {prompt.name!r}; give one of them another name"
            )
        found[prompt.name] = (path, prompt)
    return tuple(prompt for _, prompt in found.values())


def check_prompts(prompts: Iterable[Prompt], dataset: Dataset) -> None:
    """Refuses a prompt with a variable that is not a column of every row, before anything is asked."""
    for prompt in prompts:
        check_variables(prompt, dataset.shared_columns, dataset.path)


def explored(loaded: LoadedApp, prompts: Iterable[Prompt]) -> tuple[Candidate, ...]:
    """Returns what an exploration compares: prompts × models × parameters, or the user's own target alone."""
    app = loaded.app
    if app.target.kind != "prompt":
        return (Candidate(app=app.name, target=app.target, code=_code(loaded, app.target)),)
    return tuple(
        Candidate(
            app=app.name,
            target=app.target,
            prompt=prompt,
            model=model,
            endpoint_model=endpoint_model(model, loaded.models[model]),
            parameters=parameters,
        )
        for prompt, model, parameters in product(prompts, app.models, app.parameters)
    )


def asking_model(loaded: LoadedApp, candidate: Candidate, model: str) -> Candidate:
    """Returns a candidate as another model would answer for it.

    Raises:
        ConfigurationError: it asks no model.
    """
    if candidate.model is None:
        raise ConfigurationError(
            f"app {candidate.app}: a target of kind {candidate.target.kind!r} asks no model of ours; "
            f"leave --base-url and --model out"
        )
    return candidate.model_copy(update={"model": model, "endpoint_model": endpoint_model(model, loaded.models[model])})


async def augmented(workspace: "Workspace", base: Candidate, move: Move) -> Candidate:
    """Returns the candidate that a move makes of another: its prompt, retrieval and few-shot examples.

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
    index = await build(workspace) if move.top_k else None
    retrieval = (
        RetrievalChoice(index=index.digest, top_k=move.top_k, embedding=_embedding(workspace)) if index else None
    )
    return Candidate.model_validate(
        {
            **base.model_dump(exclude={"prompt", "retrieval", "examples", "move", "parent"}),
            "prompt": _prompt(workspace, move.prompt) if move.prompt else base.prompt,
            "retrieval": retrieval,
            "examples": await _examples(workspace, index, move),
            "move": move.name,
            "parent": base.digest,
        }
    )


async def build(workspace: "Workspace") -> Index:
    """Builds the app's index, or finds the one that its documents, chunking and embedding model already have."""
    loaded = workspace.loaded
    retrieval = loaded.app.retrieval
    if retrieval is None:
        raise ConfigurationError(
            f"{loaded.folder / 'app.yaml'}: a move with `top_k` needs the key `retrieval`; name the documents there"
        )

    async def embedding(texts: Sequence[str]) -> "np.ndarray":
        return await embed(
            list(texts),
            loaded=loaded,
            model=retrieval.embedding_model,
            journal=workspace.journal,
            epoch=workspace.epoch,
            spend=workspace.spend,
        )

    documents = read_documents(loaded.path(retrieval.documents))
    identity = embedding_identity(loaded, retrieval.embedding_model)
    return await build_index(documents, retrieval, identity, embedding, workspace.indexes)


def _embedding(workspace: "Workspace") -> str | None:
    retrieval = workspace.loaded.app.retrieval
    return embedding_identity(workspace.loaded, retrieval.embedding_model) if retrieval else None


def _prompt(workspace: "Workspace", name: str) -> Prompt:
    prompts = {prompt.name: prompt for prompt in read_prompts(workspace.loaded)}
    if name not in prompts:
        raise ConfigurationError(
            f"{workspace.loaded.folder / 'app.yaml'}: a move of `augment` names the prompt {name!r}; "
            f"known are {', '.join(sorted(prompts))}"
        )
    return prompts[name]


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


def check_unaltered(loaded: LoadedApp, candidate: Candidate) -> None:
    """Refuses a candidate that would answer with something else than what it was made of.

    Raises:
        AlteredError: its model stands for another one, or the file of its code or answers is gone or has changed.
    """
    name, model = f"candidate {candidate.label}", candidate.model
    if model is not None and model in loaded.models:
        now = endpoint_model(model, loaded.models[model])
        if now != candidate.endpoint_model:
            raise AlteredError(
                f"{name}: model {model!r} stands for {now} now, not for {candidate.endpoint_model}; "
                f"restore the configuration, or run explore and evaluate what is there now"
            )
    if candidate.retrieval is not None and candidate.retrieval.embedding is not None:
        named = loaded.app.retrieval.embedding_model if loaded.app.retrieval else None
        now = embedding_identity(loaded, named) if named else "nothing"
        if now != candidate.retrieval.embedding:
            raise AlteredError(
                f"{name}: its index was made with {candidate.retrieval.embedding}, `retrieval.embedding_model` stands "
                f"for {now} now; restore the configuration, or run explore and augment again"
            )
    try:
        changed = candidate.code != _code(loaded, candidate.target)
    except ConfigurationError as error:
        raise AlteredError(f"{name}: {error}") from None
    if changed:
        raise AlteredError(f"{name}: its file has changed since it was made; restore it, or evaluate what is there now")


def _code(loaded: LoadedApp, target: Target) -> str | None:
    if target.kind == "python":
        return digest(loaded.path(target.callable.partition(":")[0]).read_text(encoding="utf-8"))
    if target.kind == "answers":
        return digest(loaded.path(target.path).read_bytes().hex())
    return None
