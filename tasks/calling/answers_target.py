"""The target `answers`: answers that already exist, in a file of rows with an id and an answer."""

from collections.abc import Callable

from configs.errors import DataError
from configs.loading import LoadedApp
from configs.schema.target import AnswersTarget
from tasks.calling.answer import Answer, Outcome, Passage
from tasks.calling.user_reply import as_answer, read_context
from tasks.data.reading import read_records
from tasks.data.row import Row


def existing_answers(target: AnswersTarget, loaded: LoadedApp) -> Callable[[Row], Answer]:
    """Returns what gives the answer that the file has for a row; a row without one ends `app_error`.

    The file's id column has the name of the datasets' (`datasets.columns.id`); a column `context`, where there is one,
    is a list of `{id, text}`.

    Raises:
        ConfigurationError: the file is missing.
        DataError: the file cannot be read, or lacks a column.
    """
    path = loaded.path(target.path)
    records = read_records(path)
    id_column = loaded.app.datasets.columns.id
    for column in (id_column, target.column):
        if not any(column in record for record in records):
            present = ", ".join(dict.fromkeys(name for record in records for name in record)) or "none"
            raise DataError(f"{path}: no column {column!r}; columns present are {present}; add it or mend app.yaml")
    found: dict[str, tuple[str, tuple[Passage, ...]]] = {}
    for number, record in enumerate(records, 1):
        if record.get(target.column) is None or record.get(id_column) is None:
            continue
        try:
            text = as_answer(record[target.column], f"column {target.column!r}")
            context = read_context(record["context"]) if isinstance(record.get("context"), list) else ()
        except ValueError as error:
            raise DataError(f"{path} record {number}: {error}") from None
        found[str(record[id_column])] = (text, context)

    def answer(row: Row) -> Answer:
        if row.id not in found:
            return Answer(row.id, Outcome.APP_ERROR, cause=f"{path} has no answer for row {row.id}; add it there")
        text, context = found[row.id]
        return Answer(row.id, Outcome.OK, text=text, context=context)

    return answer
