"""Rewrites all-MiniLM-L6-v2 as the GGUF file that llama.cpp serves.

The tensors keep their values: matrices in half precision, the rest as they are. Names follow gguf's own table
for the architecture `bert`.
"""

import hashlib
import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory

_LAYOUT = "bert-f16-1"
"""Part of the file's name: change it whenever what is written below changes."""

_SPECIAL_TOKENS = {"unk": "[UNK]", "sep": "[SEP]", "pad": "[PAD]", "cls": "[CLS]", "mask": "[MASK]"}


def minilm_gguf(weights: Path, folder: Path) -> Path:
    """Returns the GGUF file of the model, which it writes where it is missing.

    Two processes may do so at once: each writes a file of its own and renames it into place.

    Args:
        weights: the safetensors file, with `config.json` and `vocab.txt` beside it.
        folder: folder of `<digest>.gguf`; the digest is that of the weights and of the layout written.
    """
    with weights.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    digest.update(_LAYOUT.encode())
    path = folder / f"{digest.hexdigest()[:16]}.gguf"
    if path.is_file():
        return path
    with TemporaryDirectory(dir=folder, prefix=".writing-") as temporary:
        written = Path(temporary) / path.name
        _write(weights, written)
        with written.open("rb") as file:
            os.fsync(file.fileno())
        written.replace(path)
    return path


def _write(weights: Path, path: Path) -> None:
    import gguf
    import numpy as np
    from safetensors import safe_open

    config = json.loads((weights.parent / "config.json").read_text(encoding="utf-8"))
    vocabulary = (weights.parent / "vocab.txt").read_text(encoding="utf-8").splitlines()
    layers = config["num_hidden_layers"]

    writer = gguf.GGUFWriter(path, "bert")
    writer.add_name("all-MiniLM-L6-v2")
    writer.add_block_count(layers)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_layer_norm_eps(config["layer_norm_eps"])
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)

    special = {name: vocabulary.index(token) for name, token in _SPECIAL_TOKENS.items()}
    kinds = [gguf.TokenType.NORMAL] * len(vocabulary)
    for token_id in special.values():
        kinds[token_id] = gguf.TokenType.CONTROL
    writer.add_tokenizer_model("bert")
    writer.add_token_list([_word_piece(token) for token in vocabulary])
    writer.add_token_types(kinds)
    writer.add_token_type_count(config["type_vocab_size"])
    writer.add_unk_token_id(special["unk"])
    writer.add_sep_token_id(special["sep"])
    writer.add_pad_token_id(special["pad"])
    writer.add_bos_token_id(special["cls"])
    writer.add_mask_token_id(special["mask"])

    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.BERT, layers)
    with safe_open(weights, "numpy") as tensors:
        for key in tensors.keys():  # noqa: SIM118 (not a mapping: it cannot be iterated itself)
            name = names.get_name(key, try_suffixes=(".weight", ".bias"))
            if name is None:  # the pooler and the numbered positions take no part in a sentence's embedding
                continue
            tensor = tensors.get_tensor(key)
            is_matrix = tensor.ndim == 2 and not name.startswith(("position_embd", "token_types"))
            writer.add_tensor(name, tensor.astype(np.float16 if is_matrix else np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _word_piece(token: str) -> str:
    """llama.cpp marks the start of a word; BERT's vocabulary marks its continuation."""
    if token.startswith("[") and token.endswith("]"):
        return token
    return token[2:] if token.startswith("##") else "▁" + token
