"""People's labels of an evaluation's own answers, put beside its judges' scores."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from tasks.calling.answer import Outcome
from tasks.judging.judge import Judge
from tasks.judging.labelled import last_labels
from tasks.judging.labels import Label, answer_digest
from tasks.results.evaluation import Evaluation
from tasks.statistics.corrected import people_column


class People:
    """Finds the labels of one evaluation's answers; of the answers themselves nothing is kept.

    A label counts for the text that it was given to: one that names no text may be of another candidate's answer. One
    that was used to write the judge's prompt never counts.

    Args:
        judges: the app's.
        labels: of any metric, the oldest first.

    Attributes:
        used: labels that were found, by row and digest of the answer.

    Raises:
        DataError: a label is outside its judge's scale; names its place.
    """

    def __init__(self, judges: Iterable[Judge], labels: Sequence[Label]) -> None:
        self._wanted: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
        self._found: dict[str, dict[str, int]] = defaultdict(dict)
        for judge in judges:
            for key, label in last_labels(judge, labels).items():
                if label.answer and not label.tuning:
                    self._wanted[key][judge.name] = label.value
        self.used: set[tuple[str, str]] = set()
        self._rows = frozenset(row_id for row_id, _ in self._wanted)

    def take(self, row_id: str, answer: str) -> None:
        """Takes an answer of the evaluation, and keeps what people said of it."""
        if row_id not in self._rows:
            return
        key = row_id, answer_digest(answer)
        if key in self._wanted:
            self.used.add(key)
            for metric, value in self._wanted[key].items():
                self._found[metric][row_id] = value

    def take_stored(self, evaluation: Evaluation) -> None:
        """Takes the answers of an evaluation that is stored; only rows that somebody has labelled are kept."""
        if not self._rows:
            return
        for row in evaluation.whole_rows(self._rows):
            if row["outcome"] == Outcome.OK:
                self.take(row["row_id"], row["answer"])

    def beside(self, evaluation: Evaluation) -> Evaluation:
        """Returns the evaluation with a column of labels for each metric that people have labelled answers for."""
        ids = evaluation.rows["row_id"]
        columns = {
            people_column(metric): [float(labels.get(row_id, math.nan)) for row_id in ids]
            for metric, labels in self._found.items()
        }
        return replace(evaluation, scores=evaluation.scores.assign(**columns)) if columns else evaluation
