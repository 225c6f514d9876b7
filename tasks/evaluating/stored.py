"""An evaluation that is stored already, in the place of one under way."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from tasks.data.row import Row
from tasks.judging.people import People
from tasks.results.evaluation import Evaluation
from tasks.statistics.corrected import with_people

if TYPE_CHECKING:
    from tasks.workspace import Workspace


class Stored:
    """An evaluation that was finished before: rows are taken from it instead of being asked."""

    def __init__(self, evaluation: Evaluation, workspace: "Workspace", people: People) -> None:
        people.take_stored(evaluation)
        self._evaluation = with_people(people.beside(evaluation), workspace.metrics)
        self._asked: set[str] = set()

    async def ask(self, rows: Iterable[Row]) -> None:
        """Takes rows."""
        self._asked.update(row.id for row in rows)

    def so_far(self) -> Evaluation:
        """Returns the evaluation of the rows that were taken."""
        mask = self._evaluation.rows["row_id"].isin(self._asked)
        return replace(self._evaluation, rows=self._evaluation.rows[mask], scores=self._evaluation.scores[mask])

    async def finish(self) -> Evaluation:
        """Returns the whole evaluation."""
        return self._evaluation
