"""A served request as a row: with the labels of the row that was played, where that is known."""

from dataclasses import replace

from tasks.data.row import Row
from tasks.serving.served import Served


def row_of(served: Served, known: Row | None) -> Row:
    """Returns a served request as a row.

    Requests that played the same row, or rows about the same thing, are not independent: they share its cluster.
    """
    if known is None:
        return Row(id=served.id, messages=served.messages, columns=served.columns)
    return replace(known, id=served.id, cluster=known.cluster or known.id, messages=served.messages)
