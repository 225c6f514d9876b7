"""Puts two evaluations of one candidate together, on data of two sizes."""

from dataclasses import replace

from tasks.identity import digest
from tasks.results.evaluation import Evaluation


def together(sample: Evaluation, full: Evaluation) -> Evaluation:
    """Returns an evaluation over the rows of both; row ids carry their split, so that equal ids stay apart.

    Its estimates are those of the larger one: whoever needs estimates over all rows makes them from the rows.
    """
    import pandas as pd

    def apart(evaluation: Evaluation, frame: "pd.DataFrame") -> "pd.DataFrame":
        return frame.assign(row_id=evaluation.split + "/" + frame["row_id"].astype(str))

    return replace(
        full,
        id=digest([sample.id, full.id]),
        rows=pd.concat([apart(sample, sample.rows), apart(full, full.rows)], ignore_index=True),
        scores=pd.concat([apart(sample, sample.scores), apart(full, full.scores)], ignore_index=True),
    )
