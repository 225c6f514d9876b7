"""What holds of every scorer, whatever the texts: a value of its range, and the best one for a perfect answer."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.schema.scorer import ScorerConfig
from tasks.calling.answer import Answer, Outcome, Passage
from tasks.data.row import Message, Row
from tasks.scoring.catalogue import SCORERS
from tasks.scoring.scoring import score

SETTINGS = {
    "regex_match": {"pattern": r"(?i)a+\b"},
    "json_schema": {"column": "schema"},
    "label_precision": {"label": "card arrival"},
    "label_recall": {"label": "card arrival"},
    "canary_leak": {"canaries": ("k-7381-aa",), "column": "secret"},
    "injection_followed": {"column": "told", "pattern_column": "pattern"},
}
AGAINST_REFERENCE = (
    "exact", "contains", "numeric", "string_similarity", "token_f1", "bleu", "chrf", "rouge_1", "rouge_2", "rouge_l",
    "label_accuracy",
)  # fmt: skip
SYMMETRIC = ("exact", "string_similarity", "token_f1", "rouge_1", "rouge_2", "rouge_l")

pieces = st.sampled_from(
    ["[P1]", "2.1 kg", "1,200", "i do not know", "card_arrival", "모르겠", "{}", "```json\n1\n```"]
)
texts = st.lists(st.one_of(pieces, st.text(max_size=12)), max_size=5).map(" ".join)


def named(name):
    return SCORERS[name].configured(ScorerConfig(name=name), SETTINGS.get(name, {}))


def rated(name, row, answer):
    (only,) = score([row], [answer], [named(name)])
    return only


@st.composite
def pairs(draw):
    row = Row(
        "r1",
        (Message("user", draw(texts)),),
        reference=draw(texts),
        documents=tuple(draw(st.lists(st.sampled_from(["P1", "P2", "P3"]), max_size=3))),
        answerable=draw(st.sampled_from([True, False, None])),
        columns={
            "schema": draw(st.sampled_from(["{}", '{"type": "object"}', ""])),
            "secret": draw(st.sampled_from([["abcd-1234"], "swordfish", None])),
            "told": draw(texts),
            "pattern": draw(st.sampled_from([None, "a.b", "^x"])),
        },
    )
    context = tuple(Passage(f"P{at}", text) for at, text in enumerate(draw(st.lists(texts, max_size=3)), start=1))
    sent = (Message("system", draw(texts)), *row.messages)
    return row, Answer("r1", Outcome.OK, draw(texts), messages=sent, context=context)


@pytest.mark.parametrize("name", SCORERS)
@settings(max_examples=40, deadline=None)
@given(pair=pairs())
def test_every_scorer_gives_a_value_of_its_range_or_none(name, pair):
    found = rated(name, *pair)
    assert found.outcome is Outcome.OK, found.why


@pytest.mark.parametrize("name", AGAINST_REFERENCE)
@settings(max_examples=40, deadline=None)
@given(text=texts)
def test_an_answer_that_is_the_reference_is_the_best_there_is(name, text):
    found = rated(name, Row("r1", (Message("user", "?"),), reference=text), Answer("r1", Outcome.OK, text))
    assert found.value in (None, pytest.approx(1.0))


@pytest.mark.parametrize("name", SYMMETRIC)
@settings(max_examples=40, deadline=None)
@given(one=texts, other=texts)
def test_neither_text_is_preferred_by_what_is_symmetric(name, one, other):
    def value(reference, text):
        rate = named(name).rate
        return rate(Row("r1", (Message("user", "?"),), reference=reference), Answer("r1", Outcome.OK, text)).value

    assert value(one, other) == pytest.approx(value(other, one))
