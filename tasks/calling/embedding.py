"""Embeddings: texts → vectors, each asked once, in batches, and journaled."""

import asyncio
import base64
from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from configs.errors import ConfigurationError
from configs.loading import LoadedApp
from configs.schema.model import ModelConfig
from configs.settings import settings
from tasks.calling.answer import Usage
from tasks.calling.connecting import open_client
from tasks.calling.endpoint import callee_of, endpoint_model, model_name, retries_of
from tasks.calling.failures import CallFailure, failure_of, torn
from tasks.calling.fitting import fitting
from tasks.calling.limits.limiter import model_limiter
from tasks.calling.pricing import most, price_needed, price_of
from tasks.calling.retrying import with_retries
from tasks.calling.spend import Bill, Spend
from tasks.calling.together import together
from tasks.identity import digest
from tasks.journal.journal import Journal

BATCH = 32
"""Texts of one request; a failure costs at most so many."""


class Embedded(NamedTuple):
    """Vectors of some texts, shape (texts, dimensions), and the tokens that these were."""

    vectors: np.ndarray
    usage: Usage


def embedding_identity(loaded: LoadedApp, model: str) -> str:
    """Returns what an embedding model's name stands for; vectors of two identities do not compare.

    Raises:
        ConfigurationError: it is no embedding model.
    """
    return endpoint_model(model, _embedding_model(loaded, model))


async def embed(
    texts: Sequence[str],
    *,
    loaded: LoadedApp,
    model: str,
    journal: Journal | None,
    epoch: str,
    spend: Spend | None = None,
    user: str = "",
) -> np.ndarray:
    """Returns the embeddings of texts, one a row, in their order.

    Args:
        texts: what to embed; the same text twice is asked once.
        loaded: the app.
        model: name of an embedding model.
        journal: where vectors are looked up and kept; None to ask without.
        epoch: round of asking.
        spend: ledger that counts the requests.
        user: id of the person whom the texts belong to; "" for nobody.

    Returns:
        float32, shape (len(texts), dimensions), each row of length 1; shape (0, 0) for no texts.

    Raises:
        CallFailure: the endpoint gave no usable vectors; batches finished before are journaled.
        BudgetUsedUp: `spend` allows no further request.
        ConfigurationError: it is no embedding model, or has no price while `spend` caps it.
    """
    config = _embedding_model(loaded, model)
    identity = endpoint_model(model, config)
    price = price_needed(loaded, model) if spend is not None else None
    keys = {text: _key(identity, text, epoch) for text in texts}
    vectors: dict[str, np.ndarray] = {}
    limiter = model_limiter(config, journal.path.parent if journal is not None else settings().folder())

    async def request(batch: list[str]) -> Embedded:
        async with limiter.slot():
            at_most = most(batch, 0, price)
            with spend.request(at_most) if spend is not None else nullcontext(Bill()) as bill:
                found = await _request(config, batch)
                bill.usage, bill.price = found.usage, price_of(found.usage, price) if price else None
        limiter.used(found.usage.input)
        return found

    async def ask(batch: list[str]) -> None:
        tried = await with_retries(partial(request, batch), retries_of(config), limiter.sleep)
        for position, (text, vector) in enumerate(zip(batch, tried.value.vectors, strict=True)):
            vectors[text] = vector
            if journal is not None:
                usage = tried.value.usage if position == 0 else Usage()
                journal.put(keys[text], epoch, model, _record(vector, usage), "embedding", user)

    async with journal.in_flight.alone(keys.values()) if journal is not None else nullcontext():
        for text, key in keys.items():
            if (vector := _journaled(journal, key, user)) is not None:
                vectors[text] = vector
        missing = [text for text in keys if text not in vectors]
        await together(ask(missing[start : start + BATCH]) for start in range(0, len(missing), BATCH))
    return np.stack([vectors[text] for text in texts]) if texts else np.zeros((0, 0), np.float32)


async def embed_now(texts: Sequence[str], config: ModelConfig, folder: Path) -> Embedded:
    """Returns the embeddings of texts, each asked for whatever was asked before; nothing is kept of them.

    Args:
        texts: what to embed, at least one.
        config: an embedding model.
        folder: where processes share the limits of its endpoint.

    Raises:
        CallFailure: the endpoint gave no usable vectors.
        ConfigurationError: the environment variable that should hold its key is not set.
    """
    limiter, found = model_limiter(config, folder), dict[int, Embedded]()

    async def request(batch: list[str]) -> Embedded:
        async with limiter.slot():
            given = await _request(config, batch)
        limiter.used(given.usage.input)
        return given

    async def ask(start: int) -> None:
        batch = list(texts[start : start + BATCH])
        found[start] = (await with_retries(partial(request, batch), retries_of(config), limiter.sleep)).value

    await together(ask(start) for start in range(0, len(texts), BATCH))
    parts = [found[start] for start in sorted(found)]
    tokens = sum(part.usage.input for part in parts)
    return Embedded(np.concatenate([part.vectors for part in parts]), Usage(input=tokens))


def unknown_texts(
    texts: Sequence[str], *, loaded: LoadedApp, model: str, journal: Journal, epoch: str
) -> tuple[str, ...]:
    """Returns the texts that `embed` would have to ask for, each once: those that the journal does not know.

    Raises:
        ConfigurationError: it is no embedding model.
    """
    identity = embedding_identity(loaded, model)
    return tuple(text for text in dict.fromkeys(texts) if not journal.holds(_key(identity, text, epoch)))


def _key(identity: str, text: str, epoch: str) -> str:
    return digest(["embedding", identity, text, epoch])


def _embedding_model(loaded: LoadedApp, name: str) -> ModelConfig:
    config = loaded.models.get(name)
    if config is None or config.task != "embedding":
        known = ", ".join(sorted(key for key, model in loaded.models.items() if model.task == "embedding"))
        raise ConfigurationError(f"{name!r} is no embedding model; known are {known or 'none'}")
    return config


async def _request(config: ModelConfig, texts: list[str]) -> Embedded:
    callee, client = callee_of(config), open_client(config)
    try:
        async with asyncio.timeout(config.timeout_s):
            if config.kind == "embedded":
                texts = [await fitting(text) for text in texts]
            # As numbers: not every endpoint knows the packed form that the client would ask for.
            reply = await client.embeddings.create(
                model=model_name(config), input=texts, encoding_format="float", timeout=config.timeout_s
            )
        rows = [entry.embedding for entry in sorted(reply.data, key=lambda entry: entry.index)]
        vectors = np.asarray(rows, dtype=np.float32)
    except CallFailure:
        raise
    except Exception as error:  # whatever an endpoint answers, it is the endpoint's failure
        raise failure_of(error, callee) from None
    if vectors.ndim != 2 or len(vectors) != len(texts) or not np.isfinite(vectors).all():
        raise torn(f"gave no vector for each of {len(texts)} texts", callee)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    tokens = reply.usage.prompt_tokens if reply.usage else 0
    return Embedded(vectors / np.where(lengths > 0, lengths, 1), Usage(input=tokens or 0))


def _journaled(journal: Journal | None, key: str, user: str) -> np.ndarray | None:
    record = journal.get(key, user) if journal is not None else None
    return None if record is None else np.frombuffer(base64.b64decode(record["vector"]), dtype="<f4")


def _record(vector: np.ndarray, usage: Usage) -> dict[str, Any]:
    return {"vector": base64.b64encode(vector.astype("<f4").tobytes()).decode(), "usage": list(usage)}
