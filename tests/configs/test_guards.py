"""Guards are configured by kind, each once a side; what cannot be meant is refused."""

from typing import get_args

import pytest
from pydantic import ValidationError

from configs.loading import load_app
from configs.schema.guards import Guards, PiiKind
from tasks.scoring.pii import KINDS


def test_the_kinds_are_those_of_the_recognisers():
    assert get_args(PiiKind) == KINDS


def test_nothing_is_looked_for_where_nothing_is_named():
    assert Guards() == Guards(input=(), output=(), instead="I cannot answer that.")


@pytest.mark.parametrize(
    ("guards", "said"),
    [
        ({"input": [{"kind": "pii"}, {"kind": "pii", "action": "block"}]}, "`input` names the guard 'pii' twice"),
        ({"input": [{"kind": "leak"}]}, "leak"),
        ({"output": [{"kind": "injection"}]}, "injection"),
        ({"input": [{"kind": "pii", "kinds": ["NAME"]}]}, "NAME"),
        ({"output": [{"kind": "leak", "run": 2}]}, "greater than or equal to 4"),
        ({"input": [{"kind": "harm", "phrases": ["!"]}]}, "match pattern"),
    ],
)
def test_what_cannot_be_meant_is_refused(guards, said):
    with pytest.raises(ValidationError, match=said):
        Guards.model_validate(guards)


def test_a_leak_is_of_a_prompt():
    app = load_app("outfitter").app
    target = {"kind": "python", "callable": "shop.py:answer"}
    with pytest.raises(ValidationError, match="`leak` knows the system message of a target of kind `prompt` alone"):
        type(app).model_validate(app.model_dump() | {"target": target})
