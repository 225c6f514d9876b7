"""Prompts and meta-prompts of an app's files, and what an exploration makes of them."""

import pytest

from configs.errors import ConfigurationError
from tasks.candidates import explored, meta_prompt_named, prompt_named, read_meta_prompts, read_prompts


@pytest.fixture
def with_meta(make_app, tmp_path):
    """Makes an app with meta-prompt files."""

    def make(**files):
        loaded = make_app("http://127.0.0.1:9/v1")
        for name, text in files.items():
            (tmp_path / f"{name}.prompty").write_text(text, encoding="utf-8")
        app = loaded.app.model_copy(update={"meta_prompts": tuple(f"{name}.prompty" for name in files)})
        object.__setattr__(loaded, "app", app)
        return loaded

    return make


def test_a_plain_text_is_a_meta_prompt_named_after_its_file(with_meta):
    (meta,) = read_meta_prompts(with_meta(guarded="Never guess.\n"))
    assert (meta.name, [(each.role, each.template) for each in meta.messages]) == (
        "guarded",
        [("system", "Never guess.")],
    )


def test_a_meta_prompt_is_a_system_message_alone(with_meta):
    with pytest.raises(ConfigurationError, match=r"guarded.prompty holds a message of role 'user'; allowed is"):
        read_meta_prompts(with_meta(guarded="Never guess.\n\nuser:\n{{question}}\n"))


def test_a_meta_prompt_has_a_name_of_its_own(with_meta):
    with pytest.raises(ConfigurationError, match=r"other.prompty is named 'guarded', as is another meta-prompt"):
        read_meta_prompts(with_meta(guarded="One.", other="---\nname: guarded\n---\nTwo."))
    with pytest.raises(ConfigurationError, match=r"is named 'prompt', as is a prompt; give one of them"):
        read_meta_prompts(with_meta(other="---\nname: prompt\n---\nTwo."))


def test_a_name_that_no_file_has_is_refused_with_those_there_are(with_meta):
    loaded = with_meta(guarded="Never guess.")
    assert prompt_named(loaded, "prompt", "the move").name == "prompt"
    with pytest.raises(ConfigurationError, match=r"the move names the prompt 'guarded'; known are prompt$"):
        prompt_named(loaded, "guarded", "the move")
    with pytest.raises(ConfigurationError, match=r"the move names the meta-prompt 'x'; known are guarded$"):
        meta_prompt_named(loaded, "x", "the move")


def test_an_exploration_tries_each_prompt_without_a_meta_prompt_and_then_under_each(with_meta):
    loaded = with_meta(guarded="Never guess.", brief="Be brief.")
    prompts, metas = read_prompts(loaded), read_meta_prompts(loaded)
    assert [each.meta_prompt for each in explored(loaded, prompts)] == [None]
    tried = explored(loaded, prompts, metas)
    assert [each.meta_prompt and each.meta_prompt.name for each in tried] == [None, "guarded", "brief"]
    assert tried[0] == explored(loaded, prompts)[0]
