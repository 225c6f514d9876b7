"""Texts as vectors in which drift can be seen: an embedding model's where the app has one, else of their words."""

from collections.abc import Sequence
from functools import lru_cache, partial
from zlib import crc32

import numpy as np

from configs.errors import ConfigurationError
from tasks.calling.embeddable import Embeddable, embeddable
from tasks.calling.embedding import embed, embedding_identity
from tasks.retrieval.lexical import search_terms
from tasks.scoring.asked import Means
from tasks.statistics.two_sample import Vectors

_DIMENSIONS = 512
WORDS = "words-1"
"""Names vectors of words. Bump it when the same text gets another vector."""


def embedding_model(means: Means) -> str | None:
    """Returns the name of the model that the app's requests are embedded with; None where there is none.

    Raises:
        ConfigurationError: `monitor.drift.embedding_model` names no embedding model.
    """
    app = means.loaded.app
    named = app.monitor.drift.embedding_model
    model = named or (app.retrieval.embedding_model if app.retrieval else None)
    if model is None:
        return None
    try:
        embedding_identity(means.loaded, model)
    except ConfigurationError as error:
        if named:
            raise ConfigurationError(f"app {app.name}: key `monitor.drift.embedding_model`: {error}") from None
        return None
    return model


def space(means: Means) -> str:
    """Returns what vectors of the app's requests are vectors of; those of two spaces do not compare."""
    model = embedding_model(means)
    return embedding_identity(means.loaded, model) if model else WORDS


async def vectors_of(texts: Sequence[str], means: Means) -> Embeddable:
    """Returns a vector of length 1 for each text that says something, but for those that the model does not take.

    They are not journaled: who watches asks for each text once.

    Raises:
        LifecycleError: the embedding model gave no vectors, or the budget is used up.
    """
    model = embedding_model(means)
    if model is None:
        return Embeddable(tuple(range(len(texts))), word_vectors(texts))
    ask = partial(embed, loaded=means.loaded, model=model, journal=None, epoch=means.epoch, spend=means.spend)
    return await embeddable(texts, ask)


def word_vectors(texts: Sequence[str]) -> Vectors:
    """Returns the words of texts as vectors: each word is a sign at a place, both by its hash (Weinberger et al. 2009).

    A word counts by the root of how often it stands there.
    """
    vectors = np.zeros((len(texts), _DIMENSIONS), np.float32)
    for at, text in enumerate(texts):
        for term in search_terms(text):
            place, sign = _hashed(term)
            vectors[at, place] += sign
    rooted = np.sign(vectors) * np.sqrt(np.abs(vectors))
    lengths = np.linalg.norm(rooted, axis=1, keepdims=True)
    return np.asarray(rooted / np.where(lengths > 0, lengths, 1), np.float32)


def weighed(known: Vectors, fresh: Vectors) -> tuple[Vectors, Vectors]:
    """Returns two sets of vectors of words with the rare words of both together counting for more, as search has it.

    What all texts share says nothing of their topics. Which words are rare does not depend on which set a text is in.
    """
    every = np.vstack([known, fresh])
    share = (np.count_nonzero(every, axis=0) + 1) / (len(every) + 1)
    heavy = every * np.log(1 / share)
    lengths = np.linalg.norm(heavy, axis=1, keepdims=True)
    unit = np.asarray(heavy / np.where(lengths > 0, lengths, 1), np.float32)
    return unit[: len(known)], unit[len(known) :]


@lru_cache(100_000)
def _hashed(term: str) -> tuple[int, int]:
    found = crc32(term.encode())
    return found % _DIMENSIONS, 1 if found >> 31 else -1
