"""A batch, as OpenAI's API describes it.

Source: https://platform.openai.com/docs/api-reference/batch.
"""

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from infra.simulator.errors import Problem
from infra.simulator.metadata import check_metadata
from infra.simulator.replies import CHAT, EMBEDDINGS

Status = Literal["validating", "failed", "in_progress", "finalizing", "completed", "expired", "cancelling", "cancelled"]
ENDED: tuple[Status, ...] = ("failed", "completed", "expired", "cancelled")

_DAY_S = 24 * 60 * 60


@dataclass
class Batch:
    """One batch; `completed` are its lines in the output file, `failed` those in the error file."""

    endpoint: str
    input_file_id: str
    metadata: Mapping[str, str] | None
    id: str = field(default_factory=lambda: f"batch_{uuid.uuid4().hex}")
    created_at: int = field(default_factory=lambda: int(time.time()))
    status: Status = "validating"
    reached: dict[str, int] = field(default_factory=dict)
    errors: list[dict[str, Any]] = field(default_factory=list)
    output_file_id: str | None = None
    error_file_id: str | None = None
    model: str | None = None
    total: int = 0
    completed: int = 0
    failed: int = 0
    tokens_in: int = 0
    tokens_out: int = 0

    def reach(self, status: Status) -> None:
        """Enters a status, now."""
        self.status = status
        self.reached[f"{status}_at"] = int(time.time())

    def described(self) -> dict[str, Any]:
        """Returns the `batch` object of OpenAI's API."""
        return {
            "id": self.id,
            "object": "batch",
            "endpoint": self.endpoint,
            "model": self.model,
            "errors": {"object": "list", "data": self.errors} if self.errors else None,
            "input_file_id": self.input_file_id,
            "completion_window": "24h",
            "status": self.status,
            "output_file_id": self.output_file_id,
            "error_file_id": self.error_file_id,
            "created_at": self.created_at,
            "expires_at": self.created_at + _DAY_S,
            **self.reached,
            "request_counts": {"total": self.total, "completed": self.completed, "failed": self.failed},
            "usage": {
                "input_tokens": self.tokens_in,
                "input_tokens_details": {"cached_tokens": 0},
                "output_tokens": self.tokens_out,
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": self.tokens_in + self.tokens_out,
            },
            "metadata": self.metadata,
        }


def batch_of(body: Mapping[str, Any]) -> Batch:
    """Returns the new batch that a request asks for.

    Raises:
        Problem: the endpoint, the window or the metadata are not allowed, or no input file is named.
    """
    if not isinstance(body.get("input_file_id"), str):
        raise Problem(400, "Missing required parameter: 'input_file_id'.", "missing_required_parameter")
    if body.get("endpoint") not in (CHAT, EMBEDDINGS):
        raise Problem(400, f"Invalid value: '{body.get('endpoint')}'. Supported values are: '{CHAT}', '{EMBEDDINGS}'.")
    if body.get("completion_window") != "24h":
        raise Problem(400, f"Invalid value: '{body.get('completion_window')}'. Value must be '24h'.")
    check_metadata(body.get("metadata"))
    return Batch(body["endpoint"], body["input_file_id"], body.get("metadata"))
