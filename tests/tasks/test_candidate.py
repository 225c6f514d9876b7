"""What a candidate is named by, and what people read of it."""

import pytest

from configs.schema.target import PromptTarget
from tasks.candidate import Candidate, Prompt, TemplateMessage


def prompt(text, name="ask", role="user"):
    return Prompt(name=name, messages=(TemplateMessage(role=role, template=text),))


RULES = prompt("Never guess.", "guarded", "system")


@pytest.fixture
def bare():
    return Candidate(app="shop", target=PromptTarget(kind="prompt"), prompt=prompt("{{question}}"), model="tiny")


def test_a_candidate_without_a_meta_prompt_keeps_the_digest_it_had_before_there_were_any(bare):
    assert bare.digest == "dc395f1f6980a02a"


def test_the_meta_prompts_content_is_part_of_the_identity_and_its_name_and_version_are_not(bare):
    guarded = bare.model_copy(update={"meta_prompt": RULES})
    renamed = bare.model_copy(update={"meta_prompt": RULES.model_copy(update={"name": "other", "version": 3})})
    softer = bare.model_copy(update={"meta_prompt": prompt("Guess.", "guarded", "system")})
    assert guarded.digest == renamed.digest
    assert len({bare.digest, guarded.digest, softer.digest}) == 3


def test_people_read_under_which_meta_prompt_it_asks(bare):
    guarded = bare.model_copy(update={"meta_prompt": RULES})
    assert guarded.label == f"ask under guarded · tiny · {guarded.digest[:8]}"
    assert guarded.prompts == (RULES, bare.prompt)
    assert bare.prompts == (bare.prompt,)
