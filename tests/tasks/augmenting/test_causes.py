"""The cause of a failure, by what was measured of the row."""

import pytest

from tasks.augmenting.causes import CAUSES, Measured, cause_of

ANSWERABLE = Measured(answerable=True, abstained=False, supported=True, shown=True, reference_passes=True)


@pytest.mark.parametrize(
    ("measured", "cause"),
    [
        ({"reference_passes": False, "with_answer": True}, "scorer"),
        ({"abstained": True}, "refusal"),
        ({"answerable": False, "supported": False, "shown": False}, "refusal"),
        ({"shown": False, "with_documents": True, "with_answer": True}, "retrieval"),
        ({"shown": False}, "retrieval"),
        ({"shown": False, "with_documents": False, "with_answer": True}, "context"),
        ({"shown": False, "with_documents": False, "with_answer": False}, "format"),
        ({"shown": False, "with_documents": False, "without": True}, "retrieval"),
        ({"with_answer": True, "without": False}, "context"),
        ({"with_answer": False, "without": False}, "format"),
        ({"with_answer": False, "without": True}, "context"),
        ({"supported": False, "shown": False, "with_answer": True}, "knowledge"),
        ({"supported": False, "shown": False, "with_answer": False}, "format"),
    ],
)
def test_a_cause_follows_from_what_was_measured(measured, cause):
    assert cause_of(ANSWERABLE._replace(**measured)) == cause
    assert CAUSES[cause]
