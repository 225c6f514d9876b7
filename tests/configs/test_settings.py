"""Settings come from the environment, then from `.env`, then from their defaults."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from configs.errors import ConfigurationError
from configs.settings import Settings, settings


@pytest.fixture(autouse=True)
def _without_settings_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in Settings.model_fields:
        # Set first, so that what `.env` adds to the environment is taken back as well.
        monkeypatch.setenv(f"LIFECYCLE_{name.upper()}", "")
        monkeypatch.delenv(f"LIFECYCLE_{name.upper()}")
    monkeypatch.chdir(tmp_path)
    settings.cache_clear()
    yield
    settings.cache_clear()


def test_defaults_are_all_on_loopback() -> None:
    addresses = (settings().prefect_ui, settings().mlflow_uri, settings().chat_url, settings().endpoint_url)

    assert all(address.startswith("http://127.0.0.1:") for address in addresses)


def test_the_environment_goes_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("LIFECYCLE_CHAT_PORT=1111\nLIFECYCLE_MLFLOW_PORT=2222\n", encoding="utf-8")
    monkeypatch.setenv("LIFECYCLE_CHAT_PORT", "3333")

    assert (settings().chat_port, settings().mlflow_port) == (3333, 2222)


def test_an_empty_variable_is_one_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIFECYCLE_CHAT_PORT", "")

    assert settings().chat_port == 8081


@pytest.mark.parametrize("port", ["many", "0", "70000"])
def test_a_wrong_value_names_the_variable_what_was_found_and_what_is_allowed(
    port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIFECYCLE_CHAT_PORT", port)

    with pytest.raises(ConfigurationError) as caught:
        settings()

    assert str(caught.value) == (
        f"setting LIFECYCLE_CHAT_PORT: found '{port}'; allowed is a whole number from 1 to 65535; "
        f"mend it in the environment or in .env"
    )


def test_servers_elsewhere_take_the_place_of_those_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIFECYCLE_PREFECT_URL", "https://prefect.example.com/api/")

    assert settings().prefect_api == "https://prefect.example.com/api"
    assert settings().prefect_ui == "https://prefect.example.com"


def test_the_key_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIFECYCLE_API_KEY", "very-secret")

    assert "very-secret" not in f"{settings()!r} {settings()} {settings().model_dump_json()}"


def test_a_folder_that_cannot_be_made_says_which_setting_moves_it(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("taken").write_text("", encoding="utf-8")
    monkeypatch.setenv("LIFECYCLE_HOME", "taken")

    with pytest.raises(ConfigurationError, match=r"taken/results cannot be created: .* set LIFECYCLE_HOME"):
        settings().folder("results")
