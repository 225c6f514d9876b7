"""Whether the served model is the trained one: likeliest tokens under teacher forcing, on rows of trained adapters."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.augment.embedded_base import embedded_base, half_precision, serving
from benchmarks.augment.shop_rows import shop_rows
from benchmarks.figure import Figure, Reach, Row
from configs.schema.finetune import Finetune, Lora
from infra.stack.weights import chat_weights
from tasks.tuning.base import shape_of
from tasks.tuning.comparing import Agreement, agreement, served_tokens
from tasks.tuning.comparing import Lora as SaysAdapters
from tasks.tuning.gguf_form import as_gguf
from tasks.tuning.tokens import Tokens, tokenised

_LEARNT_FROM = 200
_ORDERED = Finetune(lora=Lora(targets=("q_proj", "k_proj")), learning_rate=2e-3)
"""Of those projections alone whose rows llama.cpp orders otherwise: what it learns depends on their order."""


class _Trained(NamedTuple):
    """An adapter.

    Attributes:
        weights: by their names in peft.
        alpha: what they are scaled by, times the rank.
        best: the likeliest token at each token of each compared row's answer, as torch has it.
    """

    weights: dict[str, Any]
    alpha: float
    best: list[tuple[int, ...]]


def served(folder: Path, rows: int, steps: int) -> Row:
    """Trains two adapters and counts at how many tokens llama.cpp's likeliest is torch's.

    Args:
        folder: an empty one.
        rows: compared; others than those that are trained on.
        steps: of each training.
    """
    whole, compared = _trained(folder / "whole", Finetune(), rows, steps)
    ordered, _ = _trained(folder / "ordered", _ORDERED, rows, steps)
    files = {
        "whole": _file(folder / "whole.gguf", whole),
        "ordered": _file(folder / "ordered.gguf", ordered),
        "unordered": _file(folder / "unordered.gguf", ordered, permuted=False),
    }
    best = {"whole": whole.best, "ordered": ordered.best, "unordered": ordered.best}
    exact = _agreed(half_precision(folder), files, compared, best)
    rounded = _agreed(chat_weights(), {"whole": files["whole"]}, compared, best)
    figures = (
        _figure("F16 base", exact["whole"], Reach(at_least=0.98)),
        _figure("F16 base, adapter of q and k alone", exact["ordered"], Reach(at_least=0.98)),
        _figure("F16 base, that one with its rows not reordered (control)", exact["unordered"], Reach(at_most=0.95)),
        _figure("Q4_1 base", rounded["whole"], Reach()),
    )
    return Row(
        4,
        f"the served adapter against the trained one, {rows} rows",
        f"Adapters of {steps} steps on {_LEARNT_FROM} shop rows; at each token of each answer, all before it given, "
        "the likeliest next token of llama.cpp's server and of torch. One adapter is of all projections, as the "
        "project trains them. The other is of q and k alone, whose rows llama.cpp orders otherwise: served without "
        "reordering them it must be another model, or this comparison would show nothing.",
        figures,
    )


def _trained(folder: Path, settings: Finetune, rows: int, steps: int) -> tuple[_Trained, tuple[Tokens, ...]]:
    """Returns an adapter, and the rows that it was not trained on."""
    from tasks.tuning.fitting import Fitting
    from tasks.tuning.training import train

    settings = settings.model_copy(update={"steps": steps, "checkpoint_every": 1000})
    fitting = Fitting(embedded_base(), settings)
    tokens = tokenised(shop_rows(_LEARNT_FROM + rows), fitting.tokenizer, 1024, "rows")
    folder.mkdir()
    trained = train(fitting, settings, tokens[:_LEARNT_FROM], (), folder, lambda *_: None)
    compared = tokens[_LEARNT_FROM:]
    weights = {name: each.numpy() for name, each in trained.weights.items()}
    return _Trained(weights, settings.lora.alpha, [fitting.best_tokens(row) for row in compared]), compared


def _file(path: Path, adapter: _Trained, *, permuted: bool = True) -> Path:
    path.write_bytes(as_gguf(adapter.weights, shape_of(embedded_base()), adapter.alpha, permuted=permuted))
    return path


def _agreed(
    weights: Path, files: dict[str, Path], rows: tuple[Tokens, ...], best: dict[str, list[tuple[int, ...]]]
) -> dict[str, Agreement]:
    with serving(weights, files) as (address, ids):
        return {
            name: agreement(best[name], asyncio.run(served_tokens(rows, address, _named(id_))))
            for name, id_ in ids.items()
        }


def _named(adapter: float) -> SaysAdapters:
    async def lora() -> Sequence[dict[str, float]]:
        return [{"id": adapter, "scale": 1.0}]

    return lora


def _figure(what: str, found: Agreement, reach: Reach) -> Figure:
    note = f"{found.same} of {found.tokens} tokens"
    return Figure(f"same likeliest token, {what}", found.share, reach, digits=3, note=note)
