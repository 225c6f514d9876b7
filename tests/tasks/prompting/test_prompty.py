"""Prompt files of both versions, as people have them."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from configs.errors import DataError
from tasks.prompting.prompty import read_prompty

DATA = Path(__file__).parents[3].parent / "shared" / "data"
V1 = """---
name: Refund helper
model:
  api: chat
  configuration: {type: openai, model: gpt-4o-mini, base_url: "${env:NEVER_SET_ADDRESS}"}
  parameters: {temperature: 0.1, max_tokens: 200}
inputs:
  question: {type: string}
  policy: {type: string, default: "30 days"}
sample: {question: "Can I return boots?"}
---
system:
Answer from the policy only: {{policy}}

user:
{{question}}
"""
V2 = """---
name: refund-helper
model:
  id: gpt-4o-mini
  options: {temperature: 0.1, maxOutputTokens: 200, topP: 0.9, stopSequences: ["\\n"]}
inputs:
  - {name: question, kind: string, required: true}
  - {name: history, kind: thread}
whatever: {is: fine}
---
system:
Be brief.
{{history}}
user:
{{question}}
"""


@pytest.fixture
def write(tmp_path):
    def write_file(text, name="ask.prompty"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write_file


def roles_and_templates(prompty):
    return [(message.role, message.template) for message in prompty.prompt.messages]


def test_version_1(write):
    read = read_prompty(write(V1))
    assert read.prompt.name == "refund-helper"
    assert read.model == "gpt-4o-mini"
    assert read.parameters == {"temperature": 0.1, "max_tokens": 200}
    assert read.sample == {"policy": "30 days", "question": "Can I return boots?"}
    assert roles_and_templates(read) == [
        ("system", "{% set policy = policy | default('30 days') %}Answer from the policy only: {{policy}}"),
        ("user", "{{question}}"),
    ]


def test_version_2_with_unknown_keys_and_a_conversation(write):
    read = read_prompty(write(V2))
    assert read.parameters == {"temperature": 0.1, "max_tokens": 200, "top_p": 0.9, "stop": ["\n"]}
    assert roles_and_templates(read) == [("system", "Be brief."), ("user", "{{question}}")]


@pytest.mark.parametrize("text", [V1, V2])
def test_a_byte_order_mark_windows_line_ends_and_plus_signs_change_nothing(write, text):
    plain = read_prompty(write(text))
    assert read_prompty(write(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())) == plain
    assert read_prompty(write(text.replace("---", "+++"))) == plain


@pytest.mark.parametrize("marker", ["user:", "# user:", "USER:", "  User :  ", "user[name=kim]:"])
def test_role_markers(write, marker):
    assert roles_and_templates(read_prompty(write(f"system:\nA\n{marker}\nB"))) == [("system", "A"), ("user", "B")]


@pytest.mark.parametrize("line", ["# user", "user: hello", "the user:", "username:", "질문:"])
def test_other_lines_stay_text(write, line):
    assert roles_and_templates(read_prompty(write(f"system:\nA\n{line}\nB"))) == [("system", f"A\n{line}\nB")]


def test_text_before_the_first_marker_is_the_system_message(write):
    assert roles_and_templates(read_prompty(write("간단히 답하세요.\n\nuser:\n{{question}}")))[0] == (
        "system",
        "간단히 답하세요.",
    )


def test_a_completion_prompt_is_one_user_message(write):
    read = read_prompty(write("---\nmodel: {api: completion}\n---\nFinish:\nsystem:\n{{question}}"))
    assert roles_and_templates(read) == [("user", "Finish:\nsystem:\n{{question}}")]


@pytest.mark.parametrize(
    ("name", "expected"), [("Ask, then Answer!", "ask-then-answer"), ("환불", "ask"), ("a_b.c", "a_b.c"), ("", "ask")]
)
def test_the_name_is_one_a_registry_takes_else_the_files(write, name, expected):
    assert read_prompty(write(f"---\nname: {name!r}\n---\nuser:\nx")).prompt.name == expected


def test_references_to_variables_and_files(write, monkeypatch):
    monkeypatch.setenv("MODEL_OF_TEST", "large")
    write('{"question": "Why?"}', "sample.json")
    read = read_prompty(
        write(
            "---\nmodel:\n  configuration: {azure_deployment: '${ENV:MODEL_OF_TEST}'}\n"
            "  parameters: {user: '${env:NEVER_SET_USER:nobody}'}\nsample: ${file:sample.json}\n---\nuser:\nx"
        )
    )
    assert (read.model, read.parameters, read.sample) == ("large", {"user": "nobody"}, {"question": "Why?"})


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("---\nname: x\n", 1, "never ends"),
        ("---\nname: x\ntags: a: b\n---\nuser:\ny", 3, "not valid YAML"),
        ("---\nname: x\nsample: ${file:no.json}\n---\nuser:\ny", 3, "no.json does not exist"),
        ("---\nsample: ${file:../no.json}\n---\nuser:\ny", 2, "outside"),
        ("---\nmodel:\n  parameters: {user: '${env:NEVER_SET}'}\n---\nuser:\ny", 3, "NEVER_SET is not set"),
        ("---\nname: x\n---\nsystem:\nA\n\nuser:\n\n{{question\n", 9, "not a valid template"),
        ("---\nname: x\n---\nuser:\nA\n{% if x %}\nB\n", 6, "not a valid template"),
        (b"---\nname: x\n---\nuser:\n\xff", 5, "not UTF-8"),
    ],
)
def test_errors_name_file_and_line(write, text, line, said):
    path = write(text)
    with pytest.raises(DataError, match=f"{path} line {line}: .*") as raised:
        read_prompty(path)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("---\nname: x\n---\n\n", "holds no message"),
        ("---\n- x\n---\nuser:\ny", "a mapping"),
        ("---\ntemplate: {format: {kind: mustache}}\n---\nuser:\ny", "allowed is jinja2"),
        ("---\nmodel: {apiType: embedding}\n---\nuser:\ny", "allowed is chat"),
    ],
)
def test_files_that_are_no_prompt(write, text, said):
    with pytest.raises(DataError, match=said):
        read_prompty(write(text))


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(DataError, match="does not exist; create the prompt"):
        read_prompty(tmp_path / "no.prompty")


HEADS = """---|name: x|name: [1]|model: gpt|model: {id: [1]}|model: {api: chat, parameters: 3}|model: 3|tags: a: b|? [1]
model: {api: completion}|model: {options: {additionalProperties: 3, 1: 2}}|sample: 3|sample: ${env:NEVER_SET}|&a *a
inputs: [a, {name: a, default: {x: null}}]|inputs: {a: {kind: thread}, b: {default: [1]}, 3: 4, "x y": 5}|inputs: 7
template: {format: 3}|template: {format: {kind: jinja2}}|template: [jinja2]|2026-01-01: 2026-01-01|a: !!python/none"""
BODIES = "system:|# user:|{{ a }}|{{ b }}|{% if a %}|{% endif %}|assistant[x=1]:|질문|{{ 'a' * 2 }}|{{|---"
HEAD_LINES = st.sampled_from(HEADS.replace("\n", "|").split("|")) | st.text(max_size=8)
BODY_LINES = st.sampled_from(BODIES.split("|")) | st.text(max_size=8)


def lines(one):
    return st.lists(one, max_size=6).map("\n".join)


@given(head=lines(HEAD_LINES), body=lines(BODY_LINES), raw=st.none() | st.binary())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=400, deadline=None)
def test_whatever_a_file_holds_is_a_prompt_or_one_line(write, head, body, raw):
    content = raw if raw is not None else f"---\n{head}\n---\n{body}".encode("utf-8", "replace")
    try:
        read = read_prompty(write(content))
    except DataError as error:
        assert "ask.prompty" in str(error)
        return
    assert read.prompt.messages
    assert {message.role for message in read.prompt.messages} <= {"system", "user", "assistant"}


FOUND = sorted(DATA.rglob("*.prompty"))


@pytest.mark.skipif(not FOUND, reason="no prompty files of other projects in ../shared/data")
@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.stem)
def test_prompts_that_others_wrote(path):
    try:
        read = read_prompty(path)
    except DataError as error:
        missing = [line for line in path.read_text().splitlines() if "${file:" in line]
        assert missing, error
        assert "does not exist beside the prompt" in str(error)
        return
    assert read.prompt.messages[0].role == "system"
    assert all(message.template for message in read.prompt.messages)
