"""A public task, sorted in four ways: what a fine-tune is worth beside the model as it is, and beside a baseline."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.augment.intents import Intents, Query, drawn
from benchmarks.augment.sorting import Sorted, baseline, few_shot, fine_tuned, zero_shot
from benchmarks.figure import Figure, Reach, Row
from configs.schema.finetune import Finetune
from tasks.statistics.intervals import Interval, difference_interval, mean_interval

_NUMBER, _TITLE = 2, "Messages to a bank (Banking77), sorted in four ways"
_SETTINGS = Finetune(steps=80, batch=8, learning_rate=2e-3, look_every=20)
_CONFIDENCE = 0.95
_TRAINING_S = 12 * 60


def banking77(folder: Path, queries: Sequence[Query] | None, quick: bool) -> Row:
    """Sorts unseen messages in four ways, and counts what is exactly the label.

    Args:
        folder: an empty one.
        queries: Banking77's; None where nobody said where they lie, and then nothing is measured.
        quick: a few steps and a few messages.
    """
    if queries is None:
        told = "left out: give the folder of Banking77's train.csv, `make bench-augment DATA=PATH`"
        return Row(_NUMBER, _TITLE, "Left out: its data were not given.", (Figure("answers right", None, note=told),))
    intents, settings = drawn(queries), _SETTINGS
    if quick:
        intents = intents._replace(unseen=intents.unseen[::10])
        settings = settings.model_copy(update={"steps": 3})
    small = baseline(intents, folder)
    tuned = fine_tuned(intents, settings, folder)
    figures = (
        _figure("as it is, labels listed", intents, zero_shot(intents), Reach(), small),
        _figure("with 10 examples, labels listed", intents, few_shot(intents), Reach(), small),
        _figure("fine-tuned", intents, tuned, Reach(at_least=0.80), small),
        _figure("baseline: MiniLM, logistic regression", intents, small, Reach()),
        Figure(
            "training",
            tuned.facts["seconds"],
            Reach(at_most=_TRAINING_S),
            digits=0,
            unit=" s",
            note=f"{tuned.facts['steps']:.0f} steps of {settings.batch} rows, {tuned.facts['rows_per_s']:.1f} rows/s",
        ),
    )
    return Row(_NUMBER, _TITLE, _how(intents, settings, tuned), figures)


def beside(one: Sequence[bool], other: Sequence[bool]) -> str:
    """Says in words which of two ways is right more often, the first or the baseline.

    Args:
        one: whether each of its answers is right.
        other: whether each of the baseline's is, of the same messages.
    """
    found = difference_interval(np.subtract(one, other, dtype=float), np.arange(len(one)), _CONFIDENCE, 1.0)
    if found.high < 0:
        return f"the baseline wins, by {-found.value:.2f} {_ends(-found.high, -found.low)}"
    if found.low > 0:
        return f"beats the baseline, by {found.value:.2f} {_ends(found.low, found.high)}"
    return f"neither it nor the baseline wins: {found.value:+.2f} {_ends(found.low, found.high)}"


def _figure(what: str, intents: Intents, way: Sorted, reach: Reach, other: Sorted | None = None) -> Figure:
    right = _right(way, intents)
    found: Interval = mean_interval(np.array(right, float), np.arange(len(right)), _CONFIDENCE, 0.0, 1.0)
    said = [f"{_ends(found.low, found.high)} of {len(right)}"]
    if strange := sum(each not in intents.labels for each in way.given):
        said.append(f"{strange} are no label")
    said.append((f"learnt in {way.learning_s:.0f} s, " if way.learning_s else "") + f"sorted in {way.sorting_s:.0f} s")
    if other is not None:
        said.append(beside(right, _right(other, intents)))
    return Figure(f"answers right, {what}", found.value, reach, digits=3, note="; ".join(said))


def _right(way: Sorted, intents: Intents) -> list[bool]:
    return [given == query.label for given, query in zip(way.given, intents.unseen, strict=True)]


def _ends(low: float, high: float) -> str:
    return f"[{low:.2f}, {high:.2f}]"


def _how(intents: Intents, settings: Finetune, tuned: Sorted) -> str:
    return (
        f"{len(intents.labels)} intents drawn by `random.Random(7)` over the sorted labels, {len(intents.train)} "
        f"training messages and {len(intents.unseen)} unseen ones, as many of each intent, no text on both sides. The "
        "embedded model answers greedily, as served; an answer is right where it is exactly the label. The fine-tune "
        f"is the project's own: rank {settings.lora.rank}, learning rate {settings.learning_rate:g}, "
        f"{tuned.facts['rows_held_out']:.0f} of the training messages held out, a prompt that lists no labels; its "
        "settings were chosen on training messages alone. Intervals are of 95 %, differences paired."
    )
