"""A home and ports of its own for every test of the stack."""

import pytest

from benchmarks.ports import stack_ports
from configs.settings import settings


@pytest.fixture
def fresh_settings(tmp_path, monkeypatch):
    """Settings with an empty home and free ports, in a working folder without `.env`."""
    for name, port in stack_ports().items():
        monkeypatch.setenv(name, port)
    for name in ("PREFECT_URL", "MLFLOW_URL", "APP", "API_KEY", "HOST", "CHAT_SLOTS", "CHAT_CONTEXT", "MODEL_THREADS"):
        monkeypatch.delenv(f"LIFECYCLE_{name}", raising=False)
    monkeypatch.delenv("LIFECYCLE_STACK", raising=False)
    monkeypatch.setenv("LIFECYCLE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    settings.cache_clear()
    yield settings()
    settings.cache_clear()


@pytest.fixture
def setting(fresh_settings, monkeypatch):
    """Sets one variable and lets the settings be read again."""

    def change(name, value):
        monkeypatch.setenv(name, value)
        settings.cache_clear()

    return change
