"""Adapters on disk: a folder each, named by its digest, with peft's form, llama.cpp's, and a card."""

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from configs.errors import DataError
from configs.schema.base import Frozen
from configs.schema.finetune import Finetune
from tasks.candidate import LoraAdapter
from tasks.identity import digest
from tasks.tuning.gguf_form import as_gguf
from tasks.writing import write_whole, writing

if TYPE_CHECKING:
    import numpy as np

GGUF, WEIGHTS, CONFIG, CARD = "adapter.gguf", "adapter_model.safetensors", "adapter_config.json", "card.json"
FILES = (GGUF, WEIGHTS, CONFIG, CARD)


class Point(Frozen):
    """A point of a curve; see `Loss`."""

    step: int
    side: str
    value: float


class Card(Frozen):
    """What an adapter was made of, and how the making went."""

    digest: str
    base: str
    """The base, as `endpoint_model` says it."""
    app: str
    parent: str
    """Digest of the candidate whose model was fitted."""
    move: str
    data: dict[str, str]
    """Digests of the training rows and of the documents in their prompts, and of the prompts themselves."""
    settings: Finetune
    losses: tuple[Point, ...]
    facts: dict[str, float]
    """Steps, rows, rows/s, seconds, memory."""


def write_adapter(
    folder: Path,
    weights: Mapping[str, "np.ndarray"],
    config: Mapping[str, Any],
    shape: Mapping[str, Any],
    about: Mapping[str, Any],
) -> Card:
    """Writes an adapter's folder, unless one of the same weights is there, and returns its card with this `about`.

    Args:
        folder: of all adapters.
        weights: by peft's names, float32.
        config: peft's configuration of it.
        shape: sizes of the base.
        about: the card's keys beyond the digest.

    Raises:
        ConfigurationError: llama.cpp takes no such adapter.
        DataError: the disk is full or refuses to be written, or the folder that is there is damaged.
    """
    from safetensors.numpy import save

    content = save({name: weights[name] for name in sorted(weights)}, metadata={"format": "pt"})
    plain = {key: sorted(value) if isinstance(value, set) else value for key, value in config.items()}
    # What a configuration says of this machine, such as where the base lies, makes no other adapter.
    kept = {key: value for key, value in plain.items() if key not in ("base_model_name_or_path", "inference_mode")}
    name = digest([_sha256(content), json.loads(json.dumps(kept, default=str)), about["base"]])
    card = Card(digest=name, **about)
    if (folder / name / CARD).is_file():
        card_of(folder, name)
        return card
    files = {
        GGUF: as_gguf(weights, shape, float(config["lora_alpha"])),
        WEIGHTS: content,
        CONFIG: json.dumps({**kept, "inference_mode": True}, indent=2, default=str).encode(),
        CARD: card.model_dump_json(indent=2).encode(),
    }
    _place(folder, name, files)
    return card


def card_of(folder: Path, name: str) -> Card:
    """Returns an adapter's card.

    Raises:
        DataError: there is no such adapter on this machine, or its folder is damaged.
    """
    try:
        return Card.model_validate_json((folder / name / CARD).read_bytes())
    except FileNotFoundError:
        raise DataError(f"no adapter {name} in {folder}; run finetune to make it") from None
    except (OSError, ValidationError) as error:
        first = str(error).partition("\n")[0]
        raise DataError(f"{folder / name}: is damaged ({first}); delete it and run finetune again") from None


def check_adapter(folder: Path, adapter: LoraAdapter, base: str) -> None:
    """Refuses an adapter that is not here, or that another base was trained with.

    Args:
        folder: of all adapters.
        adapter: a candidate's.
        base: what the candidate's model stands for.

    Raises:
        DataError: says which.
    """
    if adapter.base != base:
        raise DataError(
            f"adapter {adapter.digest}: was trained on {adapter.base}, the model stands for {base}; "
            f"run finetune on that model"
        )
    card_of(folder, adapter.digest)
    if missing := [name for name in FILES if not (folder / adapter.digest / name).is_file()]:
        raise DataError(f"{folder / adapter.digest}: {missing[0]} is gone; delete the folder and run finetune again")


def take_in(folder: Path, name: str, fetched: Path) -> None:
    """Puts a folder that was fetched from elsewhere in its place, unless it is there.

    Raises:
        DataError: it lacks a file, or cannot be written.
    """
    if (folder / name / CARD).is_file():
        return
    try:
        files = {each: (fetched / each).read_bytes() for each in FILES}
    except OSError as error:
        raise DataError(f"adapter {name}: was fetched without {Path(str(error.filename)).name}; run finetune") from None
    _place(folder, name, files)


def points_of(losses: Sequence[Any]) -> tuple[Point, ...]:
    """Returns losses as a card holds them."""
    return tuple(Point(step=each.step, side=each.side, value=each.value) for each in losses)


def _place(folder: Path, name: str, files: Mapping[str, bytes]) -> None:
    """Writes a folder under another name beside its place and moves it there; where it is there by then, it stays."""
    with writing(folder / name):
        folder.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=".", dir=folder))
        try:
            for file, content in files.items():
                write_whole(part / file, content)
            part.chmod(0o755)
            try:
                part.rename(folder / name)
            except OSError:
                if not (folder / name / CARD).is_file():
                    raise
        finally:
            shutil.rmtree(part, ignore_errors=True)


def _sha256(content: bytes) -> str:
    import hashlib

    return hashlib.sha256(content).hexdigest()
