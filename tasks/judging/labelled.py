"""Labels and the answers that they are of, brought together."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from configs.errors import DataError
from tasks.calling.answer import Answer
from tasks.data.row import Row
from tasks.identity import digest
from tasks.judging.answered import Answered
from tasks.judging.judge import Judge
from tasks.judging.labels import Label

LEAST = 20
"""Labels that a calibration needs: of fewer, kappa's interval is as wide as the scale."""


class Labelled(NamedTuple):
    """An answer with a person's label.

    Attributes:
        row_id: of the row that was answered.
        row: with an id of this answer's own, as a row may have several.
        answer: what was labelled.
        label: on the judge's scale.
    """

    row_id: str
    row: Row
    answer: Answer
    label: int


class Found(NamedTuple):
    """What labels there are for a judge.

    Attributes:
        labelled: answers with a label, in a random order that is always the same.
        left_out: how many labels were not used, by the reason.
    """

    labelled: tuple[Labelled, ...]
    left_out: Mapping[str, int]

    def __str__(self) -> str:
        others = ", ".join(f"{count} {reason}" for reason, count in self.left_out.items())
        return f"{len(self.labelled)} labels of stored answers" + (f" (left out: {others})" if others else "")


def last_labels(judge: Judge, labels: Iterable[Label]) -> dict[tuple[str, str], Label]:
    """Returns the labels for a judge's metric by row and by digest of the answer; of each, the last one counts.

    Args:
        judge: whose scale the labels are on.
        labels: of any metric, the oldest first.

    Raises:
        DataError: a label is outside the judge's scale; names its place.
    """
    low, high = judge.criterion.low, judge.criterion.high
    found: dict[tuple[str, str], Label] = {}
    for label in labels:
        if label.metric != judge.name:
            continue
        if not low <= label.value <= high:
            raise DataError(
                f"{label.where}: label {label.value} of {judge.name} is outside its scale, {low} to {high}; mend it"
            )
        found[label.row_id, label.answer] = label
    return found


def find_labelled(judge: Judge, labels: Sequence[Label], answers: Iterable[Answered]) -> Found:
    """Returns the answers that people have labelled for a judge's metric.

    The last label of an answer counts. Left out are labels that were used to write the prompt, those of answers that
    are stored no more, and those of rows that the judge cannot rate.

    Args:
        judge: whose scale the labels are on.
        labels: of any metric, the oldest first.
        answers: those that are stored, the newest first.

    Raises:
        DataError: a label is outside the judge's scale; names its place.
    """
    wanted = last_labels(judge, labels)
    found: dict[tuple[str, str], Labelled] = {}
    left_out: Counter[str] = Counter()
    for each in answers:
        for key in ((each.row.id, each.digest), (each.row.id, "")):
            label_of = wanted.pop(key, None)
            if label_of is None:
                continue
            if label_of.tuning:
                left_out["used to tune the prompt"] += 1
            elif judge.lacking(each.row):
                left_out[judge.lacking(each.row)] += 1
            else:
                row = replace(each.row, id=f"{each.row.id} {each.digest}")
                labelled = Labelled(each.row.id, row, each.answer, label_of.value)
                found.setdefault((each.row.id, each.digest), labelled)
    if wanted:
        left_out["of answers that are not stored"] = len(wanted)
    shuffled = sorted(found.items(), key=lambda item: digest([judge.name, *item[0]]))
    return Found(tuple(each for _, each in shuffled), dict(left_out))
