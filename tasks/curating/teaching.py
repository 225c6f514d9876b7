"""Rows that a teacher writes from documents, each checked against what it was written from before it is kept."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from itertools import islice
from typing import Any, NamedTuple

from configs.errors import ConfigurationError, EndpointError
from configs.schema.app import Parameters
from configs.schema.curate import Synthetic
from configs.schema.dataset import Columns
from tasks.calling.answer import Answer, Outcome
from tasks.calling.asking import ask_target
from tasks.curating.item import SYNTHETIC, Item
from tasks.curating.lesson import LessonForm, UnreadableLessonError, Written, lesson_of, read_lesson
from tasks.curating.passing import UNREADABLE, fault_in
from tasks.data.row import Message, Row
from tasks.identity import digest
from tasks.judging.target import JudgeTarget, Repetition
from tasks.progress import bar
from tasks.retrieval.chunking import chunks_of
from tasks.retrieval.documents import Document
from tasks.scoring.asked import Means

SOURCE = "synthetic"
NOT_ASKED = "not asked: the budget is used up"


class Taught(NamedTuple):
    """What came of asking a teacher.

    Attributes:
        items: rows that stand on their documents.
        asked: parts of documents that it was asked about.
        written: rows that it wrote.
        rejected: why rows and replies were not kept, and how many.
        remark: one line about a teacher that is not up to it; "" where it is.
    """

    items: tuple[Item, ...] = ()
    asked: int = 0
    written: int = 0
    rejected: dict[str, int] = {}  # noqa: RUF012 never changed
    remark: str = ""


class _Part(NamedTuple):
    """A part of a document, and the document as far as the parts beside it reach."""

    document: Document
    text: str
    nearby: Document


async def teach(
    documents: Sequence[Document], wanted: Synthetic, columns: Columns, means: Means, phrases: tuple[str, ...]
) -> Taught:
    """Asks the teacher about documents, through the journal and within the budget.

    Args:
        documents: of which rows may be made.
        wanted: who is asked, and how much.
        columns: roles of the app's columns; the rows have them.
        means: what asking takes.
        phrases: by which an abstention is recognised.

    Raises:
        ConfigurationError: the app has no chat model of that name, or the model has no price.
        EndpointError: the teacher answered nothing at all.
    """
    check_teacher(wanted, means)
    parts = list(islice(_parts(documents, wanted.passage_words), wanted.passages))
    if not parts:
        return Taught(remark=f"teacher {wanted.teacher}: no document is left to ask about; all belong to other splits")
    answers = await _asked(parts, wanted, means)
    if all(answer.outcome is Outcome.APP_ERROR for answer in answers):
        raise EndpointError(f"teacher {wanted.teacher} answered nothing: {answers[0].cause}")
    rejected: Counter[str] = Counter()
    items: dict[str, Item] = {}
    written = 0
    for part, answer in zip(parts, answers, strict=True):
        if answer.outcome is not Outcome.OK:
            rejected[NOT_ASKED if answer.outcome is Outcome.SKIPPED else "no reply"] += 1
            continue
        try:
            rows = read_lesson(answer.text)
        except UnreadableLessonError:
            rejected[UNREADABLE] += 1
            continue
        written += len(rows)
        for row in rows:
            # More than the part: a passage may run over the end of one. Not all of it, which may be tens of megabytes.
            if fault := fault_in(row, part.nearby, wanted.support, phrases):
                rejected[fault] += 1
            else:
                item = _item(row, part.document, wanted, columns)
                items.setdefault(item.row.id, item)
    remark = _remark(wanted, items, rejected)
    return Taught(tuple(items.values()), len(parts), written, dict(rejected.most_common()), remark)


def check_teacher(wanted: Synthetic, means: Means) -> None:
    """Refuses a teacher that is no chat model of the app's.

    Raises:
        ConfigurationError: names those there are.
    """
    model = means.loaded.models.get(wanted.teacher)
    if model is None or model.task != "chat":
        known = ", ".join(sorted(name for name, each in means.loaded.models.items() if each.task == "chat"))
        raise ConfigurationError(
            f"{means.loaded.folder / 'app.yaml'}: key `curate.synthetic.teacher`: {wanted.teacher!r} is no chat model; "
            f"known are {known or 'none'}"
        )


def _parts(documents: Sequence[Document], words: int) -> Iterator[_Part]:
    for document in documents:
        texts = chunks_of(document.text, words)
        starts, at = [], 0
        for text in texts:
            starts.append(document.text.index(text, at))
            at = starts[-1] + len(text)
        ends = [start + len(text) for start, text in zip(starts, texts, strict=True)]
        for place, text in enumerate(texts):
            nearby = document.text[starts[max(0, place - 1)] : ends[min(place + 1, len(texts) - 1)]]
            yield _Part(document, text, document._replace(text=nearby))


async def _asked(parts: Sequence[_Part], wanted: Synthetic, means: Means) -> list[Answer]:
    rows = [Row(f"{part.document.id}:{at}", (Message("user", part.text),)) for at, part in enumerate(parts)]
    titles = {row.id: part.document.title for row, part in zip(rows, parts, strict=True)}
    parameters = Parameters(
        name="teacher", temperature=wanted.temperature, max_tokens=wanted.max_tokens, top_p=None, seed=7
    )

    def messages_of(row: Row) -> tuple[Message, ...]:
        return lesson_of(titles[row.id], row.question, wanted.per_passage)

    told: dict[int, Answer] = {}
    with bar(f"taught · {wanted.teacher}", len(rows)) as shown:

        async def tell(position: int, _: Row, answer: Answer) -> None:
            told[position] = answer
            shown.advance()

        target = JudgeTarget(wanted.teacher, parameters, LessonForm(), messages_of, means, Repetition())
        async with aclosing(target):
            await ask_target(target, rows, tell, journal=means.journal, epoch=means.epoch, spend=means.spend)
    return [told[position] for position in range(len(rows))]


def _item(written: Written, document: Document, wanted: Synthetic, columns: Columns) -> Item:
    reference = f"{written.answer} [{document.id}]" if wanted.cite else written.answer
    messages = (Message("user", written.question),)
    name = f"{SOURCE}-{digest([document.id, written.question, reference])}"
    values: dict[str, Any] = {columns.id: name, "passage": written.passage, "written_by": wanted.teacher}
    if columns.question is not None:
        values[columns.question] = written.question
    elif columns.messages is not None:
        values[columns.messages] = [message._asdict() for message in messages]
    filled: dict[str | None, Any] = {
        columns.reference: reference,
        columns.documents: [document.id],
        columns.cluster: document.id,
        columns.answerable: True,
        **dict.fromkeys(columns.slices, SOURCE),
    }
    values |= {column: value for column, value in filled.items() if column is not None}
    row = Row(
        name,
        messages,
        reference,
        documents=(document.id,),
        cluster=document.id,
        answerable=True,
        slices=dict.fromkeys(columns.slices, SOURCE),
        columns=values,
    )
    # What it was written from is what it is about, whether or not the app's own rows say what they are about.
    return Item(row, SOURCE, SYNTHETIC, about=SOURCE, clustered=columns.cluster is not None)


def _remark(wanted: Synthetic, items: dict[str, Item], rejected: Counter[str]) -> str:
    if items:
        return ""
    why = ", ".join(f"{reason} {count}" for reason, count in rejected.most_common()) or "it wrote no rows"
    return (
        f"teacher {wanted.teacher} wrote no row that stands on its document ({why}); "
        f"name a more capable model as `curate.synthetic.teacher`, or leave it out"
    )
