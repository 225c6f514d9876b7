"""Watching a provider's job: its steps as progress, its losses as curves."""

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from tasks.calling.fine_tuning import FineTuning
from tasks.progress import Bar, bar, say
from tasks.tuning.tuned import Loss

if TYPE_CHECKING:
    from openai.types.fine_tuning import FineTuningJob


class Watching:
    """What was seen of a job so far; closes its bar at the end of a `with` block."""

    def __init__(self, endpoint: FineTuning, label: str) -> None:
        self._endpoint, self._label = endpoint, label
        self._status = ""
        self._known: set[str] = set()
        self._metrics: dict[int, dict[str, float]] = {}
        self._bar: Bar | None = None
        self._done = 0
        self._shown = ExitStack()

    def __enter__(self) -> "Watching":
        return self

    def __exit__(self, *_: object) -> None:
        self._shown.close()

    async def see(self, job: "FineTuningJob") -> None:
        """Takes how a job stands, and asks for the events since the last look.

        Raises:
            CallFailure: they cannot be asked for.
        """
        if job.status != self._status:
            self._status = job.status
            say(f"{self._label}: job {job.id} is {job.status.replace('_', ' ')}")
        for event in await self._endpoint.events(job.id, self._known.__contains__):
            self._known.add(event.id)
            if event.type == "metrics" and isinstance(event.data, dict):
                self._take(event.data)

    @property
    def steps(self) -> int:
        """The last step that was told of."""
        return max(self._metrics, default=0)

    @property
    def share(self) -> float:
        """Share of the job's steps that were told of, 0 to 1."""
        last = self._metrics.get(self.steps, {})
        return min(1.0, self.steps / last["total_steps"]) if last.get("total_steps") else 0.0

    @property
    def losses(self) -> tuple[Loss, ...]:
        """Both curves by step; the held-out one of all its examples where the provider measures them, else of some."""
        full = any("full_valid_loss" in metrics for metrics in self._metrics.values())
        sides = {"train": "train_loss", "held_out": "full_valid_loss" if full else "valid_loss"}
        return tuple(
            Loss(step, side, metrics[key])  # type: ignore[arg-type] # the two literals
            for step, metrics in sorted(self._metrics.items())
            for side, key in sides.items()
            if key in metrics
        )

    def _take(self, data: dict[str, Any]) -> None:
        numbers = {key: float(value) for key, value in data.items() if isinstance(value, int | float)}
        if "step" not in numbers:
            return
        step = int(numbers["step"])
        self._metrics[step] = numbers
        if self._bar is None and numbers.get("total_steps"):
            self._bar = self._shown.enter_context(bar(f"{self._label} · steps", int(numbers["total_steps"])))
        loss = f"loss {numbers['train_loss']:.3f}" if "train_loss" in numbers else ""
        while self._bar is not None and self._done < step:
            self._done += 1
            self._bar.advance(loss)
