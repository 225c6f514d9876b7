"""Training speed beside the loop that transformers and peft lead to, on the same rows with the same settings."""

import time
from pathlib import Path
from statistics import median

from benchmarks.augment.embedded_base import embedded_base
from benchmarks.augment.shop_rows import shop_rows
from benchmarks.figure import Figure, Reach, Row
from configs.schema.finetune import Finetune
from tasks.tuning.order import order
from tasks.tuning.tokens import Tokens, tokenised


def speed(folder: Path, steps: int) -> Row:
    """Takes turns between the two, step by step, so that whatever else the machine does slows both alike.

    Args:
        folder: an empty one.
        steps: of each; the first of each is not counted.
    """
    import torch

    from tasks.tuning.fitting import Fitting

    del folder
    settings = Finetune(steps=steps)
    ours = Fitting(embedded_base(), settings)
    rows = tokenised(shop_rows(200), ours.tokenizer, 1024, "rows")
    bare = _Bare(settings, ours.dtype)
    optimizer = torch.optim.AdamW(ours.weights, lr=settings.learning_rate, weight_decay=0.0)
    times: dict[str, list[float]] = {"ours": [], "bare": []}
    upcoming = order([row.prompt for row in rows], settings, 0)
    for _ in range(steps):
        batch = [rows[place] for places in next(upcoming) for place in places]
        started = time.perf_counter()
        ours.backward(batch, sum(len(row.answer) for row in batch))
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        between = time.perf_counter()
        bare.step(batch)
        times["ours"].append(between - started)
        times["bare"].append(time.perf_counter() - between)
    a_step = {name: median(each[1:]) for name, each in times.items()}
    tokens = sum(map(len, rows)) / len(rows)
    return Row(
        3,
        "training speed beside a bare loop of transformers and peft",
        f"{steps} steps each, in turn; batch {settings.batch}, rows of {tokens:.0f} tokens, {ours.dtype}, the same "
        "adapter, optimiser and threads. The bare loop pads, and takes the model's own loss.",
        (
            Figure(
                "rows a second, of the bare loop's",
                a_step["bare"] / a_step["ours"],
                Reach(at_least=1.0),
                unit=" ×",
                note=f"{a_step['ours']:.2f} s and {a_step['bare']:.2f} s a step, medians",
            ),
        ),
    )


class _Bare:
    """What the documentation of both leads to."""

    def __init__(self, settings: Finetune, dtype: object) -> None:
        import torch
        from peft import LoraConfig, get_peft_model
        from transformers import AutoModelForCausalLM

        base, lora = embedded_base(), settings.lora
        model = AutoModelForCausalLM.from_pretrained(base.folder, gguf_file=base.gguf, dtype=torch.float32)
        config = LoraConfig(
            r=lora.rank, lora_alpha=lora.alpha, target_modules=list(lora.targets), task_type="CAUSAL_LM"
        )
        self._half = dtype is torch.bfloat16
        self._model = get_peft_model(model, config)
        self._model.train()
        weights = [each for each in self._model.parameters() if each.requires_grad]
        self._optimizer = torch.optim.AdamW(weights, lr=settings.learning_rate, weight_decay=0.0)

    def step(self, rows: list[Tokens]) -> None:
        import torch

        longest = max(map(len, rows))
        ids, mask, labels = (torch.zeros(len(rows), longest, dtype=torch.long) for _ in range(3))
        labels -= 100
        for at, row in enumerate(rows):
            ids[at, : len(row)] = torch.tensor([*row.prompt, *row.answer])
            mask[at, : len(row)] = 1
            labels[at, len(row.prompt) : len(row)] = torch.tensor(row.answer)
        with torch.autocast("cpu", torch.bfloat16, enabled=self._half):
            loss = self._model(input_ids=ids, attention_mask=mask, labels=labels).loss
        loss.backward()
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
