"""Training rows as examples: each with the messages that serving would send for it, retrieved passages included."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from tasks.augmenting.recipe import augmented
from tasks.calling.preparing import Preparer
from tasks.candidate import Candidate
from tasks.curating.versions import REVIEWED
from tasks.harvesting.reviewed import reviewed_training_rows
from tasks.identity import digest
from tasks.progress import bar
from tasks.retrieval.asking import finder_of
from tasks.retrieval.index import load_index
from tasks.tuning.distilling import UNASKED, distilled
from tasks.tuning.example import TrainingExample
from tasks.tuning.splitting import mixed
from tasks.tuning.tokens import check_count, check_examples

if TYPE_CHECKING:
    from configs.schema.augment import FineTune
    from configs.schema.finetune import Finetune
    from tasks.data.row import Row
    from tasks.workspace import Workspace


class Material(NamedTuple):
    """What weights are fitted to.

    Attributes:
        examples: in the file's order.
        data: digests, by name: of the rows' file, by its split, of the rows that people reviewed
            (`production-reviewed`), where there are some, of the index that their prompts' passages come from
            (`index`), and of the examples themselves (`examples`, or `distilled` where a teacher answered them).
        where: the rows' file, for messages.
    """

    examples: tuple[TrainingExample, ...]
    data: dict[str, str]
    where: str


async def training_material(
    workspace: "Workspace", base: Candidate, move: "FineTune", settings: "Finetune"
) -> Material:
    """Returns the app's training rows as a candidate would ask them that a move makes of another.

    Whatever the retriever finds stands in a prompt, right or wrong, or nothing where it finds nothing: what a model
    meets in its training is what it meets when it serves. Rows that are answered without asking the model are left out.
    The training rows of the version `production-reviewed` are among them, asked about the app's own documents; a
    teacher is not asked them.

    Args:
        workspace: the app.
        base: whose prompt is asked where the move names none.
        move: prompt, passages and few-shot examples.
        settings: the documents that the rows are about, where they are others, and the share of unanswerable rows.

    Raises:
        ConfigurationError: there are no training rows, or the move needs what the app does not have.
        DataError: rows or documents cannot be read, a prompt cannot be filled, or nothing can be learnt from the rows.
        CallFailure: a question could not be embedded.
    """
    split = settings.split
    dataset = workspace.dataset(split)
    asked = _about(workspace, settings.documents)
    candidate = await augmented(asked, base, move)
    index = {"index": candidate.retrieval.index} if candidate.retrieval else {}
    reviewed = reviewed_training_rows(workspace) if settings.distill is None else None
    every = (*dataset.rows, *(reviewed.rows if reviewed else ()))
    rows = mixed(every, settings.unanswerable, settings.seed)
    left_out = {"for the share that `finetune.unanswerable` asks for": len(every) - len(rows)}
    check_count(len(rows), dataset.path, left_out)
    if settings.distill is not None:
        taught = await distilled(asked, candidate, settings.distill, rows)
        examples, made, left_out = taught.examples, {"distilled": taught.digest}, left_out | taught.dropped
    else:
        of_people = frozenset(row.id for row in reviewed.rows) if reviewed else frozenset()
        examples = await _prepared(asked, candidate, [row for row in rows if row.id not in of_people])
        if reviewed:
            own = await augmented(workspace, base, move)
            examples += await _prepared(workspace, own, [row for row in rows if row.id in of_people])
            index[REVIEWED] = reviewed.digest
        made, left_out = {"examples": digest(examples)}, left_out | {UNASKED: len(rows) - len(examples)}
    check_examples(examples, dataset.path, left_out)
    return Material(examples, {split: dataset.digest, **index, **made}, dataset.path)


def _about(workspace: "Workspace", documents: str | None) -> "Workspace":
    """Returns the workspace of the same app about other documents."""
    retrieval = workspace.loaded.app.retrieval
    if documents is None or retrieval is None:
        return workspace
    app = workspace.loaded.app.model_copy(update={"retrieval": retrieval.model_copy(update={"documents": documents})})
    return replace(workspace, loaded=replace(workspace.loaded, app=app))


async def _prepared(workspace: "Workspace", candidate: Candidate, rows: "Sequence[Row]") -> tuple[TrainingExample, ...]:
    index = load_index(workspace.indexes, candidate.retrieval.index) if candidate.retrieval else None
    how = (workspace.loaded, workspace.epoch, workspace.journal, workspace.spend)
    preparer = Preparer(candidate, workspace.loaded, finder_of(candidate.retrieval, index, *how))
    examples = []
    with bar("training rows", len(rows)) as shown:
        for row in rows:
            prepared = await preparer.prepare(row)
            if prepared.answer is None:
                examples.append(TrainingExample(row.id, prepared.messages, row.reference.strip(), row.cluster))
            shown.advance()
    return tuple(examples)
