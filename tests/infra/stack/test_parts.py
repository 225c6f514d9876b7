import pytest

from configs.errors import ConfigurationError
from configs.settings import settings
from infra.stack.parts import PART_NAMES, elsewhere, parts

TELEMETRY_OFF = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "GX_ANALYTICS_ENABLED": "false",
    "MLFLOW_MODEL_CATALOG_URI": "",
}


def test_six_parts_run_here_by_default(fresh_settings):
    assert tuple(part.name for part in parts()) == PART_NAMES
    assert elsewhere() == {}


def test_every_part_knows_the_servers_and_tells_nobody_outside(fresh_settings):
    for part in parts():
        assert part.environment.items() >= TELEMETRY_OFF.items()
        assert part.environment["PREFECT_API_URL"] == f"http://127.0.0.1:{fresh_settings.prefect_port}/api"
        assert part.environment["MLFLOW_TRACKING_URI"] == f"http://127.0.0.1:{fresh_settings.mlflow_port}"
        assert part.environment["LIFECYCLE_STACK"] == str(fresh_settings.home.resolve())


def test_a_server_elsewhere_is_not_started_and_not_waited_for(setting):
    setting("LIFECYCLE_PREFECT_URL", "https://prefect.example.org/api")
    setting("LIFECYCLE_MLFLOW_URL", "https://mlflow.example.org")
    local = {part.name: part for part in parts()}
    assert set(local) == {"chat", "embedding", "runner", "endpoint"}
    assert local["runner"].needs == local["endpoint"].needs == ()
    assert local["runner"].environment["PREFECT_API_URL"] == "https://prefect.example.org/api"
    assert elsewhere() == {"prefect": "https://prefect.example.org", "mlflow": "https://mlflow.example.org"}


def test_the_runner_waits_for_prefect_and_the_endpoint_for_mlflow(fresh_settings):
    needs = {part.name: part.needs for part in parts() if part.needs}
    assert needs == {"runner": ("prefect",), "endpoint": ("mlflow",)}


def test_a_part_brings_those_that_it_needs(fresh_settings):
    assert [part.name for part in parts(["runner", "chat"])] == ["prefect", "chat", "runner"]


def test_an_unknown_part_is_refused_with_the_known_ones(fresh_settings):
    with pytest.raises(ConfigurationError, match=r"unknown part 'chut'; known are prefect, mlflow, chat"):
        parts(["chat", "chut"])


def test_another_app_changes_neither_the_models_nor_the_servers(setting):
    before = {part.name: part for part in parts()}
    setting("LIFECYCLE_APP", "another")
    after = {part.name: part for part in parts()}
    assert {name for name in PART_NAMES if before[name] != after[name]} == {"runner", "endpoint"}


def test_an_app_given_as_a_path_is_found_from_any_folder(setting, tmp_path):
    setting("LIFECYCLE_APP", "apps/mine")
    (*_, endpoint) = parts(["endpoint"])
    assert endpoint.command[-1] == str(tmp_path / "apps" / "mine")
    assert settings().app == "apps/mine"


def test_the_endpoint_serves_every_app_that_is_named(setting, tmp_path):
    setting("LIFECYCLE_APP", "outfitter, apps/mine")
    (*_, endpoint) = parts(["endpoint"])
    assert endpoint.command[-4:] == ("--app", "outfitter", "--app", str(tmp_path / "apps" / "mine"))
