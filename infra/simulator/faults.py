"""Which requests fail, and how a failing reply looks."""

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from fastapi import Response
from fastapi.responses import HTMLResponse, JSONResponse

from infra.simulator.behaviour import Fault, FaultKind

_STATUSES: dict[FaultKind, tuple[int, str, str]] = {
    "unauthorized": (401, "Incorrect API key provided.", "invalid_api_key"),
    "not_found": (404, "The model does not exist.", "model_not_found"),
    "rate_limited": (429, "Too many requests.", "rate_limit_exceeded"),
    "server_error": (500, "The server had an error.", "server_error"),
    "too_long": (400, "This model's maximum context length is exceeded.", "context_length_exceeded"),
}
_PAGE = "<!doctype html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>"


class Faults:
    """Chooses the fault of each request, the same for the same requests in any order."""

    def __init__(self, faults: Sequence[Fault], seed: int) -> None:
        self._faults = faults
        self._seed = seed
        self._happened: Counter[int] = Counter()
        self._sent: Counter[str] = Counter()

    def of(self, request: dict[str, Any]) -> Fault | None:
        """Returns the fault of a request; None where it is answered."""
        text = json.dumps(request, sort_keys=True, ensure_ascii=False)
        self._sent[text] += 1
        for number, fault in enumerate(self._faults):
            drawn = hashlib.sha256(f"{self._seed} {number} {self._sent[text]} {text}".encode()).digest()
            used_up = fault.times is not None and self._happened[number] >= fault.times
            if fault.contains in text and not used_up and int.from_bytes(drawn[:4], "big") < fault.share * 2**32:
                self._happened[number] += 1
                return fault
        return None


async def failed_reply(fault: Fault) -> Response | None:
    """Returns the reply of a fault that replaces the whole answer; None where it breaks the answer itself."""
    if fault.kind == "hang":
        await asyncio.Event().wait()
    if fault.kind == "html":
        return HTMLResponse(_PAGE)
    if fault.kind not in _STATUSES:
        return None
    status, message, code = _STATUSES[fault.kind]
    return error_reply(status, message, code, fault.retry_after_s)


def error_reply(status: int, message: str, code: str, retry_after_s: float | None = None) -> Response:
    """Returns an error as the OpenAI protocol writes it."""
    headers = {} if retry_after_s is None else {"retry-after": f"{retry_after_s:g}"}
    error = {"message": message, "type": "simulated", "param": None, "code": code}
    return JSONResponse({"error": error}, status_code=status, headers=headers)
