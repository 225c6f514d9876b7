"""Chat fine-tuning JSONL: what is wrong is said line by line, and what is written is right."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.errors import DataError
from tasks.data.chat_lines import chat_lines_of, check_chat_lines, write_chat_lines
from tasks.data.chat_tokens import training_price
from tasks.data.row import Message
from tasks.data.tokens import token_counter
from tasks.tuning.example import TrainingExample

SYSTEM, USER = {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Where is my card?"}
ANSWER = {"role": "assistant", "content": "card_arrival"}
GOOD = {"messages": [SYSTEM, USER, ANSWER]}
CALL = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": '{"id": 1}'}}
TOOL = {"type": "function", "function": {"name": "find", "parameters": {"type": "object", "properties": {}}}}
CALLING = {
    "messages": [
        USER,
        {"role": "assistant", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": "found"},
        ANSWER,
    ],
    "tools": [TOOL],
    "parallel_tool_calls": False,
}


@pytest.fixture
def write(tmp_path):
    """Writes lines, and enough good ones behind them."""

    def make(*lines, rest=10):
        texts = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines]
        path = tmp_path / "tune.jsonl"
        path.write_text("\n".join([*texts, *[json.dumps(GOOD)] * rest]) + "\n", encoding="utf-8")
        return path

    return make


def test_nothing_is_wrong_with_what_a_provider_takes(write):
    checked = check_chat_lines(write(GOOD, CALLING, {"messages": [USER, {**ANSWER, "weight": 0}, USER, ANSWER]}, ""))
    assert (checked.lines, checked.problems) == (13, ())
    assert checked.hints == {"no system message": 2}


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("{", "data_type", "not valid JSON at column 2: Expecting property name enclosed in double quotes; mend it"),
        ('{"messages": "\\ud83d"}', "data_type", "holds half a character"),
        ([], "data_type", "holds a list; write one object a line, with a list `messages`"),
        ({"messages": []}, "missing_messages_list", "has no list `messages`"),
        ({"prompt": "a", "messages": [USER, ANSWER]}, "unrecognized_key", "has a key `prompt`; leave it out"),
        ({"input": {}, "preferred_output": []}, "missing_messages_list", "is a line of preferences (DPO)"),
        ({"messages": ["hello", ANSWER]}, "data_type", "message 1 is a text; write an object"),
        ({"messages": [{"content": "a"}, ANSWER]}, "message_missing_key", "message 1 has no `role`; add it"),
        ({"messages": [USER, {"role": "assistant"}]}, "message_missing_key", "message 2 has no `content`; add it"),
        ({"messages": [{**USER, "id": 1}, ANSWER]}, "message_unrecognized_key", "message 1 has a key `id`"),
        ({"messages": [{**USER, "role": "human"}, ANSWER]}, "unrecognized_role", 'message 1 has the role "human"'),
        ({"messages": [USER, {**ANSWER, "content": ""}]}, "missing_content", "message 2 has nothing for `content`"),
        ({"messages": [USER, {**ANSWER, "content": [1]}]}, "missing_content", "message 2 has a list for `content`"),
        ({"messages": [USER]}, "example_missing_assistant_message", "has no message of role assistant"),
        ({"messages": [USER, {**ANSWER, "weight": 0}]}, "example_missing_assistant_message", "the weight 0"),
        ({"messages": [USER, {**ANSWER, "weight": 0.5}]}, "weight", "message 2 has the weight 0.5"),
        ({"messages": [{**USER, "weight": 1}, ANSWER]}, "weight", "only the assistant's have one"),
        ({"messages": [USER, ANSWER], "tools": [{"name": "find"}]}, "tools", "`tools` is not a list of"),
        ({"messages": [USER, ANSWER], "parallel_tool_calls": 1}, "tools", "neither true nor false"),
        ({"messages": [USER, {**ANSWER, "tool_calls": [{"id": "c"}]}]}, "tool_calls", "has a call that is not {id"),
        ({"messages": [USER, {**ANSWER, "function_call": {"name": "f"}}]}, "tool_calls", "is not {name, arguments}"),
        ({"messages": [{**USER, "tool_calls": [CALL]}, ANSWER]}, "tool_calls", "only the assistant calls"),
        (
            {"messages": [USER, {"role": "tool", "tool_call_id": "c9", "content": "x"}, ANSWER]},
            "tool_calls",
            'answers the call "c9", which no message before it makes',
        ),
    ],
)
def test_what_is_wrong_is_one_line_with_file_and_line_number(write, line, code, said):
    path = write(GOOD, line)
    (problem,) = check_chat_lines(path).problems
    assert (problem.line, problem.code) == (2, code)
    assert problem.text.startswith(f"{path} line 2: ")
    assert said in problem.text
    assert "\n" not in problem.text


def test_every_broken_line_is_found_and_not_only_the_first(write):
    broken = {"messages": [{"role": "human", "extra": 1}]}
    checked = check_chat_lines(write("{", GOOD, broken, rest=20))
    assert [(problem.line, problem.code) for problem in checked.problems] == [
        (1, "data_type"),
        (3, "message_missing_key"),
        (3, "message_unrecognized_key"),
        (3, "unrecognized_role"),
        (3, "example_missing_assistant_message"),
    ]
    assert len(checked.tokens.lines) == 21


def test_fewer_than_ten_examples_are_too_few(write):
    path = write(rest=9)
    assert [problem.text for problem in check_chat_lines(path).problems] == [
        f"{path}: has 9 examples, and a provider takes 10 at least; add some"
    ]


def test_a_file_that_cannot_be_read_is_one_line(tmp_path):
    with pytest.raises(DataError, match="does not exist; create it or mend the name"):
        check_chat_lines(tmp_path / "none.jsonl")
    (tmp_path / "latin.jsonl").write_bytes(b'{"messages": "\xe9"}\n')
    assert check_chat_lines(tmp_path / "latin.jsonl").problems[0].text.endswith("save the file as UTF-8")


def test_tokens_are_counted_by_line_and_a_line_may_have_too_many(write):
    count = token_counter()
    path = write(CALLING, rest=10)
    checked = check_chat_lines(path, most_tokens=60)
    a_line = sum(4 + count(message["role"]) + count(message["content"]) for message in GOOD["messages"])
    assert checked.tokens.lines[1:] == (a_line,) * 10
    assert checked.tokens.longest == checked.tokens.lines[0] > a_line
    assert checked.tokens.total == sum(checked.tokens.lines)
    answer = 4 + count("assistant") + count("card_arrival")
    call = 4 + count("assistant") + count(json.dumps([CALL]))
    assert checked.tokens.trained == 11 * answer + call
    (problem,) = checked.problems
    assert problem.text.startswith(f"{path} line 1: has {checked.tokens.longest} tokens, and the most is 60; shorten")


def test_every_token_costs_once_an_epoch():
    assert training_price(2_000_000, 3, 25.0) == 150.0


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
_MESSAGES = st.lists(
    st.builds(Message, st.sampled_from(["system", "user", "assistant"]), _TEXT), min_size=1, max_size=4
).map(tuple)


@given(st.lists(st.tuples(_MESSAGES, _TEXT), min_size=1, max_size=5))
@settings(max_examples=40, deadline=None)
def test_what_is_written_is_what_a_provider_takes(tmp_path_factory, made):
    examples = [
        TrainingExample(f"line-{at}", messages, answer, f"line-{at}") for at, (messages, answer) in enumerate(made, 1)
    ]
    path = tmp_path_factory.mktemp("round") / "tune.jsonl"
    write_chat_lines(examples, path)
    assert path.read_bytes() == chat_lines_of(examples)
    assert {problem.code for problem in check_chat_lines(path).problems} <= {"too_few_examples"}
