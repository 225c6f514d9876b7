"""Reading a judge's reply: what was asked for, or an instrument that failed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.judging.reply import ReplyForm, UnreadableReplyError, read_reply, score_form

FORM = score_form(1, 5)
WINNER = ReplyForm("winner", ("first", "second", "tie"), "`first`, `second` or `tie`")


@given(score=st.integers(1, 5), reason=st.text())
def test_what_was_asked_for_is_read_whatever_the_reason_holds(score, reason):
    text = json.dumps({"reason": reason, "score": score}, ensure_ascii=False)
    assert read_reply(text, FORM) == (score, " ".join(reason.split()))
    assert read_reply(f"```json\n{text}\n```\n", FORM).choice == score


def test_a_whole_number_may_be_written_with_a_point_and_keys_in_any_order():
    assert read_reply('{"score": 4.0, "reason": "r"}', FORM) == (4, "r")
    assert read_reply(' {"reason": "r", "winner": "tie"} ', WINNER) == ("tie", "r")


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("The answer is good, 4 out of 5.", "no JSON object"),
        ('{"reason": "It is go', "no JSON object"),
        ("", "no JSON object"),
        ('Sure! {"reason": "r", "score": 4}', "no JSON object"),
        ('{"reason": "r", "score": 4} {"reason": "r", "score": 1}', "no JSON object"),
        ('{"reason": "r", "score": 4, "score": 5}', "no JSON object"),
        ("4", "exactly reason and score"),
        ('[{"reason": "r", "score": 4}]', "exactly reason and score"),
        ('{"score": 4}', "exactly reason and score"),
        ('{"reason": "r", "score": 4, "sure": true}', "exactly reason and score"),
        ('{"reason": 4, "score": 4}', "reason is no text"),
        ('{"reason": "r", "score": 6}', "score is '6', not a whole number from 1 to 5"),
        ('{"reason": "r", "score": 0}', "score is '0'"),
        ('{"reason": "r", "score": 4.5}', "score is '4.5'"),
        ('{"reason": "r", "score": "4"}', "score is"),
        ('{"reason": "r", "score": true}', "score is 'true'"),
        ('{"reason": "r", "score": NaN}', "score is 'NaN'"),
        ('{"reason": "r", "score": [4]}', "score is"),
    ],
)
def test_anything_else_is_an_instrument_that_failed(text, cause):
    with pytest.raises(UnreadableReplyError, match=cause) as raised:
        read_reply(text, FORM)
    assert "\n" not in str(raised.value)


@given(st.text())
def test_no_text_makes_it_raise_anything_else(text):
    try:
        read_reply(text, FORM)
    except UnreadableReplyError as error:
        assert len(str(error)) < 400


def test_the_form_is_asked_for_as_a_schema_that_has_the_reason_first():
    schema = FORM.response_format["json_schema"]["schema"]
    assert list(schema["properties"]) == ["reason", "score"]
    assert schema["properties"]["score"] == {"type": "integer", "enum": [1, 2, 3, 4, 5]}
    assert WINNER.response_format["json_schema"]["schema"]["properties"]["winner"]["type"] == "string"
