"""Which requests fail, and the error of a failure that replaces the whole answer."""

from collections import Counter
from collections.abc import Sequence

from infra.simulator.behaviour import Fault, FaultKind
from infra.simulator.chance import Sending, share
from infra.simulator.errors import Problem

PAGE = "<!doctype html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>"

_PROBLEMS: dict[FaultKind, tuple[int, str, str]] = {
    "unauthorized": (401, "Incorrect API key provided.", "invalid_api_key"),
    "not_found": (404, "The model does not exist.", "model_not_found"),
    "rate_limited": (429, "Too many requests.", "rate_limit_exceeded"),
    "server_error": (500, "The server had an error.", "server_error"),
    "too_long": (400, "This model's maximum context length is exceeded.", "context_length_exceeded"),
}


class Faults:
    """Chooses the fault of each request, the same for the same requests in any order."""

    def __init__(self, faults: Sequence[Fault], seed: int) -> None:
        self._faults = faults
        self._seed = seed
        self._happened: Counter[int] = Counter()

    def of(self, sending: Sending, texts: Sequence[str]) -> Fault | None:
        """Returns the fault of a request with these texts; None where it is answered."""
        for number, fault in enumerate(self._faults):
            if fault.times is not None and self._happened[number] >= fault.times:
                continue
            if fault.contains and not any(fault.contains in text for text in texts):
                continue
            if fault.share < 1 and share(self._seed, sending, f"fault {number}") >= fault.share:
                continue
            self._happened[number] += 1
            return fault
        return None


def problem_of(fault: Fault) -> Problem | None:
    """Returns the error that a fault answers instead of the whole answer; None where it breaks the answer itself."""
    if fault.kind not in _PROBLEMS:
        return None
    status, message, code = _PROBLEMS[fault.kind]
    headers = {} if fault.retry_after_s is None else {"retry-after": f"{fault.retry_after_s:g}"}
    return Problem(status, message, code, headers)
