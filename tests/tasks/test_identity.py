from hypothesis import given
from hypothesis import strategies as st

from tasks.candidate import Candidate, Prompt, TemplateMessage
from tasks.identity import digest

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), _json))
def test_the_order_of_keys_does_not_matter(content):
    assert digest(content) == digest(dict(reversed(content.items())))


@given(st.lists(_json, min_size=2, unique_by=repr))
def test_the_order_of_a_list_matters(items):
    assert digest(items) != digest([*items[1:], items[0]])


def test_languages_are_kept_apart():
    assert digest("텐트가 얼마나 무겁나요?") != digest("How heavy is the tent?")


def _candidate(**changes):
    prompt = Prompt(name="rules", messages=(TemplateMessage(role="user", template="{{question}}"),), version=1)
    return Candidate.model_validate({"app": "a", "target": {"kind": "prompt"}, "prompt": prompt, **changes})


def test_what_changes_the_answer_changes_a_candidates_digest():
    other = Prompt(name="rules", messages=(TemplateMessage(role="user", template="Q: {{question}}"),), version=1)
    changed = [
        _candidate(prompt=other),
        _candidate(model="m"),
        _candidate(endpoint_model="m@elsewhere"),
        _candidate(parameters={"temperature": 0.5}),
        _candidate(retrieval={"index": "abc", "top_k": 1}),
    ]
    assert len({_candidate().digest, *(candidate.digest for candidate in changed)}) == len(changed) + 1


def test_where_a_candidate_comes_from_is_no_part_of_its_digest():
    renamed = Prompt(name="other", messages=_candidate().prompt.messages, version=9)
    same = [_candidate(move="documents"), _candidate(parent="0123"), _candidate(prompt=renamed)]
    assert {candidate.digest for candidate in same} == {_candidate().digest}
