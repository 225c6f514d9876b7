"""Points MLflow at one model's endpoint: it reads key and address from the process's environment, and nowhere else."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

from configs.errors import ConfigurationError
from configs.schema.model import ModelConfig
from tasks.calling.endpoint import base_url

_KEY, _ADDRESS, _DEFAULT = "OPENAI_API_KEY", "OPENAI_API_BASE", "MLFLOW_GENAI_JUDGE_DEFAULT_MODEL"
_NO_KEY = "none"
NO_MODEL = "unnamed:/none"
"""What a scorer asks that was given no model: nobody. MLflow's own default would send every row to OpenAI."""
_LOOK_EVERY_S = 0.05


def environment_of(model: ModelConfig | None) -> dict[str, str]:
    """Returns the environment in which MLflow asks a model.

    Raises:
        ConfigurationError: the model's key is missing, or another one stands where MLflow would take it from: it would
            be sent to an endpoint that it does not belong to.
    """
    if model is None:
        return {_DEFAULT: NO_MODEL}
    name = model.api_key_env if model.kind == "openai" else None
    key = os.environ.get(name, "") if name else _NO_KEY
    if not key:
        raise ConfigurationError(f"the environment variable {name} is not set; put the model's key there")
    if os.environ.get(_KEY, key) != key and not _POINTED.holds(_KEY):
        raise ConfigurationError(
            f"MLflow's scorers send the key in {_KEY}, and another than this model's stands there; "
            f"unset it, or set `api_key_env: {_KEY}` for the model in models.yaml"
        )
    return {_DEFAULT: NO_MODEL, _KEY: key, _ADDRESS: base_url(model)}


@asynccontextmanager
async def pointed(environment: Mapping[str, str]) -> AsyncIterator[None]:
    """Holds the process's environment so while the block runs; who wants another one waits."""
    while not _POINTED.take(environment):
        await asyncio.sleep(_LOOK_EVERY_S)
    try:
        yield
    finally:
        _POINTED.leave()


@contextmanager
def pointed_at_once(environment: Mapping[str, str]) -> Iterator[None]:
    """Holds the process's environment so while the block runs.

    Raises:
        ConfigurationError: another one is held.
    """
    if not _POINTED.take(environment):
        raise ConfigurationError("MLflow's scorers are asking another model right now; run this again after it")
    try:
        yield
    finally:
        _POINTED.leave()


class _Pointed:
    """The one environment that is held, and by how many."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._holders = 0
        self._held: dict[str, str] = {}
        self._before: dict[str, str | None] = {}

    def holds(self, name: str) -> bool:
        with self._guard:
            return name in self._held

    def take(self, environment: Mapping[str, str]) -> bool:
        with self._guard:
            if self._holders and self._held != environment:
                return False
            if not self._holders:
                self._before = {name: os.environ.get(name) for name in environment}
                self._held = dict(environment)
                os.environ.update(environment)
            self._holders += 1
            return True

    def leave(self) -> None:
        with self._guard:
            self._holders -= 1
            if self._holders:
                return
            for name, value in self._before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
            self._held, self._before = {}, {}


_POINTED = _Pointed()
