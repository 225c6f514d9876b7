"""Documents: how they are cut and embedded, where their vectors lie, and how passages are found."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from configs.schema.base import Frozen

Chunker = Literal["words", "heading", "sentence", "tokens"]
"""What a chunk is: words in even pieces, the sections of Markdown, whole sentences, or tokens in even pieces."""

SearchKind = Literal["vectors", "lexical", "hybrid"]
"""By the embeddings' similarity, by BM25 over the words, or by the ranks of both, fused."""


class SentenceRerank(Frozen):
    """The first passages are ordered anew by their sentences, each compared with the question's: no model is asked."""

    kind: Literal["sentences"]
    """`sentences`: a passage is as good as the best of its sentences."""
    of: int = Field(20, ge=2, le=200)
    """Passages that are ordered anew."""


class EndpointRerank(Frozen):
    """The first passages are ordered anew by a reranking model, which reads question and passage together."""

    kind: Literal["endpoint"]
    """`endpoint`: a model of the task `rerank`, asked at `/v1/rerank` as vLLM, llama.cpp and Jina answer it."""
    model: str
    """Name of that model in the configuration."""
    of: int = Field(20, ge=2, le=200)
    """Passages that are ordered anew; each is a text that the model reads."""


Rerank = Annotated[SentenceRerank | EndpointRerank, Field(discriminator="kind")]


class EmbeddedStore(Frozen):
    """Vectors in files of this machine: compared one by one while they are few, by a graph where they are many."""

    kind: Literal["embedded"] = "embedded"
    """`embedded`: no server."""
    exact_up_to: int = Field(200_000, ge=0)
    """Chunks of an index up to which every vector is compared; above it the nearest are found by a graph (HNSW), which
    misses a few."""


class PgvectorStore(Frozen):
    """Vectors in PostgreSQL with the extension `vector`, where several machines search the same ones."""

    kind: Literal["pgvector"]
    """`pgvector`: a PostgreSQL server that has the extension `vector`."""
    address_env: str = Field("LIFECYCLE_PGVECTOR", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    """Name of the environment variable that holds the connection string; never the string itself."""
    table: str = Field("lifecycle_chunks", pattern=r"^[a-z_][a-z0-9_]{0,50}$")
    """Table of the vectors, made where missing; indexes of many apps share it."""


VectorStore = Annotated[EmbeddedStore | PgvectorStore, Field(discriminator="kind")]


class Found(Frozen):
    """How passages are found and which of them are shown. What is not set is the app's, or the default."""

    search: SearchKind | None = None
    """`vectors` where not set."""
    fusion_constant: int | None = Field(None, ge=1, le=1000)
    """Constant of reciprocal-rank fusion, for `hybrid`: the larger, the less the first ranks count; 60 where not
    set."""
    rerank: Rerank | None = None
    """Orders the first passages anew; nothing does where not set."""
    min_score: float | None = Field(None, ge=-1, le=1)
    """Passages whose similarity to the question (the cosine of their embeddings) is below this are not shown."""
    named_only: bool | None = None
    """Whether a passage is shown only where it holds the names in the question (capitalised words inside a sentence,
    with the numbers behind them): asked for a product that is in no document, nothing is shown."""
    min_statement_score: float | None = Field(None, ge=-1, le=1)
    """A passage is left out where none of its statements (what stands between full stops, semicolons and line breaks)
    is at least this similar to what the question asks of it, names apart: it is about the right thing, and does not say
    what was asked."""
    statements: int | None = Field(None, ge=1, le=100)
    """Of a passage only its subject and so many statements are shown, those nearest to what the question asks, the
    nearest first; all of it where not set."""
    otherwise: str | None = Field(None, min_length=1)
    """Answered, without asking the model, where no passage is shown; the model is asked without any where not set."""


class Retrieval(Found):
    """The app's documents, how an index is made of them, and how it is searched where a move says nothing else."""

    documents: str
    """JSONL, CSV or Parquet with `id` and `text`, or a folder of `.md` and `.txt` files; relative to `app.yaml`."""
    embedding_model: str = "minilm"
    """Name of an embedding model."""
    chunker: Chunker = "words"
    """What a chunk is: `words` (even pieces of so many words), `heading` (a section of Markdown, with the headings
    above it; longer ones in even pieces), `sentence` (as many whole sentences as fit) or `tokens` (even pieces of so
    many tokens)."""
    chunk_words: int = Field(120, ge=8, le=2000)
    """Words (in languages without spaces: characters) of one chunk at most."""
    overlap_words: int = Field(0, ge=0, le=500)
    """Words that a chunk repeats of the one before it; for `sentence` as many whole sentences as fit into them."""
    chunk_tokens: int = Field(200, ge=8, le=8192)
    """Tokens of one chunk at most, for `tokens`: those of the embedded model's vocabulary (WordPiece)."""
    overlap_tokens: int = Field(0, ge=0, le=500)
    """Tokens that a chunk repeats of the one before it, for `tokens`."""
    store: VectorStore = EmbeddedStore()
    """Where the vectors are searched."""

    @model_validator(mode="after")
    def _chunks_move_on(self) -> "Retrieval":
        if self.overlap_words >= self.chunk_words:
            raise ValueError("`overlap_words` must be less than `chunk_words`")
        if self.overlap_tokens >= self.chunk_tokens:
            raise ValueError("`overlap_tokens` must be less than `chunk_tokens`")
        return self
