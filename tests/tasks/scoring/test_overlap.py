import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.schema.scorer import ScorerConfig
from tasks.calling.answer import Answer, Outcome
from tasks.data.row import Message, Row
from tasks.scoring.overlap import contains, exact, token_f1
from tasks.scoring.scoring import score


@pytest.mark.parametrize(
    ("text", "reference", "value"),
    [
        ("the 2.1 KG!", "2.1 kg", 1),
        ("네, 방수입니다.", "네 방수입니다", 1),
        ("2.2 kg", "2.1 kg", 0),
        ("", "2.1 kg", 0),
    ],
)
def test_exact(row, answer, text, reference, value):
    assert exact(row(reference=reference), answer(text)).value == value


@pytest.mark.parametrize(
    ("text", "reference", "value"),
    [
        ("It weighs 2.1 kg", "The Ridgeline weighs 2.1 kg", 6 / 8),
        ("방수가 됩니다", "방수 됩니다", 2 * 5 / (6 + 5)),
        ("red red red", "red", 0.5),
        ("blue", "red", 0),
        ("", "red", 0),
        ("?", "!", 1),
    ],
)
def test_token_f1(row, answer, text, reference, value):
    assert token_f1(row(reference=reference), answer(text)).value == pytest.approx(value)


@given(st.text(), st.text(min_size=1))
def test_f1_is_a_share_and_symmetric(one, other):
    def f1(text, reference):
        return token_f1(Row("r", (Message("user", "q"),), reference), Answer("r", Outcome.OK, text)).value

    assert 0 <= f1(one, other) <= 1
    assert f1(one, other) == f1(other, one)
    assert f1(one, one) == 1


@pytest.mark.parametrize(
    ("text", "fact", "value"),
    [
        ("It weighs 2.1kg.", "2.1 kg", 1),
        ("It weighs 2.1 kg.", "1 kg", 0),
        ("It weighs 12.1 kg.", "2.1 kg", 0),
        ("그것은 방수가 됩니다.", "방수", 1),
        ("Blue and then red", ["red", "blue"], 1),
        ("Blue", ["red", "blue"], 0),
        ("It costs 1,200 dollars", 1200, 1),
    ],
)
def test_contains_looks_for_the_fact_token_by_token(row, answer, text, fact, value):
    assert contains.rate(row(columns={"fact": fact}), answer(text), column="fact").value == value


def test_contains_says_what_is_missing(row, answer):
    assert contains.rate(row(columns={"fact": ["red", "blue"]}), answer("blue"), column="fact").why == "missing: red"


@pytest.mark.parametrize("columns", [{}, {"fact": ""}, {"fact": None}, {"fact": []}])
@pytest.mark.parametrize("outcome", [Outcome.OK, Outcome.APP_ERROR])
def test_a_row_without_the_fact_is_not_rated(row, answer, columns, outcome):
    named = contains.configured(ScorerConfig(name="contains"), {"column": "fact"})
    (only,) = score([row(columns=columns, reference="red")], [answer("red", outcome=outcome)], [named])
    assert (only.value, only.outcome) == (None, Outcome.OK)


def test_contains_looks_for_the_reference_where_no_column_is_set(row, answer):
    assert contains(row(reference="2.1 kg"), answer("2.1 kg, it seems")).value == 1
