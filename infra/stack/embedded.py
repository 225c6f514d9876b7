"""Serves one of the embedded models behind the OpenAI protocol: `python -m infra.stack.embedded chat|embedding`."""

import signal
import sys
from pathlib import Path
from typing import Any, Literal

from configs.errors import LifecycleError, StackError
from configs.settings import Settings, settings
from infra.stack.adapters import adapter_files
from infra.stack.minilm import minilm_gguf
from infra.stack.weights import chat_weights, embedding_weights

CHAT_MODEL = "smollm2-135m"
EMBEDDING_MODEL = "minilm"

_EMBEDDING_CONTEXT = 512
"""Tokens of a text at most: as many positions as the model was trained with."""
_EMBEDDING_SLOTS = 4

_STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT}


def serve_model(task: Literal["chat", "embedding"]) -> None:
    """Serves until SIGTERM or SIGINT.

    Raises:
        StackError: weights are missing or the port is taken.
    """
    import xllamacpp

    parameters = _chat(settings()) if task == "chat" else _embedding(settings())
    # Blocked before the server's threads exist, so that the signal waits for `sigwait` below.
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
    try:
        server = xllamacpp.Server(parameters)
    except RuntimeError as error:
        raise StackError(f"the embedded {task} model does not start on port {parameters.port}: {error}") from None
    signal.sigwait(_STOP_SIGNALS)
    del server


def _chat(s: Settings) -> Any:
    parameters = _server(s, s.chat_port, CHAT_MODEL, str(chat_weights()))
    parameters.n_parallel = s.chat_slots
    parameters.n_ctx = s.chat_slots * s.chat_context
    # At scale 0: what a request does not name has no part in its answer.
    parameters.lora_adapters = [_adapter(file) for file in adapter_files()]
    return parameters


def _adapter(file: Path) -> Any:
    import xllamacpp

    return xllamacpp.CommonAdapterLoraInfo(str(file), 0.0)


def _embedding(s: Settings) -> Any:
    weights = minilm_gguf(embedding_weights(), s.folder("models"))
    parameters = _server(s, s.embedding_port, EMBEDDING_MODEL, str(weights))
    parameters.embedding = True
    parameters.n_parallel = _EMBEDDING_SLOTS
    parameters.n_ctx = _EMBEDDING_SLOTS * _EMBEDDING_CONTEXT
    return parameters


def _server(s: Settings, port: int, name: str, weights: str) -> Any:
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = weights
    parameters.model_alias = {name}
    parameters.hostnames = [s.host]
    parameters.port = port
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = s.model_threads
    # The prompt cache in memory ignores which adapters were scaled how, and would mix their answers.
    parameters.cache_ram_mib = 0
    parameters.ui = False
    return parameters


def main() -> None:
    """Entry point of the stack's parts `chat` and `embedding`."""
    match sys.argv[1:]:
        case ["chat" | "embedding" as task]:
            serve_model(task)
        case _:
            raise SystemExit("usage: python -m infra.stack.embedded chat|embedding")


if __name__ == "__main__":
    try:
        main()
    except LifecycleError as error:
        raise SystemExit(f"error: {error}") from None
