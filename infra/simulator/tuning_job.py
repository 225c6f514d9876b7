"""A fine-tuning job, as OpenAI's API describes it.

Source: https://platform.openai.com/docs/api-reference/fine-tuning, and the types of the openai client.
"""

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from infra.simulator.errors import Problem
from infra.simulator.metadata import check_metadata

Status = Literal["validating_files", "queued", "running", "succeeded", "failed", "cancelled"]
ENDED: tuple[Status, ...] = ("succeeded", "failed", "cancelled")

_EPOCHS, _MULTIPLIER = 3, 1.8
_EXAMPLES_A_BATCH = 500
"""OpenAI's batches are about 0.2 % of the examples, where it is left to choose."""


@dataclass
class TuningJob:
    """One job; its hyper-parameters are `auto` until they are chosen."""

    model: str
    training_file: str
    validation_file: str | None
    suffix: str
    seed: int
    metadata: Mapping[str, str] | None
    epochs: int | Literal["auto"]
    batch: int | Literal["auto"]
    multiplier: float | Literal["auto"]
    id: str = field(default_factory=lambda: f"ftjob-{uuid.uuid4().hex}")
    created_at: int = field(default_factory=lambda: int(time.time()))
    status: Status = "validating_files"
    finished_at: int | None = None
    fine_tuned_model: str | None = None
    trained_tokens: int | None = None
    error: dict[str, Any] | None = None
    events: list[dict[str, Any]] = field(default_factory=list)
    checkpoints: list[dict[str, Any]] = field(default_factory=list)

    def choose(self, examples: int) -> tuple[int, int]:
        """Chooses what was left `auto`, for so many examples, and returns epochs and batch size."""
        epochs = _EPOCHS if self.epochs == "auto" else self.epochs
        batch = max(1, examples // _EXAMPLES_A_BATCH) if self.batch == "auto" else self.batch
        self.epochs, self.batch = epochs, batch
        self.multiplier = _MULTIPLIER if self.multiplier == "auto" else self.multiplier
        return epochs, batch

    def reach(self, status: Status, message: str) -> None:
        """Enters a status, now, and says so."""
        self.status = status
        if status in ENDED:
            self.finished_at = int(time.time())
        self.say(message, level="error" if status == "failed" else "info")

    def fail(self, code: str, message: str, param: str | None) -> None:
        """Ends as failed."""
        self.error = {"code": code, "message": message, "param": param}
        self.reach("failed", message)

    def say(self, message: str, data: Mapping[str, Any] | None = None, level: str = "info") -> None:
        """Adds an event; one with data is of type `metrics`."""
        self.events.append(
            {
                "id": f"ftevent-{uuid.uuid4().hex}",
                "object": "fine_tuning.job.event",
                "created_at": int(time.time()),
                "level": level,
                "message": message,
                "data": dict(data or {}),
                "type": "metrics" if data else "message",
            }
        )

    def name(self, step: int | None = None) -> str:
        """Returns the name of the model that it makes, or of its checkpoint after a step."""
        name = f"ft:{self.model}:simulated:{self.suffix}:{self.id[6:14]}"
        return name if step is None else f"{name}:ckpt-step-{step}"

    def keep(self, step: int, name: str, metrics: Mapping[str, float]) -> None:
        """Keeps a checkpoint; the last three are kept."""
        checkpoint = {
            "id": f"ftckpt_{uuid.uuid4().hex}",
            "object": "fine_tuning.job.checkpoint",
            "created_at": int(time.time()),
            "fine_tuning_job_id": self.id,
            "fine_tuned_model_checkpoint": name,
            "step_number": step,
            "metrics": {"step": step, **metrics},
        }
        self.checkpoints = [*self.checkpoints, checkpoint][-3:]

    def described(self) -> dict[str, Any]:
        """Returns the `fine_tuning.job` object of OpenAI's API."""
        parameters = {
            "n_epochs": self.epochs,
            "batch_size": self.batch,
            "learning_rate_multiplier": self.multiplier,
        }
        return {
            "id": self.id,
            "object": "fine_tuning.job",
            "created_at": self.created_at,
            "finished_at": self.finished_at,
            "estimated_finish": None,
            "model": self.model,
            "fine_tuned_model": self.fine_tuned_model,
            "organization_id": "org-simulated",
            "status": self.status,
            "error": self.error,
            "training_file": self.training_file,
            "validation_file": self.validation_file,
            "result_files": [],
            "trained_tokens": self.trained_tokens,
            "hyperparameters": parameters,
            "method": {"type": "supervised", "supervised": {"hyperparameters": parameters}},
            "seed": self.seed,
            "user_provided_suffix": self.suffix or None,
            "integrations": [],
            "metadata": self.metadata,
        }


def job_of(body: Mapping[str, Any]) -> TuningJob:
    """Returns the new job that a request asks for.

    Raises:
        Problem: something is missing, or not allowed.
    """
    for name in ("model", "training_file"):
        if not isinstance(body.get(name), str):
            raise Problem(400, f"Missing required parameter: '{name}'.", "missing_required_parameter")
    method = body.get("method") or {"type": "supervised"}
    if method.get("type") != "supervised":
        raise Problem(400, f"Invalid 'method': '{method.get('type')}' is not 'supervised'.")
    suffix = body.get("suffix") or ""
    if not isinstance(suffix, str) or len(suffix) > 64:
        raise Problem(400, "Invalid 'suffix': a text of 64 characters at most.")
    check_metadata(body.get("metadata"))
    parameters = (method.get("supervised") or {}).get("hyperparameters") or body.get("hyperparameters") or {}
    epochs, batch = parameters.get("n_epochs", "auto"), parameters.get("batch_size", "auto")
    multiplier = parameters.get("learning_rate_multiplier", "auto")
    for name, value, most in (("n_epochs", epochs, 50), ("batch_size", batch, 256)):
        if value != "auto" and not (isinstance(value, int) and 1 <= value <= most):
            raise Problem(400, f"Invalid '{name}': {value} is not between 1 and {most}.")
    if multiplier != "auto" and not (isinstance(multiplier, int | float) and 0 < multiplier <= 10):
        raise Problem(400, f"Invalid 'learning_rate_multiplier': {multiplier} is not above 0 and at most 10.")
    return TuningJob(
        model=body["model"],
        training_file=body["training_file"],
        validation_file=body.get("validation_file"),
        suffix=suffix,
        seed=body.get("seed") or 0,
        metadata=body.get("metadata"),
        epochs=epochs,
        batch=batch,
        multiplier=multiplier,
    )
