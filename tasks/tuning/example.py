"""A training example: what a model is sent, as serving would send it, and what it should answer."""

from typing import NamedTuple

from tasks.data.row import Message


class TrainingExample(NamedTuple):
    """One example.

    Attributes:
        row_id: the row that it was made of.
        messages: what the model is sent.
        answer: what it should answer.
        cluster: what the row is about; examples of one cluster stay on one side of a split. "" for a row of its own.
    """

    row_id: str
    messages: tuple[Message, ...]
    answer: str
    cluster: str = ""
