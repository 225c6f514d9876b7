"""A home and ports of its own for every test of the stack."""

import socket
from contextlib import ExitStack

import pytest

from configs.settings import Settings, settings

_PORTS = [name for name in Settings.model_fields if name.endswith("_port")]


@pytest.fixture
def fresh_settings(tmp_path, monkeypatch):
    """Settings with an empty home and free ports, in a working folder without `.env`."""
    with ExitStack() as held:
        for name in _PORTS:
            probe = held.enter_context(socket.socket())
            probe.bind(("127.0.0.1", 0))
            monkeypatch.setenv(f"LIFECYCLE_{name.upper()}", str(probe.getsockname()[1]))
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
