"""The Responses API, as the openai SDK asks it and reads what comes."""

import json

import httpx
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.simulator.running import requests
from tasks.data.row import Message
from tasks.serving.protocol import ProtocolError, read_request
from tasks.serving.responses import ResponsesRequest

TOOL = {
    "type": "function",
    "name": "weather",
    "description": "Tells.",
    "parameters": {"type": "object"},
    "strict": True,
}
FORM = {"type": "json_schema", "name": "answer", "schema": {"type": "object"}, "strict": True}


def read(**changes):
    return read_request(json.dumps({"model": "shop", "input": "방수인가요?"} | changes).encode(), ResponsesRequest)


def test_a_text_and_instructions():
    assert read(instructions="Be short.").messages == (Message("system", "Be short."), Message("user", "방수인가요?"))


@pytest.mark.parametrize("field", ["user", "safety_identifier"])
def test_whoever_asks_can_be_named(field):
    assert read(**{field: "u1"}).person == "u1"


def test_turns_in_every_form_the_api_has():
    items = [
        {"role": "developer", "content": "Be short."},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "A tent?"}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Which?"}]},
        {"role": "user", "content": "가격은요?"},
        {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{}"},
        {"type": "function_call", "call_id": "c2", "name": "weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "31"},
        {"type": "function_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "32"}]},
    ]
    asked = read(input=items, tools=[TOOL], tool_choice={"type": "function", "name": "weather"})
    assert asked.messages == (
        Message("system", "Be short."),
        Message("user", "A tent?"),
        Message("assistant", "Which?"),
        Message("user", "가격은요?"),
    )
    called, *given = [turn._asdict() for turn in asked.passed.turns]
    assert [call["id"] for call in called["tool_calls"]] == ["c1", "c2"]
    assert [(turn["tool_call_id"], turn["content"]) for turn in given] == [("c1", "31"), ("c2", "32")]
    function = {key: value for key, value in TOOL.items() if key != "type"}
    assert asked.passed.fields["tools"] == [{"type": "function", "function": function}]
    assert asked.passed.fields["tool_choice"] == {"type": "function", "function": {"name": "weather"}}


@pytest.mark.parametrize(
    ("changes", "param", "message"),
    [
        ({"input": []}, "input", "at least 1 item"),
        ({"input": None}, "input", "a text or a list"),
        ({"input": "  "}, "input", "must not be empty"),
        ({"input": [{"role": "robot", "content": "x"}]}, "input.0.role", "'system', 'developer', 'user'"),
        ({"input": [{"type": "reasoning"}]}, "input.0", "an item of type message, function_call"),
        ({"input": [{"type": ["message"], "role": "user"}]}, "input.0", "an item of type message, function_call"),
        ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, "input.0.content", "only parts of text"),
        ({"previous_response_id": "resp_1"}, "previous_response_id", "no conversation is kept here"),
        ({"conversation": {"id": "c"}}, "conversation", "no conversation is kept here"),
        ({"background": True}, "background", "waited for"),
        ({"instructions": ["x"]}, "instructions", "valid string"),
        ({"tools": [{"type": "web_search"}]}, "tools", "only tools of type `function`"),
        ({"model": None}, "model", "valid string"),
    ],
)
def test_what_cannot_be_meant_names_its_key(changes, param, message):
    with pytest.raises(ProtocolError) as caught:
        read(**changes)
    error = caught.value.body["error"]
    assert (caught.value.status, error["param"]) == (400, param)
    assert message in error["message"] and "\n" not in error["message"]


@given(
    st.binary(max_size=200)
    | st.dictionaries(st.text(max_size=9), st.text(max_size=9)).map(lambda d: json.dumps(d).encode())
)
def test_no_body_whatever_gives_anything_but_a_request_or_a_400(body):
    try:
        read_request(body, ResponsesRequest)
    except ProtocolError as error:
        assert error.status == 400


def test_a_whole_answer(open_shop):
    entry = open_shop.release("guide").entry
    raw = open_shop.client().responses.with_raw_response.create(
        model="shop", input="방수인가요?", instructions="Be short.", temperature=0.9
    )
    answer = raw.parse()
    assert (answer.output_text, answer.status, answer.model) == ("guide: 방수인가요?", "completed", "shop")
    assert answer.output[0].role == "assistant" and answer.instructions == "Be short."
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens > 0
    assert raw.headers["x-lifecycle-candidate"] == entry.candidate
    served = open_shop.served[-1]
    assert served.id == answer.id and served.id.startswith("resp_")
    assert served.answer.text == "guide: 방수인가요?"
    assert [message.role for message in served.answer.messages] == ["system", "user"]


def test_a_streamed_answer(open_shop):
    open_shop.release("guide")
    events = list(open_shop.client().responses.create(model="shop", input="one two three", stream=True))
    kinds = [event.type for event in events]
    assert kinds[:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert kinds[-4:] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(deltas) == events[-1].response.output_text == "guide: one two three" and len(deltas) > 3
    assert events[-1].response.usage.output_tokens > 0
    assert open_shop.served[-1].id == events[0].response.id


def test_the_sdk_puts_a_stream_together(open_shop):
    open_shop.release("guide")
    with open_shop.client().responses.stream(model="shop", input="hi") as stream:
        for _ in stream:
            pass
        assert stream.get_final_response().output_text == "guide: hi"


def test_an_answer_cut_by_its_bound_is_incomplete(open_shop):
    parameters = open_shop.loaded.app.parameters[0].model_copy(update={"max_tokens": 3})
    open_shop.release("guide", parameters=parameters)
    answer = open_shop.client().responses.create(model="shop", input="one two three four")
    assert (answer.status, answer.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    *_, last = open_shop.client().responses.create(model="shop", input="one two three four", stream=True)
    assert last.type == "response.incomplete"


@pytest.fixture
def passing_shop(make_shop, app_text):
    shop = make_shop(app_text + "serve: {passes: [tools, response_format]}\n")
    with shop.open():
        shop.release("guide")
        yield shop


def test_tools_and_a_form_go_on_and_a_call_comes_back(passing_shop, upstream):
    client = passing_shop.client()
    question = {"role": "user", "content": "the weather?"}
    answer = client.responses.create(model="shop", input=[question], tools=[TOOL], text={"format": FORM})
    [call] = answer.output
    assert (call.type, call.name, json.loads(call.arguments)) == (
        "function_call",
        "weather",
        {"text": "guide: the weather?"},
    )
    sent = requests(upstream)[-1]
    schema = {key: value for key, value in FORM.items() if key != "type"}
    assert sent["response_format"] == {"type": "json_schema", "json_schema": schema}
    given = {"type": "function_call_output", "call_id": call.call_id, "output": "31 도"}
    answer = client.responses.create(model="shop", input=[question, call, given], tools=[TOOL])
    assert answer.output_text == "31 도"


def test_a_streamed_call(passing_shop):
    events = list(passing_shop.client().responses.create(model="shop", input="weather", tools=[TOOL], stream=True))
    assert [event.type for event in events][2:] == [
        "response.output_item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.completed",
    ]
    [call] = events[-1].response.output
    assert call.name == "weather"


def test_tools_are_refused_as_in_a_chat(open_shop):
    open_shop.release("guide")
    with pytest.raises(openai.BadRequestError, match="tools: app shop passes none on"):
        open_shop.client().responses.create(model="shop", input="hi", tools=[TOOL])


def test_a_model_that_fails(open_shop):
    open_shop.release("guide")
    client = open_shop.client()
    with pytest.raises(openai.InternalServerError, match="could not answer: its model failed"):
        client.responses.create(model="shop", input="FAIL")
    *_, last = client.responses.create(model="shop", input="BREAK off in the middle of this", stream=True)
    assert last.type == "response.failed" and "could not answer" in last.response.error.message
    assert open_shop.served[-1].answer.outcome == "app_error"


def test_what_it_does_not_keep_is_one_line(open_shop):
    body = {"model": "shop", "input": "hi", "previous_response_id": "resp_1"}
    refused = httpx.post(f"http://127.0.0.1:{open_shop.port}/v1/responses", json=body)
    assert refused.status_code == 400
    assert refused.json()["error"]["message"].startswith("previous_response_id: no conversation is kept here")
