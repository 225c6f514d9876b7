"""Tool calls are put together from whatever pieces an endpoint sends them in."""

import pytest

from tasks.calling.tool_calls import ToolCalls


def piece(index, identity=None, name=None, arguments=None):
    found = {"id": identity, "function": {"name": name, "arguments": arguments}}
    return found if index is None else {"index": index, **found}


@pytest.mark.parametrize(
    "pieces",
    [
        [
            [piece(0, "a", "weather", "")],
            [piece(0, arguments='{"x"')],
            [piece(0, arguments=": 1}")],
            [piece(1, "b", "s", "{}")],
        ],
        [[piece(0, "a", "weather", '{"x": 1}'), piece(1, "b", "s", "{}")]],
        [[piece(None, "a", "weather", '{"x": 1}'), piece(None, "b", "s", "{}")]],
        [[piece(0, "a", "weather", '{"x": 1}')], [piece(0, "b", "s", "{}")]],
        [[piece(None, "a", "weather", '{"x": 1}')], [piece(None, "b", "s", "{}")]],
    ],
    ids=["in pieces", "whole", "without an index", "all of the first index", "one by one without an index"],
)
def test_two_calls(pieces):
    calls = ToolCalls()
    for each in pieces:
        calls.take(each)
    assert [tuple(call) for call in calls.whole()] == [("a", "weather", '{"x": 1}'), ("b", "s", "{}")]


def test_a_call_without_an_id_is_given_one():
    calls = ToolCalls()
    calls.take([piece(0, None, "weather", "{}")])
    [call] = calls.whole()
    assert call.id.startswith("call_") and call.name == "weather"
