"""Requests are read as the OpenAI protocol has them; what cannot be meant is a 400 that names the key."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.data.row import Message
from tasks.serving.protocol import ChatRequest, ProtocolError, read_request

QUESTION = {"model": "shop", "messages": [{"role": "user", "content": "방수인가요?"}]}


def read(**changes):
    return read_request(json.dumps(QUESTION | changes).encode(), ChatRequest)


def test_a_conversation_in_every_form_the_protocol_has():
    messages = [
        {"role": "developer", "content": "Be short."},
        {"role": "user", "content": [{"type": "text", "text": "Is it "}, {"type": "text", "text": "waterproof?"}]},
        {"role": "assistant", "content": "Yes."},
        {"role": "user", "content": "가격은요?", "name": "min"},
    ]
    assert read(messages=messages).messages == (
        Message("system", "Be short."),
        Message("user", "Is it waterproof?"),
        Message("assistant", "Yes."),
        Message("user", "가격은요?"),
    )


def test_parameters_of_the_model_are_accepted_and_left_to_the_champion():
    asked = read(temperature=0.7, max_tokens=5, seed=1, user="x", stream=True, stream_options={"include_usage": True})
    assert asked.stream and asked.include_usage


def deep(levels):
    return [] if levels == 0 else [deep(levels - 1)]


@pytest.mark.parametrize(
    ("changes", "param", "message"),
    [
        ({"messages": []}, "messages", "at least 1 item"),
        ({"messages": "hello"}, "messages", "valid list"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages.0.role", "'system', 'developer', 'user'"),
        ({"messages": [{"role": "user"}]}, "messages.0.content", "valid string"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, "messages", "the last message must be the user's"),
        ({"messages": [{"role": "user", "content": " "}]}, "messages", "must not be empty"),
        ({"messages": [{"role": "user", "content": "\ud800"}]}, None, "surrogates not allowed"),
        ({"metadata": {"size": 2**64}}, None, "cannot be passed on: Integer exceeds 64-bit range"),
        ({"tools": deep(260)}, None, "cannot be passed on: Recursion limit reached"),
        ({"messages": [{"role": "user", "content": None}]}, "messages.0.content", "valid string"),
        ({"n": 2}, "n", "Input should be 1"),
        ({"tools": []}, "tools", "at least one tool"),
        ({"tools": [{"type": "function"}]}, "tools", "tool 0: `function` needs a `name`"),
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools", "needs a `name`"),
        ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "tools", "only tools of type `function`"),
        ({"tool_choice": "any"}, "tool_choice", "`none`, `auto`, `required`"),
        ({"response_format": {"type": "xml"}}, "response_format", "`type` is `text`, `json_object` or `json_schema`"),
        ({"response_format": {"type": "json_schema"}}, "response_format", "`json_schema` needs a `name`"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages", "there must be a message of the user's"),
        (
            {"messages": [*QUESTION["messages"], {"role": "tool", "content": "x"}]},
            "messages",
            "which call it answers: `tool_call_id`",
        ),
        (
            {"messages": [{"role": "assistant", "content": None, "tool_calls": [{"id": 1}]}, *QUESTION["messages"]]},
            "messages.0.tool_calls",
            "call 0: `id` must be a text",
        ),
        ({"model": None}, "model", "valid string"),
        ({"metadata": {"row_id": ["x"]}}, "metadata.row_id.str", "valid string"),
    ],
)
def test_what_cannot_be_meant_names_its_key(changes, param, message):
    with pytest.raises(ProtocolError) as caught:
        read(**changes)
    error = caught.value.body["error"]
    assert (caught.value.status, error["type"], error["param"]) == (400, "invalid_request_error", param)
    assert message in error["message"] and "\n" not in error["message"]


def test_an_image_is_refused():
    image = [{"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}]
    with pytest.raises(ProtocolError, match=r"messages.0.content: only parts of type `text` are answered"):
        read(messages=[{"role": "user", "content": image}])


@given(st.binary(max_size=200))
def test_no_body_whatever_gives_anything_but_a_request_or_a_400(body):
    try:
        read_request(body, ChatRequest)
    except ProtocolError as error:
        assert error.status == 400


def test_json_nested_beyond_reason_is_a_400():
    with pytest.raises(ProtocolError, match="not valid JSON"):
        read_request(b"[" * 100_000, ChatRequest)
