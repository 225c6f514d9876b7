"""Indexes of texts given directly, and what finding asks with, without a server."""

import re
import zlib

import numpy as np
import pytest

from tasks.retrieval.index import Index


def _vectors(texts):
    vectors = np.zeros((len(texts), 256), "float32")
    for vector, text in zip(vectors, texts, strict=True):
        for word in re.findall(r"\w+", text.lower()):
            vector[zlib.crc32(word.encode()) % 256] += 1
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


class Means:
    """Embeds by counting words: texts of the same words are near; reranks by how few words a text has."""

    def __init__(self):
        self.asked = []
        self.parts_asked = []

    async def embed(self, texts, user):
        self.asked += [(text, user) for text in texts]
        return _vectors(texts)

    async def parts(self, texts):
        self.parts_asked += texts
        return _vectors(texts)

    async def rerank(self, question, texts, user):
        return [-len(text.split()) for text in texts]


@pytest.fixture
def means():
    return Means()


@pytest.fixture
def index_of():
    """Makes an index of one chunk a document: ids D0, D1, …."""

    def make(*texts):
        return Index("i" * 16, tuple(f"D{at}" for at in range(len(texts))), texts, _vectors(texts))

    return make
