import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.schema.dataset import Columns
from tasks.curating.redacting import redact_item, redacted

PERSONAL = {
    "EMAIL_ADDRESS": "jane.doe@example.com",
    "PHONE_NUMBER": "+1 212 555 0187",
    "CREDIT_CARD": "4111 1111 1111 1111",
    "IBAN_CODE": "DE89 3704 0044 0532 0130 00",
    "IP_ADDRESS": "203.0.113.77",
}


@pytest.mark.parametrize(("kind", "value"), PERSONAL.items())
def test_each_kind_is_replaced_by_its_name(kind, value):
    made = redacted(f"Please use {value} from now on.")
    assert made.text == f"Please use <{kind}> from now on."
    assert made.found == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("jane@example.com으로 보내 주세요", "<EMAIL_ADDRESS>으로 보내 주세요"),
        ("Écrivez à jane@example.com, s’il vous plaît", "Écrivez à <EMAIL_ADDRESS>, s’il vous plaît"),
        ("mail ｊａｎｅ@example.com now", "mail <EMAIL_ADDRESS> now"),
        (
            "The Larkspur 2 weighs 1.9 kg [P01]: 44 x 14 cm, $289.",
            "The Larkspur 2 weighs 1.9 kg [P01]: 44 x 14 cm, $289.",
        ),
    ],
)
def test_the_rest_is_left_as_it_is(text, expected):
    assert redacted(text).text == expected


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([*PERSONAL.values(), "방수인가요", "and", "é", "or 12"]), max_size=6))
def test_redacting_again_finds_nothing(parts):
    once = redacted("; ".join(parts)).text
    assert redacted(once) == (once, 0)
    assert not [value for value in PERSONAL.values() if value in once]


def test_nothing_of_a_row_leads_back_to_a_person(item):
    person = PERSONAL["EMAIL_ADDRESS"]
    row = item(
        person,
        f"I am {person}. Where is my card?",
        f"Sent to {person}.",
        columns={"user": person, "notes": ["call", {"who": person}], "phone": 12125550187, "kind": "card"},
        about=person,
    )
    made = redact_item(row, Columns(reference="reference", user="user"))
    told = json.dumps([made.item.row.columns, made.item.row.id, made.item.row.cluster, repr(made.item)])
    assert person not in told
    assert "12125550187" not in told
    assert "user" not in made.item.row.columns
    assert made.item.row.columns["notes"] == ["call", {"who": "<EMAIL_ADDRESS>"}]
    assert made.item.row.columns["kind"] == "card"
    assert made.item.row.columns["id"] == made.item.row.id == made.item.row.cluster
    assert made.found >= 4


@pytest.mark.parametrize(("value", "told"), [(12125550187.0, "<PHONE_NUMBER>"), (0.5, 0.5), (300000000.5, 300000000.5)])
def test_a_number_of_a_column_with_gaps_is_read_as_the_integer_that_it_was(item, value, told):
    made = redact_item(item("p1", "Who called?", columns={"phone": value, "none": float("inf")}), Columns())
    assert made.item.row.columns["phone"] == told
    assert made.item.row.columns["none"] == float("inf")
