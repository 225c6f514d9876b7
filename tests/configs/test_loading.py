"""Every mistake in a configuration is one line that names file, key, what was found and what is allowed."""

from pathlib import Path

import pytest
import yaml

from configs.errors import ConfigurationError
from configs.loading import app_names, load_app

SMALLEST = {
    "name": "shop",
    "description": "Answers customers of a shop.",
    "target": {"kind": "prompt"},
    "prompts": ["plain.prompty"],
    "models": ["smollm2-135m"],
    "datasets": {"sample": "sample.jsonl", "full": "full.jsonl"},
    "scorers": [{"name": "token_f1", "settings": {}}],
    "explore": {"rank_by": "token_f1"},
    "gates": {
        "sample": {"rules": [{"metric": "token_f1", "at_least": 0.5}]},
        "release": {"rules": [{"metric": "token_f1", "at_least": 0.7}]},
    },
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "app.yaml").write_text(yaml.safe_dump(SMALLEST), encoding="utf-8")
    return tmp_path


def refusal(folder: Path, *changes: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_app(str(folder), changes)
    message = str(caught.value)
    assert "\n" not in message
    assert caught.value.exit_code == 2
    return message


class TestAnApp:
    def test_is_found_by_the_name_of_its_folder_under_configs(self) -> None:
        assert load_app("outfitter").app.name == "outfitter"
        assert "outfitter" in app_names()

    def test_is_found_by_its_folder_or_its_file(self, folder: Path) -> None:
        assert load_app(str(folder)) == load_app(str(folder / "app.yaml"))

    def test_may_have_a_byte_order_mark_and_windows_line_ends_and_any_language(self, folder: Path) -> None:
        text = yaml.safe_dump(SMALLEST | {"description": "가게 손님에게 답한다."}, allow_unicode=True)
        (folder / "app.yaml").write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())

        assert load_app(str(folder)).app.description == "가게 손님에게 답한다."

    def test_may_bring_models_that_go_before_the_common_ones(self, folder: Path) -> None:
        (folder / "models.yaml").write_text(
            "smollm2-135m: {kind: openai, base_url: http://127.0.0.1:1/v1, model: other}\n", encoding="utf-8"
        )

        assert load_app(str(folder)).models["smollm2-135m"].kind == "openai"

    def test_that_is_nowhere_names_where_it_was_sought_and_which_there_are(self, tmp_path: Path) -> None:
        message = refusal(tmp_path / "nowhere")

        assert "nowhere" in message
        assert "outfitter" in message
        assert "lifecycle init" in message

    def test_that_names_a_missing_file_says_which_file_and_where(self, folder: Path) -> None:
        with pytest.raises(ConfigurationError, match=r"app.yaml: names 'sample.jsonl', but .*sample.jsonl does not"):
            load_app(str(folder)).path("sample.jsonl")


class TestAKey:
    def test_unknown_names_the_one_that_was_meant_and_those_allowed(self, folder: Path) -> None:
        message = refusal(folder, "loop.max_round=2")

        assert f"{folder / 'app.yaml'} with --set: key `loop.max_round`: unknown key" in message
        assert "did you mean `max_rounds`?" in message
        assert "allowed are max_rounds" in message

    def test_unknown_comes_before_the_missing_one_it_was_meant_to_be(self, folder: Path) -> None:
        wrong = {("tagret" if key == "target" else key): value for key, value in SMALLEST.items()}
        (folder / "app.yaml").write_text(yaml.safe_dump(wrong), encoding="utf-8")

        message = refusal(folder)

        assert "key `tagret`: unknown key (did you mean `target`?)" in message
        assert "(and 1 more: `target`)" in message

    def test_missing_says_what_is_required(self, folder: Path) -> None:
        wrong = {key: value for key, value in SMALLEST.items() if key != "name"}
        (folder / "app.yaml").write_text(yaml.safe_dump(wrong), encoding="utf-8")

        assert "app.yaml: key `name`: missing; required is text that matches" in refusal(folder)

    def test_that_stands_twice_names_its_line(self, folder: Path) -> None:
        (folder / "app.yaml").write_text("name: a\nloop:\n  max_rounds: 1\n  max_rounds: 2\n", encoding="utf-8")

        assert refusal(folder).startswith(
            f"{folder / 'app.yaml'} line 3: not valid YAML: key `max_rounds` stands twice"
        )

    def test_that_is_no_text_is_refused(self, folder: Path) -> None:
        assert "key `gates.release.1`: a key must be text" in refusal(
            folder, "gates.release={rules: [{metric: exact, at_least: 1}], 1: 2}"
        )


@pytest.mark.parametrize(
    ("change", "key", "found", "allowed"),
    [
        ("loop.max_rounds=many", "loop.max_rounds", "'many'", "a whole number from 1 to 20"),
        ("loop.max_rounds=0", "loop.max_rounds", "0", "a whole number from 1 to 20"),
        ("budget.price=-1", "budget.price", "-1", "a number at least 0"),
        ("description=", "description", "nothing", "text"),
        ("description=[a]", "description", "a list", "text"),
        ("name=My Shop", "name", "'My Shop'", "text that matches `^[a-z][a-z0-9-]{0,40}$`"),
        ("scorers=[]", "scorers", "an empty list", "a list that is not empty, each item a mapping"),
        ("retrieval=yes", "retrieval", "true", "a mapping"),
        ("release.moved_by_hand=maybe", "release.moved_by_hand", "'maybe'", "`refuse` or `warn`"),
        ("target.kind=script", "target.kind", "'script'", "`prompt`, `python`, `http` or `answers`"),
        ("target={}", "target.kind", "nothing", "`prompt`, `python`, `http` or `answers`"),
        ("target={kind: http, url: shop}", "target.url", "'shop'", "text that matches `^https?://[^@?#\\s]+$`"),
        (
            "target=prompt",
            "target",
            "'prompt'",
            "a mapping whose `kind` is `prompt`, `python`, `http` or `answers`",
        ),
        (
            "scorers.0.settings.phrases={a: b}",
            "scorers.0.settings.phrases",
            "a mapping",
            "text or a whole number or a number or true or false or a list, each item text",
        ),
        (
            "explore.hypothesis={statement: Short is better., metric: exact, treatment: a, control: b, "
            "expected_difference: 0}",
            "explore.hypothesis.expected_difference",
            "0",
            "a number above 0",
        ),
    ],
)
def test_a_value_names_its_key_what_was_found_and_what_is_allowed(
    folder: Path, change: str, key: str, found: str, allowed: str
) -> None:
    where = f"{folder / 'app.yaml'} with --set"

    assert refusal(folder, change) == f"{where}: key `{key}`: found {found}; allowed is {allowed}"


def test_a_rule_with_two_bounds_says_what_to_choose_from(folder: Path) -> None:
    assert "key `gates.sample.rules.0`: set exactly one of at_least, at_most" in refusal(
        folder, "gates.sample.rules.0.at_most=1"
    )


class TestAModel:
    def test_unknown_names_those_known_and_where_to_define_one(self, folder: Path) -> None:
        message = refusal(folder, "models=[smollm2-135m, gpt-9]")

        assert "key `models.1`: unknown model 'gpt-9'; known are minilm, smollm2-135m" in message
        assert "models.yaml" in message

    def test_of_the_wrong_task_names_those_that_fit(self, folder: Path) -> None:
        assert "'minilm' is a model for embedding; models for chat are smollm2-135m" in refusal(
            folder, "models=[minilm]"
        )
        assert "'smollm2-135m' is a model for chat; models for embedding are minilm" in refusal(
            folder, "retrieval={documents: d.jsonl, embedding_model: smollm2-135m}"
        )

    @pytest.mark.parametrize(
        "model",
        [
            "{kind: openai, base_url: http://a/v1, model: m, api_key_env: sk-live-0123456789}",
            "{kind: openai, base_url: http://a/v1, model: m, api_key: sk-live-0123456789}",
            "{kind: azure, api_key: sk-live-0123456789}",
            "{kind: openai, base_url: sk-live-0123456789, model: m}",
            "{kind: openai, base_url: 'ftp://user:sk-live-0123456789@host', model: m}",
            "sk-live-0123456789",
        ],
    )
    def test_error_never_repeats_a_secret(self, folder: Path, model: str) -> None:
        (folder / "models.yaml").write_text(f"mine: {model}\n", encoding="utf-8")

        message = refusal(folder)

        assert f"{folder / 'models.yaml'}: key `mine" in message
        assert "0123456789" not in message


class TestAFile:
    def test_that_is_no_yaml_names_the_line(self, folder: Path) -> None:
        (folder / "app.yaml").write_text("name: shop\nmodels: [a, b\nprompts: c\n", encoding="utf-8")

        assert refusal(folder).startswith(f"{folder / 'app.yaml'} line 3: not valid YAML")

    def test_that_is_not_utf8_names_the_byte(self, folder: Path) -> None:
        (folder / "app.yaml").write_bytes("name: café".encode("latin-1"))

        assert "app.yaml: not UTF-8 at byte 9; save it as UTF-8" in refusal(folder)

    @pytest.mark.parametrize(("text", "found"), [("", "nothing"), ("- a\n", "a list"), ("just words", "'just words'")])
    def test_that_is_no_mapping_says_what_it_is(self, folder: Path, text: str, found: str) -> None:
        (folder / "app.yaml").write_text(text, encoding="utf-8")

        assert f"app.yaml: found {found}; allowed is a mapping" in refusal(folder)


class TestSet:
    def test_changes_values_items_of_lists_and_whole_lists(self, folder: Path) -> None:
        app = load_app(
            str(folder),
            (
                "loop.max_rounds=1",
                "scorers.0.name=exact",
                "prompts=[a.prompty, b.prompty]",
                "monitor.limits=[{metric: error_rate, at_most: 0.1}]",
                "gates.sample.rules.0.at_least=0.25",
            ),
        ).app

        assert app.loop.max_rounds == 1
        assert app.scorers[0].name == "exact"
        assert app.prompts == ("a.prompty", "b.prompty")
        assert app.monitor.limits[0].at_most == 0.1
        assert app.gates.sample.rules[0].at_least == 0.25

    def test_value_may_hold_an_equals_sign(self, folder: Path) -> None:
        rules = load_app(str(folder), ("gates.sample.rules.0.slice=kind=policy",)).app.gates.sample.rules

        assert rules[0].slice == "kind=policy"

    def test_later_change_goes_before_an_earlier_one(self, folder: Path) -> None:
        assert load_app(str(folder), ("loop.max_rounds=1", "loop.max_rounds=2")).app.loop.max_rounds == 2

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ("loop.max_rounds", "--set 'loop.max_rounds': write key=value"),
            ("=3", "--set '': write key=value"),
            ("name={", "--set name: the value is not valid YAML; put quotes around it"),
            ("name.first=a", "--set name.first: 'first' is no key there"),
            ("scorers.1.name=exact", "--set scorers.1.name: '1' is no position of that list, which has 1 items"),
            ("scorers.first.name=exact", "--set scorers.first.name: 'first' is no position of that list"),
        ],
    )
    def test_that_cannot_be_meant_says_why(self, folder: Path, change: str, message: str) -> None:
        assert refusal(folder, change).startswith(message)
