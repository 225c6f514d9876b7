"""Batches: the rows of one forward pass, as one sequence without padding or as lines padded to the longest.

Packed, the rows' prompts are a tree: what some of them begin with in common stands in the sequence once, and each row
goes on from there at the positions it would have alone. A row's attention sees its own way through the tree, so that
each token has the same states, and each weight the same gradient, as if the rows were computed one by one.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from tasks.tuning.prefixes import common_prefix
from tasks.tuning.tokens import Tokens

if TYPE_CHECKING:
    import torch

_SHORTEST = 4
"""Tokens that are worth a span of their own: shorter ones are there by chance, where two questions begin with the same
word, and each costs a few sums in every layer."""


class Span(NamedTuple):
    """Tokens that stand in a packed sequence once.

    Attributes:
        tokens: where they stand in the sequence.
        rows: which rows have them.
        places: where they stand in each of those.
    """

    tokens: slice
    rows: slice
    places: slice


class Layout(NamedTuple):
    """Where the tokens of a packed sequence stand in its rows, and the other way round.

    Attributes:
        gathered: shape (rows, longest): for each place of each row, which token of the sequence is there; 0 behind a
            row's end.
        slots: shape (tokens,): for each token of the sequence, its place in the flattened rows; for those of several
            rows, its place in the first of them.
        shared: the spans that several rows have.
    """

    gathered: "torch.Tensor"
    slots: "torch.Tensor"
    shared: tuple[Span, ...]


class Batch(NamedTuple):
    """What one forward pass takes.

    Attributes:
        ids: token ids, shape (1, tokens) packed, else (rows, longest).
        positions: of each token in its row, of the same shape.
        layout: of a packed sequence; None where rows are padded lines.
        predicting: flat indices of the tokens whose next token is an answer's.
        targets: those answer tokens, of the same length.
    """

    ids: "torch.Tensor"
    positions: "torch.Tensor"
    layout: Layout | None
    predicting: "torch.Tensor"
    targets: "torch.Tensor"


def packed(rows: Sequence[Tokens]) -> Batch:
    """Returns rows as one sequence, sorted by their prompts.

    Args:
        rows: at least one.
    """
    import torch

    rows = sorted(rows, key=lambda row: row.prompt)
    longest = max(map(len, rows))
    ids: list[int] = []
    positions: list[int] = []
    slots: list[int] = []
    gathered, shared = torch.zeros(len(rows), longest, dtype=torch.long), []
    for span in _spans(rows):
        first, places = span.rows.start, span.places
        ids += (*rows[first].prompt, *rows[first].answer)[places]
        positions += range(places.start, places.stop)
        slots += range(first * longest + places.start, first * longest + places.stop)
        gathered[span.rows, places] = torch.arange(span.tokens.start, span.tokens.stop)
        if span.rows.stop - first > 1:
            shared.append(span)
    return Batch(
        ids=torch.tensor([ids]),
        positions=torch.tensor([positions]),
        layout=Layout(gathered, torch.tensor(slots), tuple(shared)),
        predicting=torch.cat(
            [line[len(row.prompt) - 1 : len(row) - 1] for line, row in zip(gathered, rows, strict=True)]
        ),
        targets=torch.tensor([token for row in rows for token in row.answer]),
    )


def padded(rows: Sequence[Tokens], padding: int) -> Batch:
    """Returns rows as lines, padded at their ends; attention looks back only, so that nothing sees the padding.

    Args:
        rows: at least one.
        padding: token id that fills them up.
    """
    import torch

    longest = max(map(len, rows))
    lines = [[*row.prompt, *row.answer] + [padding] * (longest - len(row)) for row in rows]
    predicting = [
        at * longest + len(row.prompt) - 1 + step for at, row in enumerate(rows) for step in range(len(row.answer))
    ]
    return Batch(
        ids=torch.tensor(lines),
        positions=torch.arange(longest).repeat(len(rows), 1),
        layout=None,
        predicting=torch.tensor(predicting),
        targets=torch.tensor([token for row in rows for token in row.answer]),
    )


def moved(batch: Batch, device: "torch.device") -> Batch:
    """Returns a batch on a device."""
    layout = batch.layout
    if layout is not None:
        layout = Layout(layout.gathered.to(device), layout.slots.to(device), layout.shared)
    ids, positions = batch.ids.to(device), batch.positions.to(device)
    return Batch(ids, positions, layout, batch.predicting.to(device), batch.targets.to(device))


def _spans(rows: Sequence[Tokens]) -> Iterator[Span]:
    """Yields the spans of sorted rows in the sequence's order, those of one row alone among them.

    The token that an answer follows is each row's own.
    """
    alike = [
        min(common_prefix(one.prompt, two.prompt), len(one.prompt) - 1, len(two.prompt) - 1)
        for one, two in pairwise(rows)
    ]
    written, waiting = 0, [(0, len(rows), 0)]
    while waiting:
        first, end, start = waiting.pop()
        stop = min(alike[first : end - 1], default=len(rows[first]))
        branches = [first, *(at + 1 for at in range(first, end - 1) if alike[at] == stop), end]
        if end - first > 1:
            # Too short a span is left to its branches.
            stop = stop if stop - start >= _SHORTEST else start
            waiting += [(*branch, stop) for branch in reversed(list(pairwise(branches)))]
        if stop > start:
            yield Span(slice(written, written + stop - start), slice(first, end), slice(start, stop))
            written += stop - start
