"""Answers that are stored: what people label, and what their labels are of."""

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from tasks.calling.answer import Answer, Outcome, Passage
from tasks.data.row import Message, Row
from tasks.judging.labels import answer_digest

if TYPE_CHECKING:
    from tasks.data.row import Dataset
    from tasks.results.store import Store


class Answered(NamedTuple):
    """A row, and what was answered to it."""

    row: Row
    answer: Answer

    @property
    def digest(self) -> str:
        """Names the answer."""
        return answer_digest(self.answer.text)


def stored_answers(
    store: "Store", datasets: "Mapping[Any, Dataset]", ids: Collection[str] | None = None
) -> Iterator[Answered]:
    """Yields the answers of all evaluations of the app's present datasets, those of the newest evaluation first.

    Args:
        store: the app's results.
        datasets: the app's, by split.
        ids: only answers to these rows; to all where not given.
    """
    for stored in store.list():
        dataset = datasets.get(stored.split)
        evaluation = store.load(stored.id) if dataset and dataset.digest == stored.dataset else None
        if dataset is None or evaluation is None:
            continue
        rows = {row.id: row for row in dataset.rows if ids is None or row.id in ids}
        for record in evaluation.whole_rows(rows.keys()):
            if record["outcome"] == Outcome.OK:
                yield Answered(rows[record["row_id"]], _answer(record))


def _answer(record: Mapping[str, Any]) -> Answer:
    return Answer(
        record["row_id"],
        Outcome.OK,
        text=record["answer"],
        messages=tuple(Message(**message) for message in record["messages"]),
        context=tuple(Passage(**passage) for passage in record["context"]),
    )
