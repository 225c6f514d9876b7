"""Texts as the project's embedded embedding model sees them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.ports import free_ports
from infra.stack.minilm import minilm_gguf
from infra.stack.weights import embedding_weights

if TYPE_CHECKING:
    import numpy as np

_BATCH = 32
_SLOTS, _CONTEXT = 4, 512


def embeddings(texts: Sequence[str], folder: Path) -> "np.ndarray":
    """Returns MiniLM's embeddings, shape (texts, 384), each of length 1, from a server that ends with the call.

    Args:
        texts: of 512 tokens at most.
        folder: of the served file, which is written there where it is missing.
    """
    import httpx
    import numpy as np
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(minilm_gguf(embedding_weights(), folder))
    parameters.hostnames, parameters.port = ["127.0.0.1"], free_ports(1)[0]
    parameters.embedding = True
    parameters.n_parallel, parameters.n_ctx = _SLOTS, _SLOTS * _CONTEXT
    parameters.verbosity = 1  # errors alone
    server = xllamacpp.Server(parameters)
    found = []
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{parameters.port}", timeout=120, trust_env=False) as client:
            for start in range(0, len(texts), _BATCH):
                asked = {"input": texts[start : start + _BATCH]}
                reply = client.post("/v1/embeddings", json=asked).raise_for_status().json()
                found += [each["embedding"] for each in sorted(reply["data"], key=lambda each: each["index"])]
    finally:
        del server
    vectors = np.asarray(found, np.float32)
    unit: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit
