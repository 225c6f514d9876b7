"""A low-rank adapter in llama.cpp's format."""

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from configs.errors import ConfigurationError

_NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_KEY = re.compile(r"base_model\.model\.model\.layers\.(\d+)\.(.+)\.lora_([AB])\.weight")


def as_gguf(
    weights: Mapping[str, "np.ndarray"], shape: Mapping[str, Any], alpha: float, *, permuted: bool = True
) -> bytes:
    """Returns the content of an adapter's GGUF file.

    llama.cpp turns pairs of neighbouring rows of q and k where Hugging Face turns a row and the one half a head further
    down: so the rows of what makes q and k, those of `lora_B`, come in its order.

    Args:
        weights: by peft's names; float32.
        shape: sizes of the base.
        alpha: of the adapter.
        permuted: False leaves q and k as they are: a wrong adapter, to compare the right one with.

    Raises:
        ConfigurationError: the adapter holds weights that llama.cpp takes none of.
    """
    import gguf

    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "adapter.gguf"
        writer = gguf.GGUFWriter(file, "llama")
        writer.add_type("adapter")
        writer.add_string("adapter.type", "lora")
        writer.add_float32("adapter.lora.alpha", alpha)
        for key in sorted(weights):
            tensor = _tensor_name(key)
            rows = weights[key].astype(np.float32)
            heads = {"attn_q": shape["num_attention_heads"], "attn_k": shape["num_key_value_heads"]}
            part = tensor.split(".")[2]
            if permuted and part in heads and tensor.endswith("lora_b"):
                rows = _llama_order(rows, heads[part])
            writer.add_tensor(tensor, np.ascontiguousarray(rows))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return file.read_bytes()


def _tensor_name(key: str) -> str:
    found = _KEY.fullmatch(key)
    if found is None or found[2] not in _NAMES:
        raise ConfigurationError(
            f"adapter: {key!r} cannot be converted for llama.cpp, which takes {', '.join(_NAMES)}; "
            f"leave other `finetune.lora.targets` out"
        )
    return f"blk.{found[1]}.{_NAMES[found[2]]}.weight.lora_{found[3].lower()}"


def _llama_order(rows: np.ndarray, heads: int) -> np.ndarray:
    return rows.reshape(heads, 2, rows.shape[0] // heads // 2, rows.shape[1]).swapaxes(1, 2).reshape(rows.shape)
