"""Whether the served model is the trained one: likeliest tokens under teacher forcing, on rows of a trained adapter."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from benchmarks.augment.embedded_base import embedded_base, half_precision, serving
from benchmarks.augment.shop_rows import shop_rows
from benchmarks.figure import Figure, Reach, Row
from configs.schema.finetune import Finetune
from infra.stack.weights import chat_weights
from tasks.tuning.base import shape_of
from tasks.tuning.comparing import Agreement, Lora, agreement, served_tokens
from tasks.tuning.gguf_form import as_gguf
from tasks.tuning.tokens import Tokens, tokenised


def served(folder: Path, rows: int, steps: int) -> Row:
    """Trains an adapter and counts at how many tokens llama.cpp's likeliest is torch's.

    Args:
        folder: an empty one.
        rows: compared; others than those that are trained on.
        steps: of the training.
    """
    from tasks.tuning.fitting import Fitting
    from tasks.tuning.training import train

    base, settings = embedded_base(), Finetune(steps=steps, checkpoint_every=1000)
    fitting = Fitting(base, settings)
    tokens = tokenised(shop_rows(200 + rows), fitting.tokenizer, 1024, "rows")
    trained = train(fitting, settings, tokens[:200], (), folder, lambda *_: None)
    compared = _forced(tokens[200:])
    best = [fitting.best_tokens(row) for row in compared]
    weights = {name: each.numpy() for name, each in trained.weights.items()}
    shape, files = shape_of(base), {}
    for name, permuted in (("adapter", True), ("unpermuted", False)):
        files[name] = folder / f"{name}.gguf"
        files[name].write_bytes(as_gguf(weights, shape, settings.lora.alpha, permuted=permuted))
    exact = _agreed(half_precision(folder), files, compared, best)
    rounded = _agreed(chat_weights(), files, compared, best)
    figures = (
        _figure("F16 base", exact["adapter"], Reach(at_least=0.98)),
        _figure("F16 base, q and k unpermuted (control)", exact["unpermuted"], Reach(at_most=0.95)),
        _figure("Q4_1 base", rounded["adapter"], Reach()),
        _figure("Q4_1 base, q and k unpermuted (control)", rounded["unpermuted"], Reach()),
    )
    return Row(
        4,
        f"the served adapter against the trained one, {rows} rows",
        f"An adapter of {steps} steps on 200 shop rows; at each token of each answer, all before it given, the "
        "likeliest next token of llama.cpp's server and of torch; the same with an adapter whose q and k rows were not "
        "reordered. Every second row is given another row's answer: of its own the trained model is so sure that an "
        "adapter could be served wrongly and nobody would see it.",
        figures,
    )


def _forced(rows: tuple[Tokens, ...]) -> tuple[Tokens, ...]:
    """Returns the rows, every second of them with the answer of the row before it."""
    return tuple(Tokens(row.row_id, row.prompt, rows[at - 1].answer) if at % 2 else row for at, row in enumerate(rows))


def _agreed(
    weights: Path, files: dict[str, Path], rows: tuple[Tokens, ...], best: list[tuple[int, ...]]
) -> dict[str, Agreement]:
    with serving(weights, files) as (address, ids):
        return {
            name: agreement(best, asyncio.run(served_tokens(rows, address, _named(id_)))) for name, id_ in ids.items()
        }


def _named(adapter: float) -> Lora:
    async def lora() -> Sequence[dict[str, float]]:
        return [{"id": adapter, "scale": 1.0}]

    return lora


def _figure(what: str, found: Agreement, reach: Reach) -> Figure:
    note = f"{found.same} of {found.tokens} tokens"
    return Figure(f"same likeliest token, {what}", found.share, reach, digits=3, note=note)
