"""Embeddings as an endpoint gives them: by the app's own embedding model, as many as a body holds."""

import base64
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from pydantic import BeforeValidator, Field, field_validator

from configs.loading import LoadedApp
from configs.schema.model import ModelConfig, Price
from tasks.calling.embedding import Embedded
from tasks.calling.pricing import price_of
from tasks.serving.protocol import Lenient


def _texts_of(given: Any) -> Any:
    """Returns a text as a list of one."""
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError("a text or a list of texts; numbers of tokens are not read")
    if not all(texts):
        raise ValueError("a text is empty")
    return texts


class EmbeddingsRequest(Lenient):
    """A request."""

    model: str
    input: Annotated[list[str], BeforeValidator(_texts_of), Field(min_length=1, max_length=2048)]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = None

    @field_validator("dimensions")
    @classmethod
    def _of_the_model(cls, dimensions: int | None) -> int | None:
        if dimensions is not None:
            raise ValueError("vectors have the model's own; leave it out")
        return None


class EmbeddingModel(NamedTuple):
    """The embedding model of an app: its name, where it is asked and what it costs."""

    name: str
    config: ModelConfig
    priced: Price | None

    def price(self, embedded: Embedded) -> float | None:
        """Returns what some vectors cost, None where the model has no price."""
        return price_of(embedded.usage, self.priced) if self.priced else None


def embedding_model(loaded: LoadedApp) -> EmbeddingModel | None:
    """Returns the model by which an app's documents and questions are embedded, None where it has none."""
    if loaded.app.retrieval is None:
        return None
    name = loaded.app.retrieval.embedding_model
    return EmbeddingModel(name, loaded.models[name], loaded.prices.get(name))


def embeddings(asked: EmbeddingsRequest, embedded: Embedded) -> dict[str, Any]:
    """Returns vectors as the protocol tells them; `base64` is that of little-endian 32-bit floats."""
    vectors = embedded.vectors.astype("<f4")
    data = [
        {"object": "embedding", "index": index, "embedding": _told(vector, asked.encoding_format)}
        for index, vector in enumerate(vectors)
    ]
    tokens = embedded.usage.input
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "model": asked.model, "data": data, "usage": usage}


def _told(vector: np.ndarray, encoding: str) -> list[float] | str:
    return base64.b64encode(vector.tobytes()).decode() if encoding == "base64" else vector.tolist()
