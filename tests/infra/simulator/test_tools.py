"""A simulated model calls the tools that are named in the question, and says what they gave."""

import json

import openai
import pytest

from infra.simulator.running import simulated

TOOLS = [{"type": "function", "function": {"name": name, "parameters": {}}} for name in ("weather", "stock")]


@pytest.fixture(scope="module")
def client():
    with simulated() as address:
        yield openai.OpenAI(base_url=address, api_key="any", max_retries=0)


def asked(client, text, **options):
    options = {"tools": TOOLS} | options
    return client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}], **options)


@pytest.mark.parametrize(
    ("options", "called"),
    [
        ({}, ["weather", "stock"]),
        ({"parallel_tool_calls": False}, ["weather"]),
        ({"tool_choice": {"type": "function", "function": {"name": "stock"}}}, ["stock"]),
    ],
)
def test_what_is_called(client, options, called):
    [choice] = asked(client, "the weather and the stock", **options).choices
    assert choice.finish_reason == "tool_calls" and choice.message.content is None
    assert [call.function.name for call in choice.message.tool_calls] == called
    assert json.loads(choice.message.tool_calls[0].function.arguments) == {"text": "the weather and the stock"}


def test_nothing_is_called_where_nothing_is_named_or_wanted(client):
    assert asked(client, "hello").choices[0].message.content == "hello"
    assert asked(client, "the weather", tool_choice="none").choices[0].message.content == "the weather"
    assert asked(client, "hello", tool_choice="required").choices[0].message.tool_calls[0].function.name == "weather"


def test_a_stream_tells_a_call_in_pieces(client):
    deltas = [chunk.choices[0].delta for chunk in asked(client, "weather", stream=True) if chunk.choices]
    pieces = [delta.tool_calls[0] for delta in deltas if delta.tool_calls]
    assert pieces[0].function.name == "weather" and pieces[0].id and len(pieces) > 3
    assert json.loads("".join(piece.function.arguments for piece in pieces)) == {"text": "weather"}
