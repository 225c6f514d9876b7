"""Puts two evaluations of one candidate together, on data of two sizes."""

from dataclasses import replace

from tasks.identity import digest
from tasks.results.evaluation import Evaluation


def together(sample: Evaluation, full: Evaluation) -> Evaluation:
    """Returns an evaluation over the rows of both; row ids carry their split, so that equal ones stay apart.

    The column `stage` says which rows were drawn first.

    Its estimates are those of the larger one: whoever needs estimates over all rows makes them from the rows.
    """
    import pandas as pd

    def apart(evaluation: Evaluation, stage: int) -> "pd.DataFrame":
        return evaluation.rows.assign(
            row_id=evaluation.split + "/" + evaluation.rows["row_id"].astype(str), stage=stage
        )

    return replace(
        full,
        id=digest([sample.id, full.id]),
        rows=pd.concat([apart(sample, 0), apart(full, 1)], ignore_index=True),
        scores=pd.concat([sample.scores, full.scores], ignore_index=True),
        file=None,
    )
