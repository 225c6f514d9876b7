"""A row travels as a user's client would send it: its variables yes, its labels never."""

from tasks.candidate import Prompt, TemplateMessage
from tasks.data.row import Message, Row
from tasks.serving.asking import request_of

ROW = Row(
    id="r1",
    messages=(Message("user", "방수인가요?"),),
    reference="yes",
    columns={"id": "r1", "question": "방수인가요?", "reference": "yes", "size": 2, "fact": "3,000 mm", "tags": ["a"]},
)


def test_a_prompt_is_sent_the_variables_that_it_needs(shop):
    template = TemplateMessage(role="user", template="{{ question }} {{ size }} {{ documents }}")
    made, _ = shop.candidate("sized", prompt=Prompt(name="sized", messages=(template,)))
    assert request_of(ROW, made, shop.loaded.app.datasets.columns) == {
        "model": "shop",
        "messages": [{"role": "user", "content": "방수인가요?"}],
        "metadata": {"row_id": "r1", "size": 2},
    }


def test_a_target_of_the_users_is_sent_every_plain_column_but_the_labels(shop):
    made, _ = shop.candidate("ours", prompt=None, model=None, endpoint_model=None, parameters=None)
    asked = request_of(ROW, made, shop.loaded.app.datasets.columns)
    assert asked["metadata"] == {"row_id": "r1", "size": 2, "fact": "3,000 mm"}
