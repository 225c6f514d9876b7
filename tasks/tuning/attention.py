"""Attention of a packed sequence: its rows side by side, each seeing itself and what it shares with others.

Imported only where something is trained: it needs torch.
"""

from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention

from tasks.tuning.packing import Layout

NAME = "lifecycle_packed"
"""Name under which transformers knows it, once `register` was called."""


def register() -> None:
    """Makes the attention known to transformers, which then asks for no mask."""
    from transformers import AttentionInterface
    from transformers.masking_utils import AttentionMaskInterface

    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, _no_mask)


def attend(
    module: Any,  # noqa: ARG001 transformers' signature
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,  # noqa: ARG001
    scaling: float | None = None,
    layout: Layout | None = None,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """Returns causal attention, and no weights.

    Args:
        module: of the model.
        query: shape (lines, heads, tokens, size).
        key: shape (lines, heads of keys, tokens, size).
        value: as `key`.
        attention_mask: none.
        scaling: of the products.
        layout: of a packed sequence, which is one line; None where lines are rows.

    Returns:
        Shape (lines, tokens, heads, size).
    """
    groups = query.shape[1] // key.shape[1]
    if layout is not None:
        query, key, value = (_side_by_side(states, layout) for states in (query, key, value))
    if groups > 1:
        key, value = (states.repeat_interleave(groups, dim=1) for states in (key, value))
    found = scaled_dot_product_attention(query, key, value, is_causal=True, scale=scaling).transpose(1, 2)
    if layout is None:
        return found, None
    return _ToLine.apply(found.reshape(-1, *found.shape[2:]), layout).unsqueeze(0), None


def _no_mask(*_: Any, **__: Any) -> None:
    return None


def _side_by_side(states: torch.Tensor, layout: Layout) -> torch.Tensor:
    """Returns (1, heads, tokens, size) as (rows, heads, longest, size)."""
    return _ToRows.apply(states[0].transpose(0, 1).contiguous(), layout).transpose(1, 2)


# Both ways are plain look-ups, also backwards, but for the sum of a shared span's rows: torch's own gradient of a
# look-up adds line by line, which is slow on a CPU. What is looked up behind a row's end is seen by nobody, and so has
# no gradient.


class _ToRows(torch.autograd.Function):  # type: ignore[misc]
    """(tokens, heads, size) → (rows, longest, heads, size)."""

    @staticmethod
    def forward(ctx: Any, tokens: torch.Tensor, layout: Layout) -> torch.Tensor:
        ctx.layout = layout
        return tokens.index_select(0, layout.gathered.reshape(-1)).view(*layout.gathered.shape, *tokens.shape[1:])

    @staticmethod
    def backward(ctx: Any, above: torch.Tensor) -> tuple[torch.Tensor, None]:
        layout = ctx.layout
        found = above.reshape(-1, *above.shape[2:]).index_select(0, layout.slots)
        for span in layout.shared:
            found[span.tokens] = above[span.rows, span.places].sum(0)
        return found, None


class _ToLine(torch.autograd.Function):  # type: ignore[misc]
    """(rows · longest, heads, size) → (tokens, heads, size)."""

    @staticmethod
    def forward(ctx: Any, rows: torch.Tensor, layout: Layout) -> torch.Tensor:
        ctx.layout, ctx.lines = layout, rows.shape[0]
        return rows.index_select(0, layout.slots)

    @staticmethod
    def backward(ctx: Any, above: torch.Tensor) -> tuple[torch.Tensor, None]:
        found = above.new_zeros(ctx.lines, *above.shape[1:])
        return found.index_copy_(0, ctx.layout.slots, above), None
