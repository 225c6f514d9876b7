"""What an evaluation announces, so that an automation goes on."""

import pytest

from pipelines.evaluate import _event_of
from tasks.orchestrating.events import GATES_PASSED, SAMPLE_NOT_FAILED


@pytest.mark.parametrize(
    ("gates", "event"),
    [
        ({"sample": "PASS"}, SAMPLE_NOT_FAILED),
        ({"sample": "INCONCLUSIVE"}, SAMPLE_NOT_FAILED),
        ({"sample": "FAIL"}, None),
        ({}, None),
        ({"sample": "PASS", "release": "PASS"}, GATES_PASSED),
        ({"sample": "INCONCLUSIVE", "release": "PASS"}, None),
        ({"sample": "PASS", "release": "FAIL"}, None),
        ({"sample": "not decided", "release": "PASS"}, None),
    ],
)
def test_only_what_both_gates_let_pass_is_ready_for_a_release(gates, event):
    assert _event_of(gates) == event
