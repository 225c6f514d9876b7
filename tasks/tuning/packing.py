"""Batches: the rows of one forward pass, as one sequence without padding or as lines padded to the longest.

Packed, what all prompts of a batch begin with stands at the front once, and every row follows it at the positions it
would have alone. A row's attention sees that front and itself, so that each token has the same states, and each weight
the same gradient, as if the rows were computed one by one.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from tasks.tuning.tokens import Tokens

if TYPE_CHECKING:
    import torch


class Layout(NamedTuple):
    """Where the tokens of a packed sequence stand in its rows, and the other way round.

    Attributes:
        gathered: shape (rows, longest): for each place of each row, which token of the sequence is there; 0 behind a
            row's end.
        slots: shape (tokens,): for each token of the sequence, its place in the flattened rows; for those of the
            front, its place in the first row.
        front: tokens that all rows share.
    """

    gathered: "torch.Tensor"
    slots: "torch.Tensor"
    front: int


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
    """Returns rows as one sequence.

    Args:
        rows: at least one.
    """
    import torch

    front = _shared(rows)
    ids, positions = list(rows[0].prompt[:front]), list(range(front))
    longest = max(map(len, rows))
    gathered, slots = torch.zeros(len(rows), longest, dtype=torch.long), list(range(front))
    predicting: list[int] = []
    for at, row in enumerate(rows):
        own, start = (*row.prompt, *row.answer)[front:], len(ids)
        ids += own
        positions += range(front, len(row))
        slots += range(at * longest + front, at * longest + len(row))
        gathered[at, :front] = torch.arange(front)
        gathered[at, front : len(row)] = torch.arange(start, start + len(own))
        last = start + len(own) - len(row.answer) - 1
        predicting += range(last, last + len(row.answer))
    return Batch(
        ids=torch.tensor([ids]),
        positions=torch.tensor([positions]),
        layout=Layout(gathered, torch.tensor(slots), front),
        predicting=torch.tensor(predicting),
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
        layout = Layout(layout.gathered.to(device), layout.slots.to(device), layout.front)
    ids, positions = batch.ids.to(device), batch.positions.to(device)
    return Batch(ids, positions, layout, batch.predicting.to(device), batch.targets.to(device))


def _shared(rows: Sequence[Tokens]) -> int:
    """Returns how many tokens all prompts begin with in common; the token that an answer follows is each row's own."""
    shortest = min(len(row.prompt) for row in rows) - 1
    first = rows[0].prompt
    for at in range(shortest):
        if any(row.prompt[at] != first[at] for row in rows):
            return at
    return shortest
