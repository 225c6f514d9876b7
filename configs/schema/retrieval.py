"""Documents, and how they are cut and embedded."""

from pydantic import Field, model_validator

from configs.schema.base import Frozen


class Retrieval(Frozen):
    """The app's documents and how an index is made of them."""

    documents: str
    """JSONL, CSV or Parquet with `id` and `text`, or a folder of `.md` and `.txt` files; relative to `app.yaml`."""
    embedding_model: str = "minilm"
    """Name of an embedding model."""
    chunk_words: int = Field(120, ge=8, le=2000)
    """Words (in languages without spaces: characters) of one chunk at most."""
    overlap_words: int = Field(0, ge=0, le=500)
    """Words that a chunk repeats of the one before it."""

    @model_validator(mode="after")
    def _chunks_move_on(self) -> "Retrieval":
        if self.overlap_words >= self.chunk_words:
            raise ValueError("`overlap_words` must be less than `chunk_words`")
        return self
