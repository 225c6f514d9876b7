"""Distilling: a teacher's answers that pass the app's own scorers become what a student is trained on."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from configs.errors import ConfigurationError, DataError
from configs.schema.distillation import Bound, Distillation
from tasks.calling.answer import Outcome
from tasks.candidate import Candidate
from tasks.candidates import asking_model
from tasks.data.chat_lines import chat_lines_of
from tasks.data.row import Dataset, Message, Row
from tasks.evaluating.evaluate import evaluate_candidate
from tasks.identity import digest
from tasks.progress import say
from tasks.results.frames import scores_of
from tasks.scoring.score import Score
from tasks.tuning.example import TrainingExample
from tasks.writing import write_whole

if TYPE_CHECKING:
    from tasks.workspace import Workspace

FOLDER = "distilled"
"""Beside the app's evaluations; two files a dataset: chat fine-tuning JSONL, and what it was made of."""


UNASKED = "answered by `otherwise`, without the model"
"""Why a row teaches nothing: its answer is nobody's, and no model is asked when it is served."""


class Distilled(NamedTuple):
    """What distilling came to.

    Attributes:
        examples: one of each answer that was kept, in the order of the rows.
        digest: names them and what they were made of.
        file: their lines, as OpenAI's chat fine-tuning JSONL; the file of the same name in `.json` says what they were
            made of, the terms included.
        dropped: how many rows were not kept, by the reason.
        price: US dollars that the teacher's answers cost when they were made.
    """

    examples: tuple[TrainingExample, ...]
    digest: str
    file: Path
    dropped: dict[str, int]
    price: float


async def distilled(
    workspace: "Workspace", student: Candidate, settings: Distillation, rows: Sequence[Row] | None = None
) -> Distilled:
    """Returns what a teacher's answers teach a student: what serving the student would send, and the teacher's answer.

    The teacher is asked as the student would be, with its prompt, retrieval and examples, through the journal: what was
    answered once is never asked again. Answers count as in every evaluation; only those within all bounds are kept, and
    of those none that was given without asking the teacher.

    Args:
        workspace: the app; `spend` caps the asking.
        student: whose model is to be trained; a prompt.
        settings: who teaches, which rows, under which terms, and what is kept.
        rows: those of the split that are asked; all where not given.

    Raises:
        ConfigurationError: the teacher, the split or a metric is not configured, or the rows are those that candidates
            are judged on.
        DataError: no answer was kept; says why. Or the disk is full.
        EndpointError: the teacher answered no row.
    """
    teacher = _teacher(workspace, student, settings)
    dataset = _rows(workspace, settings)
    _check_metrics(workspace, settings)
    evaluation = await evaluate_candidate(workspace, teacher, _part(dataset, rows))
    examples: list[TrainingExample] = []
    dropped, price = Counter[str](), 0.0
    for record in evaluation.whole_rows():
        price += record["price"] or 0.0
        reason = _against(record, settings.keep)
        if reason:
            dropped[reason] += 1
        else:
            examples.append(_example(record))
    counted = dict(dropped.most_common())
    said = ", ".join(f"{count} {reason}" for reason, count in counted.items()) or "none"
    say(f"distilled: {len(examples)} of {len(evaluation.rows)} answers of {settings.teacher} kept; left out: {said}")
    if not examples:
        raise DataError(
            f"app {workspace.name}: none of {len(evaluation.rows)} answers of {settings.teacher} was kept ({said}); "
            f"loosen `keep`, or take a better teacher"
        )
    about = {
        "teacher": {"model": settings.teacher, "endpoint_model": teacher.endpoint_model, "candidate": teacher.digest},
        "terms": settings.terms,
        "dataset": {"split": dataset.split, "digest": dataset.digest},
        "evaluation": evaluation.id,
        "kept": [str(bound) for bound in settings.keep],
        "dropped": counted,
        "price": price,
        "rows": [{"row_id": each.row_id, "cluster": each.cluster} for each in examples],
    }
    return _written(workspace, tuple(examples), about, counted, price)


def _teacher(workspace: "Workspace", student: Candidate, settings: Distillation) -> Candidate:
    model = workspace.loaded.models.get(settings.teacher)
    if model is None or model.task != "chat" or student.prompt is None:
        raise ConfigurationError(
            f"app {workspace.name}: {settings.teacher!r} cannot teach {student.label}: a chat model of models.yaml "
            f"teaches what a prompt asks; define it there, or mend `teacher`"
        )
    asked = asking_model(workspace.loaded, student, settings.teacher)
    return asked.model_copy(update={"adapter": None, "move": None, "parent": student.digest})


def _rows(workspace: "Workspace", settings: Distillation) -> Dataset:
    dataset = workspace.dataset(settings.split)
    for split in ("sample", "full"):
        if workspace.datasets[split].digest == dataset.digest:
            raise ConfigurationError(
                f"app {workspace.name}: the rows of `{settings.split}` are those of `{split}`, which candidates are "
                f"judged on; distil other rows"
            )
    return dataset


def _part(dataset: Dataset, rows: Sequence[Row] | None) -> Dataset:
    """Returns so much of a dataset; a part of it is a dataset of another digest."""
    if rows is None or len(rows) == len(dataset.rows):
        return dataset
    return replace(dataset, rows=tuple(rows), digest=digest([dataset.digest, [row.id for row in rows]]))


def _check_metrics(workspace: "Workspace", settings: Distillation) -> None:
    known = sorted(name for name, metric in workspace.metrics.items() if metric.of_rows)
    for bound in settings.keep:
        if bound.metric not in known:
            raise ConfigurationError(
                f"app {workspace.name}: `keep` names the metric {bound.metric!r}, which no answer has a score of; "
                f"known are {', '.join(known)}"
            )


def _against(record: dict[str, Any], bounds: tuple[Bound, ...]) -> str:
    """Returns what speaks against an answer, "" where nothing does."""
    if record["outcome"] != Outcome.OK:
        return f"not answered ({record['outcome']})"
    if not record["attempts"]:
        return UNASKED
    if not record["answer"].strip():
        return "empty"
    scores = scores_of(record)
    applied = 0
    for bound in bounds:
        score: Score | None = scores.get(bound.metric)
        if score is None:
            continue
        if score.value is None:
            return f"not scored ({bound.metric})"
        if not bound.holds(score.value):
            return str(bound)
        applied += 1
    return "" if applied else "no bound applies"


def _example(record: dict[str, Any]) -> TrainingExample:
    messages = tuple(Message(message["role"], message["content"]) for message in record["messages"])
    return TrainingExample(record["row_id"], messages, record["answer"], record["cluster"])


def _written(
    workspace: "Workspace",
    examples: tuple[TrainingExample, ...],
    about: dict[str, Any],
    dropped: dict[str, int],
    price: float,
) -> Distilled:
    lines = chat_lines_of(examples)
    name = digest([about, lines.decode()])
    file = workspace.store.folder / FOLDER / f"{name}.jsonl"
    write_whole(file, lines)
    write_whole(file.with_suffix(".json"), json.dumps({"digest": name, **about}, ensure_ascii=False, indent=1).encode())
    return Distilled(examples, name, file, dropped, price)
