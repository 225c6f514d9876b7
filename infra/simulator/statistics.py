"""What an endpoint counts of the requests it has had."""

import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from infra.simulator.chance import Sending


@dataclass
class Statistics:
    """Counts since the start, or since the last reset, of chats and embeddings."""

    requests: int = 0
    """Requests that came."""
    answered: int = 0
    """Answered whole."""
    rejected: int = 0
    """Answered 429, by a limit or by a fault."""
    failed: int = 0
    """Answered by another error, or by a broken reply."""
    hung: int = 0
    """Never answered, on purpose."""
    abandoned: int = 0
    """Whose client went away before the answer."""
    in_flight: int = 0
    """Held at this moment, waiting for a slot included."""
    most_in_flight: int = 0
    """Most that were held at once."""
    tokens_in: int = 0
    """Tokens of the prompts and texts that were answered whole."""
    tokens_out: int = 0
    """Tokens of the answers that were whole."""
    distinct: int = 0
    """Different chat requests among those that no limit rejected."""
    repeated: int = 0
    """Chat requests that no limit rejected and that had been sent before, byte for byte."""
    batches: int = 0
    """Batches created."""
    batch_lines: int = 0
    """Lines of batches that were carried out, those that failed included; counted nowhere else."""
    tuning_jobs: int = 0
    """Fine-tuning jobs created."""
    calls: Counter[str] = field(default_factory=Counter)
    """Requests by route."""
    _first: float | None = None

    def enter(self, route: str) -> None:
        """Counts a request that came."""
        if self._first is None:
            self._first = time.monotonic()
        self.requests += 1
        self.calls[route] += 1
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)

    def chat(self, sending: Sending) -> None:
        """Counts a chat request as new or repeated."""
        if sending.nth == 1:
            self.distinct += 1
        else:
            self.repeated += 1

    def refuse(self, status: int) -> None:
        """Counts a request that was answered by an error."""
        if status == 429:
            self.rejected += 1
        else:
            self.failed += 1

    def answer(self, tokens_in: int, tokens_out: int) -> None:
        """Counts a request that was answered whole."""
        self.answered += 1
        self.tokens_in += tokens_in
        self.tokens_out += tokens_out

    def told(self) -> dict[str, Any]:
        """Returns all of it as JSON can hold it, with `seconds`: the time since the first request, 0 before it."""
        values = {key: value for key, value in asdict(self).items() if key not in ("calls", "_first")}
        return {**values, "seconds": 0.0 if self._first is None else time.monotonic() - self._first}
