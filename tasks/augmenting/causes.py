"""Why a row failed, by what was measured of it: pure rules, no guess."""

from typing import Literal, NamedTuple

Cause = Literal["retrieval", "context", "format", "knowledge", "refusal", "scorer"]
"""`retrieval`: no document that holds the answer was put before the model. `context`: one was, and was not used.
`format`: not even the answer itself, put before the model, comes out as it is wanted. `knowledge`: no document is
known to hold the answer, and the model does not know it. `refusal`: it refuses what it could answer, or answers what it
must not. `scorer`: the reference itself would not be scored as right, so no answer can be."""

CAUSES: dict[Cause, str] = {
    "retrieval": "no document that holds the answer was put before the model",
    "context": "the right document was put before the model, and not used",
    "format": "even with the answer before it, the model does not give it in the wanted form",
    "knowledge": "no document is known to hold the answer, and the model does not know it",
    "refusal": "the model refuses what it could answer, or answers what it must not",
    "scorer": "the reference itself fails: no answer could be right",
}
"""What each cause means, in words."""


class Measured(NamedTuple):
    """What was measured of a row that failed a metric.

    Attributes:
        answerable: whether the documents hold the answer; None where the dataset does not say.
        abstained: whether the answer says that it does not know, or refuses.
        supported: whether the row names documents that hold its answer.
        shown: whether one of those was put before the model.
        reference_passes: whether the reference itself passes the metric; None where that cannot be said.
        with_documents: whether the answer passes once those documents are put before the model (oracle context); None
            where that was not asked.
        with_answer: whether it passes once the reference is (oracle answer); None where that was not asked.
        without: whether it passes with nothing before the model (ablation); None where that was not asked.
    """

    answerable: bool | None
    abstained: bool
    supported: bool
    shown: bool
    reference_passes: bool | None = None
    with_documents: bool | None = None
    with_answer: bool | None = None
    without: bool | None = None


def cause_of(row: Measured) -> Cause:
    """Returns the likely cause of a row's failure.

    The oracles tell apart what looks alike: an answer that is right as soon as the right documents are there failed by
    retrieval; one that is right only with the answer itself there, by reading; one that is not even then, by form.
    """
    if row.reference_passes is False:
        return "scorer"
    if row.answerable is not False and row.supported and not row.shown and row.with_documents is not False:
        return "retrieval"
    if row.answerable is False or row.abstained:
        return "refusal"
    if row.without:  # what was put before the model led it astray
        return "context" if row.shown else "retrieval"
    if row.with_answer is False:
        return "format"
    return "context" if row.supported else "knowledge"
