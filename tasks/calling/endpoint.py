"""Who a model is: what its name stands for, where it is reached, and with which key."""

import hashlib
import os
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from configs.errors import ConfigurationError
from configs.schema.model import ModelConfig
from configs.settings import settings
from tasks.calling.failures import Callee

_EMBEDDED_NAMES = {"chat": "smollm2-135m", "embedding": "minilm"}
_NO_KEY = "none"
"""Sent where a model names no key; endpoints that want none do not look at it."""


def endpoint_model(name: str, model: ModelConfig) -> str:  # noqa: ARG001 the name decides nothing
    """Returns what a model's name stands for: the endpoint's own name and address, or the embedded weights.

    Args:
        name: name in the configuration; no part of the identity.
        model: the model.

    Raises:
        StackError: the embedded weights are not installed.
    """
    if model.kind == "openai":
        return f"{model.model} at {model.base_url.rstrip('/')}"
    from infra.stack.weights import chat_weights, embedding_weights

    file = chat_weights() if model.task == "chat" else embedding_weights()
    return f"{file.name} {_sha256(file, file.stat().st_size, file.stat().st_mtime_ns)[:16]}"


@cache
def _sha256(file: Path, size: int, modified_ns: int) -> str:  # noqa: ARG001 a changed file is another one
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def base_url(model: ModelConfig) -> str:
    """Returns the address under which a model is reached."""
    if model.kind == "openai":
        return model.base_url
    return settings().chat_url if model.task == "chat" else settings().embedding_url


def model_name(model: ModelConfig) -> str:
    """Returns the name under which the endpoint knows a model."""
    return model.model if model.kind == "openai" else _EMBEDDED_NAMES[model.task]


def callee_of(model: ModelConfig) -> Callee:
    """Returns how messages name a model."""
    if model.kind == "openai":
        return Callee(f"model {model.model}", model.base_url, model.timeout_s, model.api_key_env)
    return Callee(f"model {model_name(model)}", base_url(model), model.timeout_s, start="run `lifecycle up`")


def is_loopback(address: str) -> bool:
    """Returns whether an address is on this machine, where no proxy of the environment's can reach it."""
    return urlsplit(address).hostname in ("127.0.0.1", "localhost", "::1")


def retries_of(model: ModelConfig) -> int:
    """Returns how many further tries a call gets; the embedded models' supervisor restarts them within a second."""
    return model.retries if model.kind == "openai" else 3


def api_key(model: ModelConfig) -> str:
    """Returns the key that calls of a model carry.

    Raises:
        ConfigurationError: the environment variable that should hold it is not set.
    """
    if model.kind == "embedded" or model.api_key_env is None:
        return _NO_KEY
    key = os.environ.get(model.api_key_env, "").strip()
    if not key:
        raise ConfigurationError(
            f"model {model.model}: the environment variable {model.api_key_env} is not set; "
            f"put the key there or into .env, or mend `api_key_env`"
        )
    return key
