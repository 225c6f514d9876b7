"""Fine-tunes in MLflow: a run each, its loss while it is trained, and at the end all that made the adapter."""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Any

from configs.errors import StackError
from configs.schema.base import Frozen
from tasks.candidate import Candidate
from tasks.identity import digest
from tasks.tracking.connection import connect, experiment_of
from tasks.tracking.plots import loss_curves
from tasks.tracking.recording import (
    COMPLETE,
    Content,
    RecordedRun,
    as_json,
    begin_run,
    discard_begun,
    record_run,
    run_lock,
)
from tasks.tuning.adapters import Card
from tasks.tuning.tuned import Loss

_log = logging.getLogger(__name__)
_EVERY_S = 3.0
_KIND = "finetune"


class FollowedLoss:
    """Writes a curve to MLflow while it grows, some seconds' points at once; a server that is away stops no training.

    Args:
        app: name of the app.
        key: names the training.
        name: of the run, as people read it.
    """

    def __init__(self, app: str, key: str, name: str) -> None:
        self._app, self._key, self._name = app, key, name
        self._waiting: list[Loss] = []
        self._told = 0.0

    async def __call__(self, new: Sequence[Loss], *, last: bool = False) -> None:
        """Takes points of the curve.

        Args:
            new: those since the last time.
            last: whether no more come, so that none wait.
        """
        self._waiting += new
        if not self._waiting or (time.monotonic() - self._told < _EVERY_S and not last):
            return
        waiting, self._waiting = self._waiting, []
        try:
            await asyncio.to_thread(self._write, waiting)
        except StackError as error:
            _log.debug("the curve is recorded at its end: %s", error)
        self._told = time.monotonic()

    def _write(self, losses: Sequence[Loss]) -> None:
        from mlflow.entities import Metric

        with connect() as client, run_lock(self._app, _KIND, self._key):
            run = begin_run(client, experiment_of(client, self._app), _KIND, self._key, self._name, {})
            if COMPLETE in run.data.tags:
                return
            # The same time for the same step, so that a point that is written again is the same point.
            started = run.info.start_time
            points = [Metric(f"loss.{each.side}", each.value, started + each.step, each.step) for each in losses]
            for at in range(0, len(points), 1000):
                client.log_batch(run.info.run_id, metrics=points[at : at + 1000])


def record_finetune(candidate: Candidate, training: str, card: Card, same_tokens: float | None) -> RecordedRun:
    """Records a fine-tune, once for each candidate that it made: one training serves several that differ in the rest.

    Args:
        candidate: what it made.
        training: names the training; the run that its curve was followed in becomes the first candidate's.
        card: of the adapter.
        same_tokens: share of tokens that the served model agrees on with the trained one; None where not compared.

    Raises:
        StackError: MLflow does not answer or refuses it.
    """

    def content() -> Content:
        held_out = [each.value for each in card.losses if each.side == "held_out"]
        lora = card.settings.lora
        tags = {
            "lifecycle.candidate": candidate.digest,
            "lifecycle.adapter": card.digest,
            "lifecycle.base": card.base,
            "lifecycle.parent": card.parent,
            **{f"lifecycle.data.{name}": value for name, value in card.data.items()},
        }
        return Content(
            name=f"finetune · {candidate.label}",
            parameters={
                "adapter": card.digest,
                "base": card.base,
                "parent": card.parent,
                "move": card.move,
                **{f"data_{name}": value for name, value in card.data.items()},
                **{f"lora_{name}": value for name, value in lora.model_dump(mode="json").items()},
                **{f"hosted_{name}": value for name, value in _said(card.settings.hosted).items()},
                **{f"distill_{name}": str(value) for name, value in _said(card.settings.distill).items()},
                **card.settings.model_dump(mode="json", exclude={"lora", "hosted", "distill"}),
            },
            metrics={
                **card.facts,
                "loss.held_out.best": min(held_out) if held_out else None,
                "served_same_tokens": same_tokens,
            },
            tables={"losses.json": [each.model_dump() for each in card.losses]},
            texts={"card.json": as_json(card.model_dump(mode="json"))},
            figures={"loss.png": loss_curves(card.losses)},
            # Also of a run that was begun with its curve, when nobody knew them.
            more=lambda _: tags,
        )

    recorded = record_run(candidate.app, _KIND, digest([training, candidate.digest]), content, begun=training)
    # Trained anew although it was recorded, as where its adapter was deleted: the curve is there already.
    discard_begun(candidate.app, _KIND, training)
    return recorded


def _said(settings: Frozen | None) -> dict[str, Any]:
    return settings.model_dump(mode="json") if settings is not None else {}
