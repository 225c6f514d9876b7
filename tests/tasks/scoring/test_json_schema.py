import json

import pytest

from configs.errors import ConfigurationError
from configs.schema.scorer import ScorerConfig
from tasks.scoring.json_schema import json_in, json_schema
from tasks.scoring.scoring import score

SCHEMA = json.dumps(
    {"type": "object", "properties": {"stars": {"type": "integer", "maximum": 5}}, "required": ["stars"]}
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"stars": 4}', 1),
        ('```json\n{"stars": 4}\n```', 1),
        ('```\n{"stars": 4}\n```\n', 1),
        ('{"stars": 6}', 0),
        ('{"stars": "4"}', 0),
        ("{}", 0),
        ('Here: {"stars": 4}', 0),
        ('{"stars": NaN}', 0),
        ("[" * 100_000, 0),
        ("", 0),
    ],
    ids=lambda given: str(given)[:20],
)
def test_an_answer_is_json_of_that_shape(row, answer, text, value):
    assert json_schema.rate(row(), answer(text), schema_file=SCHEMA).value == value


def test_what_is_wrong_is_said(row, answer):
    assert json_schema.rate(row(), answer('{"stars": 6}'), schema_file=SCHEMA).why.startswith("$.stars: 6 is greater")


def test_a_row_may_hold_its_own_schema(row, answer):
    def value(schema):
        return json_schema.rate(row(columns={"schema": schema}), answer("3"), column="schema").value

    assert value({"type": "integer"}) == 1
    assert value('{"type": "string"}') == 0
    assert value(None) is None


@pytest.mark.parametrize(("schema", "said"), [("{", "the schema is no JSON"), ('{"type": "whole"}', "no JSON schema")])
def test_what_is_no_schema_is_refused(schema, said):
    with pytest.raises(ConfigurationError, match=said):
        json_schema.configured(ScorerConfig(name="shape"), {"schema_file": schema})


def test_a_schema_elsewhere_is_never_fetched(row, answer):
    elsewhere = json_schema.configured(
        ScorerConfig(name="shape"), {"schema_file": '{"$ref": "http://127.0.0.1:9/schema.json"}'}
    )
    (only,) = score([row()], [answer("{}")], [elsewhere])
    assert only.outcome == "scorer_error"
    assert "Unresolvable" in only.why


def test_json_is_read_alone_or_in_one_fence():
    assert json_in(" 1 ") == 1
    with pytest.raises(ValueError, match="Extra data"):
        json_in("```json\n1\n```\n```json\n2\n```")
