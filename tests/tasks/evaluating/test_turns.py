"""Candidates of the embedded model take turns; those of an endpoint are asked together."""

from types import SimpleNamespace

import pytest

from configs.schema.model import EmbeddedModel, OpenAIModel
from tasks.evaluating.evaluate import _take_turns

EMBEDDED = EmbeddedModel(kind="embedded", task="chat")
ELSEWHERE = OpenAIModel(kind="openai", base_url="http://127.0.0.1:1/v1", model="large")
MODELS = {"small": EMBEDDED, "also small": EMBEDDED, "large": ELSEWHERE}


@pytest.mark.parametrize(
    ("asked", "turns"),
    [
        (("small", "small"), True),
        (("small", "also small"), True),
        (("small", "large"), False),
        (("large", "large"), False),
        (("small", None), False),
    ],
)
def test_only_what_shares_the_embedded_model_takes_turns(asked, turns):
    workspace = SimpleNamespace(loaded=SimpleNamespace(models=MODELS))
    assert _take_turns(workspace, [SimpleNamespace(model=name) for name in asked]) is turns
