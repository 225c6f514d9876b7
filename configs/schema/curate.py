"""How rows of datasets, files and production become a curated dataset."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from configs.schema.base import Frozen
from configs.schema.dataset import Split

Side = Literal["train", "sample", "full"]
"""What a curated row may become part of: what a model learns from, or what it is measured by."""

Share = Annotated[float, Field(ge=0, le=1)]

_MEASURES: frozenset[str] = frozenset({"sample", "full", "redteam"})


class Duplicates(Frozen):
    """When two rows are one, of which one is kept."""

    overlap: float = Field(0.8, ge=0.5, le=1)
    """Share of their runs of four characters that two questions have in common (Jaccard), from which on they are near
    duplicates; found by MinHash, and then counted."""
    meaning: float = Field(0.95, gt=0.5, le=1)
    """Cosine of their embeddings from which on two questions mean the same."""


class Contamination(Frozen):
    """When a row of one split gives away a row of another: the same question or the same answer, not the same topic."""

    ngram: int = Field(5, ge=3, le=20)
    """Tokens of the runs by which texts are compared; a shorter question is never found inside another one, only as a
    repeat of it."""
    overlap: float = Field(0.8, ge=0.5, le=1)
    """Share of the shorter question's runs that the longer one holds, from which on it holds the question."""
    meaning: float = Field(0.95, gt=0.5, le=1)
    """Cosine of their embeddings from which on two questions mean the same."""
    same_answer: float = Field(0.75, gt=0, le=1)
    """Cosine from which on two questions with the same answer, word by word and longer than a run, are the same."""


class Traces(Frozen):
    """The served requests as a source."""

    days: float | None = Field(None, gt=0)
    """Days back from now; all that are kept where not set."""
    take_answers: bool = False
    """Take what was answered for the reference, where nothing is wrong with the answer. Without it a request that no
    labelled row was played in has no reference, and is set apart for people to answer."""


class Synthetic(Frozen):
    """Rows that a teacher writes from the app's documents; they are only ever trained on."""

    teacher: str
    """Name of the chat model that writes them."""
    per_passage: int = Field(3, ge=1, le=20)
    """Rows asked for from each part of a document."""
    passages: int = Field(200, ge=1)
    """Parts of documents asked about at most."""
    passage_words: int = Field(200, ge=20, le=2000)
    """Words of one part at most."""
    support: float = Field(0.5, ge=0, le=1)
    """Share of each sentence's content terms that the supporting passage must hold, beside all its numbers."""
    cite: bool = False
    """End each answer with the document's id in brackets."""
    temperature: float | None = Field(0.0, ge=0, le=2)
    """0 is greedy; the endpoint's default where null."""
    max_tokens: int = Field(800, ge=50, le=32768)
    """Tokens of one reply at most."""


class Curate(Frozen):
    """What `curate` makes a dataset of, and how."""

    datasets: tuple[Split, ...] = ("production",)
    """The app's datasets whose rows go in; `train` and `examples` rows stay what they are, `production` rows become
    part of any split. Those not named here are only guarded: no curated row may give one of theirs away."""
    files: tuple[str, ...] = ()
    """Further files of rows with the columns of `datasets.columns`, relative to `app.yaml`, or of chat fine-tuning
    JSONL; what is no row in them is set apart. Without an id column a row is named by its content."""
    traces: Traces | None = Traces()
    """The served requests; null for none."""
    splits: dict[Side, Share] = Field({"train": 0.8, "full": 0.2}, min_length=1)
    """Share of the clusters that each split gets."""
    seed: int = 7
    """Decides which cluster goes where."""
    class_column: str | None = None
    """Column whose values are the rows' classes, which are counted and, where of few rows, named; nothing balances
    them. The first of `datasets.columns.slices` where not set."""
    least_rows: int = Field(10, ge=1)
    """Rows below which there is nothing to curate."""
    embedding_model: str | None = "minilm"
    """Embedding model by which meanings are compared; null to compare words alone."""
    duplicates: Duplicates = Duplicates()
    """When two rows are one."""
    contamination: Contamination = Contamination()
    """When a row gives another away."""
    swears: float = Field(0.9, gt=0, le=1)
    """Probability from which on a row swears, and is set apart."""
    synthetic: Synthetic | None = None
    """Rows that a teacher writes; none where not set."""

    @property
    def shares(self) -> dict[str, float]:
        """Share of the clusters by the name of the split."""
        return {str(side): share for side, share in self.splits.items()}

    @model_validator(mode="after")
    def _what_measures_is_no_source(self) -> "Curate":
        if named := [split for split in self.datasets if split in _MEASURES]:
            raise ValueError(
                f"`datasets` names {named[0]}, which models are measured by and which stays as it is; leave it out"
            )
        return self

    @model_validator(mode="after")
    def _shares_are_a_whole(self) -> "Curate":
        if abs(sum(self.splits.values()) - 1) > 1e-6:
            raise ValueError(f"`splits` add up to {sum(self.splits.values()):g}; shares add up to 1")
        return self
