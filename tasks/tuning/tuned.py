"""What a fine-tune came to, whoever did it: this machine or a provider."""

from typing import Literal, NamedTuple

from tasks.candidate import Adapter


class Loss(NamedTuple):
    """A point of a curve: the mean loss of an answer's token after a step, on one side of the split."""

    step: int
    side: Literal["train", "held_out"]
    value: float


class Checkpoint(NamedTuple):
    """A state on the way: what a candidate could answer with instead of the last.

    Attributes:
        step: steps that were done.
        adapter: the weights then.
        held_out: mean loss on the held-out examples; None where it was not measured.
    """

    step: int
    adapter: Adapter
    held_out: float | None = None


class Tuned(NamedTuple):
    """A finished fine-tune.

    Attributes:
        adapter: what a candidate answers with.
        losses: both curves, by step.
        facts: what is recorded beside them by name, such as `peak_memory_mb` or `rows_per_s`.
        checkpoints: states on the way, the oldest first, where whoever tuned it has kept any.
    """

    adapter: Adapter
    losses: tuple[Loss, ...]
    facts: dict[str, float]
    checkpoints: tuple[Checkpoint, ...] = ()
