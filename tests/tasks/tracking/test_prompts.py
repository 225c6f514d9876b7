import json
import logging

from tasks.tracking.facts import candidate_parameters, linked_prompt
from tasks.tracking.prompts import prompt_versions, register_prompt, with_registered


def edited(client, app, name, template, **more):
    """Adds a version as MLflow's UI does: without tags of ours."""
    return client.register_prompt(f"{app}.{name}", template, **more).version


def test_a_prompt_comes_back_as_it_was_whatever_its_language_and_template(mlflow_uri, prompt):
    registered = register_prompt("round", prompt())
    assert registered.version == 1
    assert prompt_versions("round", "cited") == (registered,)
    assert registered.digest == prompt().digest


def test_the_same_content_keeps_its_version_and_other_content_gets_the_next(mlflow_uri, prompt):
    one, two = prompt("{{ question }}"), prompt("질문: {{ question }}")
    assert [register_prompt("again", each).version for each in (one, one, two, one, two)] == [1, 1, 2, 1, 2]


def test_two_apps_may_have_a_prompt_of_one_name(mlflow_uri, prompt):
    assert register_prompt("shop-a", prompt("a")).version == register_prompt("shop-b", prompt("b")).version == 1


def test_a_version_that_a_person_made_is_a_prompt_like_any_other(client, prompt):
    first = register_prompt("edited", prompt())
    edited(client, "edited", "cited", "짧게 대답하세요: {{ question }}")
    edited(
        client,
        "edited",
        "cited",
        [{"role": "system", "content": "Be short."}, {"role": "user", "content": "{{ question }}"}],
    )
    text, chat = prompt_versions("edited", "cited", edited_after=first.version)
    assert [(m.role, m.template) for m in text.messages] == [("user", "짧게 대답하세요: {{ question }}")]
    assert [m.role for m in chat.messages] == ["system", "user"]
    assert (text.version, chat.version) == (2, 3)
    assert register_prompt("edited", text).version == 2


def test_versions_that_came_from_a_file_are_not_edited(client, prompt):
    first = register_prompt("files", prompt("one"))
    second = register_prompt("files", prompt("two"))
    assert prompt_versions("files", "cited", edited_after=first.version) == ()
    copied = client.get_prompt_version("files.cited", str(second.version)).tags
    edited(client, "files", "cited", "two, copied with its tags, and changed", tags=dict(copied))
    assert [each.version for each in prompt_versions("files", "cited", edited_after=first.version)] == [3]


def test_a_version_that_cannot_be_used_is_left_out_with_a_reason(client, prompt, caplog):
    register_prompt("broken", prompt())
    edited(client, "broken", "cited", "{% if question %} never ends")
    edited(client, "broken", "cited", [{"role": "user", "content": [{"type": "text", "text": "parts"}]}])
    with caplog.at_level(logging.WARNING):
        assert [each.version for each in prompt_versions("broken", "cited")] == [1]
    assert "broken.cited version 2 is left out" in caplog.text
    assert "version 3 is left out: the user message holds" in caplog.text


def test_a_prompt_is_listed_under_its_apps_experiment_alone(client, prompt):
    register_prompt("listed", prompt())
    experiment = client.get_experiment_by_name("listed").experiment_id
    assert [each.name for each in client.search_prompts(f'experiment_id = "{experiment}"')] == ["listed.cited"]
    assert [each.name for each in client.search_prompts('experiment_id = "0"')] == []


def test_a_prompt_nobody_registered_has_no_versions(mlflow_uri):
    assert prompt_versions("nobody", "none") == ()


def test_a_candidates_prompt_and_meta_prompt_are_prompts_of_their_own(client, prompt, candidate):
    rules = prompt("Never guess.", "guarded")
    registered = with_registered(candidate("layers", meta_prompt=rules))
    assert (registered.prompt.version, registered.meta_prompt.version) == (1, 1)
    assert prompt_versions("layers", "guarded") == (registered.meta_prompt,)
    assert registered.digest == candidate("layers", meta_prompt=rules).digest
    assert json.loads(linked_prompt(registered)["mlflow.linkedPrompts"]) == [
        {"name": "layers.cited", "version": "1"},
        {"name": "layers.guarded", "version": "1"},
    ]
    assert candidate_parameters(registered)["meta_prompt_version"] == 1


def test_a_version_that_was_made_of_another_says_so(client, prompt):
    parent = register_prompt("bred", prompt("one"))
    child = register_prompt("bred", prompt("two"), parent, "search")
    tags = client.get_prompt_version("bred.cited", str(child.version)).tags
    assert (tags["lifecycle.source"], tags["lifecycle.parent"]) == ("search", "bred.cited")
    assert (tags["lifecycle.parent.version"], tags["lifecycle.parent.digest"]) == ("1", parent.digest)
    assert prompt_versions("bred", "cited", edited_after=1) == (), "no person has made it"
