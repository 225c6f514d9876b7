"""Datasets and the roles of their columns."""

from typing import Literal

from pydantic import model_validator

from configs.schema.base import Frozen

Split = Literal["sample", "full", "redteam", "production", "examples", "train"]
"""The part a dataset plays: the small and the large evaluation, attacks, played traffic, few-shot material, and what
weights are fitted to."""


class Columns(Frozen):
    """Which column of the app's datasets plays which role. A role that is not set is not used."""

    id: str = "id"
    """Stable, unique id of the row."""
    question: str | None = "question"
    """The user's question, where a row is one turn."""
    messages: str | None = None
    """List of `{role, content}`, where a row is a conversation; the last one is the user's."""
    reference: str | None = None
    """Reference answer."""
    documents: str | None = None
    """List of the ids of the documents that support the reference (or one string, ids parted by commas)."""
    cluster: str | None = None
    """What the row is about; rows of one cluster are not independent."""
    answerable: str | None = None
    """True where the documents hold the answer, false where the right answer is to say that they do not."""
    user: str | None = None
    """Id of the person who asked: `lifecycle journal erase --user` finds the calls by it."""
    slices: tuple[str, ...] = ()
    """Columns by whose values metrics are also shown."""

    @model_validator(mode="after")
    def _question_or_messages(self) -> "Columns":
        if self.question is None and self.messages is None:
            raise ValueError("set `question` or `messages`: a row needs one of them")
        return self


class Datasets(Frozen):
    """Files of an app's datasets, relative to `app.yaml`: JSONL, CSV or Parquet."""

    sample: str
    """The small set: read after every change."""
    full: str
    """The large set: read before a release."""
    redteam: str | None = None
    """Attacks and traps."""
    production: str | None = None
    """Rows that play the traffic after a release."""
    examples: str | None = None
    """Solved rows that few-shot examples are taken from; never shared with sample or full."""
    train: str | None = None
    """Rows that weights are fitted to; never shared with sample, full or examples. JSONL without ids may be chat
    fine-tuning lines: the last message of each is the reference."""
    columns: Columns = Columns()
    """Roles of the columns."""

    def paths(self) -> dict[Split, str]:
        """Returns the path of each split that is set, in the order of the fields."""
        splits: tuple[Split, ...] = ("sample", "full", "redteam", "production", "examples", "train")
        return {split: path for split in splits if (path := getattr(self, split)) is not None}
