"""The base of a fine-tune: which weights they are, where they lie, and the model and tokenizer read from them."""

import hashlib
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from configs.errors import ConfigurationError
from configs.loading import LoadedApp
from tasks.calling.endpoint import endpoint_model

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

ARCHITECTURE = "llama"
"""What `config.json` calls the architecture that can be trained here, and that llama.cpp takes an adapter of."""

_CONTENT = (
    *("config.json", "*.safetensors", "*.bin"),
    *("tokenizer*", "chat_template*", "additional_chat_templates/*", "special_tokens_map.json", "added_tokens.json"),
    *("vocab.*", "merges.txt", "*.model", "*.tiktoken"),
)
"""Files of a folder that decide what is trained: the model, then its tokenizer in the forms that there are."""


class Base(NamedTuple):
    """Weights that an adapter is trained on.

    Attributes:
        model: name of the configured model that answers with it.
        identity: what that name stands for, as a candidate's `endpoint_model` says it.
        folder: where the weights lie.
        gguf: name of the file in it, where they are one in llama.cpp's format; "" for Hugging Face's.
    """

    model: str
    identity: str
    folder: Path
    gguf: str = ""


class LoadedBase(NamedTuple):
    """A base in memory."""

    model: "PreTrainedModel"
    tokenizer: "PreTrainedTokenizerBase"


def base_of(loaded: LoadedApp, model: str | None) -> Base:
    """Returns the base that `finetune.base` names, for a candidate's model.

    Args:
        loaded: the app.
        model: name of the candidate's model.

    Raises:
        ConfigurationError: there is none of that name, it is no model, or the candidate's model does not serve it.
    """
    where, named = f"{loaded.folder / 'app.yaml'}: key `finetune.base`", loaded.app.finetune.base
    if named is None or named in loaded.models:
        name = named or model
        config = loaded.models.get(name) if name else None
        if name is None or config is None:
            raise ConfigurationError(f"{where}: the candidate names no model to fine-tune; name one in `models`")
        if config.kind != "embedded" or config.task != "chat":
            raise ConfigurationError(
                f"{where}: the weights of {name!r} are not on this machine; name the folder that they lie in"
            )
        from infra.stack.weights import chat_weights

        file = chat_weights()
        return Base(name, endpoint_model(name, config), file.parent, file.name)
    if model is None or model not in loaded.models or loaded.models[model].kind == "embedded":
        raise ConfigurationError(
            f"{where}: {named!r} is a folder, but the candidate's model {model!r} serves the embedded weights; "
            f"name a model of kind `openai` that serves that folder, or leave the key out"
        )
    folder = loaded.folder / named
    _check_folder(folder, where)
    return Base(model, endpoint_model(model, loaded.models[model]), folder)


def load_base(base: Base, dtype: "torch.dtype", attention: str) -> LoadedBase:
    """Reads a base's model and tokenizer.

    Args:
        base: which.
        dtype: of its weights in memory.
        attention: name of the attention as transformers knows it.

    Raises:
        ConfigurationError: they cannot be read.
    """
    from transformers import AutoModelForCausalLM

    more = {"gguf_file": base.gguf} if base.gguf else {}
    with _quiet(), _told(base):
        model = AutoModelForCausalLM.from_pretrained(base.folder, dtype=dtype, attn_implementation=attention, **more)
        return LoadedBase(model, load_tokenizer(base))


@cache
def load_tokenizer(base: Base) -> "PreTrainedTokenizerBase":
    """Reads a base's tokenizer, with its chat template; of a GGUF file that takes seconds, so once a process.

    Raises:
        ConfigurationError: it cannot be read, or has no chat template.
    """
    from transformers import AutoTokenizer

    more = {"gguf_file": base.gguf} if base.gguf else {}
    with _quiet(), _told(base):
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(base.folder, **more)
    if not tokenizer.chat_template:
        raise ConfigurationError(f"{base.folder}: its tokenizer has no chat template; add `chat_template.jinja` to it")
    return tokenizer


@cache
def shape_of(base: Base) -> dict[str, Any]:
    """Returns the sizes that a base's `config.json`, or its GGUF file, says; nothing of its weights is read.

    Keys: `hidden_size`, `intermediate_size`, `num_hidden_layers`, `num_attention_heads`, `num_key_value_heads`,
    `head_dim`, `vocab_size`, `max_position_embeddings`, `model_type`.

    Raises:
        ConfigurationError: it is of another architecture than can be trained here.
    """
    from transformers import AutoConfig

    more = {"gguf_file": base.gguf} if base.gguf else {}
    with _quiet(), _told(base):
        config = AutoConfig.from_pretrained(base.folder, **more)
    if config.model_type != ARCHITECTURE:
        raise ConfigurationError(
            f"{base.folder}: is of the architecture {config.model_type!r}, of which no adapter can be converted; "
            f"name a base of the architecture {ARCHITECTURE!r}"
        )
    heads = config.num_attention_heads
    return {
        **{name: getattr(config, name) for name in ("hidden_size", "intermediate_size", "num_hidden_layers")},
        "num_attention_heads": heads,
        "num_key_value_heads": config.num_key_value_heads or heads,
        "head_dim": getattr(config, "head_dim", None) or config.hidden_size // heads,
        **{name: getattr(config, name) for name in ("vocab_size", "max_position_embeddings", "model_type")},
    }


def content_digest(base: Base) -> str | None:
    """Names the content of a folder: configuration, weights, and what makes tokens of messages.

    None of a GGUF file, which holds all of that: its identity names it.
    """
    if base.gguf:
        return None
    found = hashlib.sha256()
    files = {path for pattern in _CONTENT for path in base.folder.glob(pattern) if path.is_file()}
    for path in sorted(files):
        with path.open("rb") as file:
            name = path.relative_to(base.folder).as_posix()
            found.update(f"{name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return found.hexdigest()[:16]


def _check_folder(folder: Path, where: str) -> None:
    file = folder / "config.json"
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        known = isinstance(content, dict) and "model_type" in content
    except (OSError, ValueError):
        known = False
    if not known or not [*folder.glob("*.safetensors"), *folder.glob("*.bin")]:
        raise ConfigurationError(
            f"{where}: {folder} is no model: it needs config.json with `model_type`, a tokenizer, and weights as "
            f"safetensors; name such a folder, or an embedded model"
        )


@contextmanager
def _told(base: Base) -> Iterator[None]:
    """Turns whatever transformers says of files that it cannot read into one line."""
    try:
        yield
    except ConfigurationError:
        raise
    except Exception as error:  # it reads files of other people's, and raises what it comes across
        first = str(error).strip().partition("\n")[0]
        raise ConfigurationError(
            f"{base.folder}: cannot be read as a model: {first or type(error).__name__}; mend it, or name another"
        ) from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps transformers' bars and warnings off the terminal, which has bars of its own."""
    from transformers.utils import logging as theirs

    level, bars = theirs.get_verbosity(), theirs.is_progress_bar_enabled()
    theirs.set_verbosity(logging.ERROR)
    theirs.disable_progress_bar()
    # The bar of a GGUF file is tqdm's own, which knows no switch but this.
    from transformers import modeling_gguf_pytorch_utils as gguf_files

    shown, gguf_files.tqdm = gguf_files.tqdm, lambda found, **_: found
    try:
        yield
    finally:
        gguf_files.tqdm = shown
        theirs.set_verbosity(level)
        if bars:
            theirs.enable_progress_bar()
