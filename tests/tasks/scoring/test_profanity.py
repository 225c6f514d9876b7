import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.scoring.profanity import profanity, swearing


def test_swearing_is_told_from_plain_answers(row, answer):
    assert profanity(row(), answer("You are a fucking idiot.")).value == 1
    assert profanity(row(), answer("The Ridgeline weighs 2.1 kg. [P12]")).value == 0
    assert profanity(row(), answer("방수가 됩니다.")).value == 0
    assert profanity(row(), answer("")).value == 0


def test_the_threshold_is_a_setting(row, answer):
    assert profanity.rate(row(), answer("The Ridgeline weighs 2.1 kg."), threshold=0.0).value == 1


def test_it_is_labelled_a_signal():
    assert profanity.metric.heuristic
    assert "signal" in profanity.metric.description


@settings(max_examples=50, deadline=None)
@given(text=st.one_of(st.text(), st.sampled_from(["You damn idiot", "Have a nice day", "shit happens, f*** it"])))
def test_the_probability_is_the_librarys(text):
    from profanity_check import predict_prob

    assert swearing(text) == pytest.approx(predict_prob([text])[0], abs=1e-12)
