"""Which documents rows may be written from: only those that nothing which measures stands on."""

from collections.abc import Iterable, Mapping, Sequence

from tasks.curating.item import Item
from tasks.curating.splitting import side_of
from tasks.retrieval.documents import Document


def teachable(
    documents: Sequence[Document], items: Iterable[Item], splits: Mapping[str, float], seed: int
) -> tuple[Document, ...]:
    """Returns the documents of the training split.

    A document is a cluster: where rows of `train` are about it, it is that split's, where none are, its hash says.
    One that rows of another split stand on, or are about, is not asked about, whatever its hash says.

    Args:
        documents: all of the app's.
        items: all rows with their sides, guarded ones included.
        splits: share of the clusters that each split gets.
        seed: of the split.
    """
    trained, others = set[str](), set[str]()
    for item in items:
        (trained if item.side == "train" else others).update((*item.row.documents, item.row.cluster))
    return tuple(
        document
        for document in documents
        if document.id not in others and (document.id in trained or side_of(document.id, splits, seed) == "train")
    )
