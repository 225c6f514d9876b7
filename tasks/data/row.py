"""A row of a dataset and the dataset it belongs to."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

from configs.schema.dataset import Split


class Message(NamedTuple):
    """One message of a conversation."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str


@dataclass(frozen=True, slots=True)
class Row:
    """One row, its columns already read by their roles.

    Attributes:
        id: stable and unique in its dataset.
        messages: the conversation so far; the last message is the user's. One question is one message.
        reference: reference answer, "" where there is none.
        documents: ids of the documents that support the reference.
        cluster: what the row is about; the row's own id where the dataset has no clusters.
        answerable: whether the documents hold the answer; None where the dataset does not say.
        user: id of the person who asked; "" where the dataset does not say.
        slices: value of each slice column, as text.
        columns: every column as it was read (prompt variables and targets take their values from here).
        repeat: which further answer to the same question this one is; 0 for the first.
    """

    id: str
    messages: tuple[Message, ...]
    reference: str = ""
    documents: tuple[str, ...] = ()
    cluster: str = ""
    answerable: bool | None = None
    user: str = ""
    slices: dict[str, str] = field(default_factory=dict)
    columns: dict[str, Any] = field(default_factory=dict)
    repeat: int = 0

    @property
    def question(self) -> str:
        """The user's last message."""
        return self.messages[-1].content


class Rows(Protocol):
    """Rows that can be counted, and gone through as often as one likes."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Row]: ...


@dataclass(frozen=True, slots=True)
class Dataset:
    """Rows in their file's order.

    Attributes:
        app: name of the app.
        split: which of its datasets it is.
        path: of the file.
        rows: a large file is read anew each time they are gone through.
        digest: names their content, whatever the file's format or name.
        columns: names of the columns that any row has.
        shared_columns: names of the columns that every row has.
    """

    app: str
    split: Split
    path: str
    rows: Rows
    digest: str
    columns: tuple[str, ...] = ()
    shared_columns: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """Name shown to people, such as `outfitter/sample`."""
        return f"{self.app}/{self.split}"
