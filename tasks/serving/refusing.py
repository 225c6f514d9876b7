"""What a client is told where there is no answer: which kind of failure it was, and under which id the rest is.

What an upstream says of itself, its address and its keys, is for the record and the log.
"""

from tasks.calling.answer import Outcome
from tasks.calling.failures import FailureKind
from tasks.serving.protocol import ProtocolError
from tasks.serving.responder import Reply

_AGAIN_AFTER_S = 1
_SAID = {
    FailureKind.REFUSED: "its model cannot be reached",
    FailureKind.UNREACHABLE: "its model cannot be reached",
    FailureKind.TIMEOUT: "its model took too long",
    FailureKind.RATE_LIMITED: "its model takes no more calls now",
    FailureKind.NO_CREDIT: "its model takes no more calls now",
    FailureKind.UNAUTHORIZED: "its model refused the call",
    FailureKind.NOT_FOUND: "its model refused the call",
    FailureKind.REJECTED: "its model refused the call",
    FailureKind.SERVER_ERROR: "its model failed",
    FailureKind.NOT_THE_API: "its model failed",
    FailureKind.TORN: "its model broke off",
    FailureKind.CODE: "its code failed",
}


def refusal_of(reply: Reply, request: str, headers: dict[str, str] | None = None) -> ProtocolError:
    """Returns what a client is told of a reply that is no answer.

    Args:
        reply: the reply.
        request: id of the request.
        headers: further headers.
    """
    if reply.failure == "guard":
        return guard_failed(request, headers)
    if reply.answer.outcome is Outcome.SKIPPED and reply.failure is FailureKind.REJECTED:
        message = f"the model refuses the request with what it passes on: its tools, or its form; request {request}"
        return ProtocolError(400, message, "unsupported_value", headers=headers)
    if reply.failure == "overloaded":
        message = f"too many requests wait for the model; try again; request {request}"
        return ProtocolError(
            503, message, "overloaded", headers={**(headers or {}), "retry-after": str(_AGAIN_AFTER_S)}
        )
    if reply.failure is FailureKind.TOO_LONG:
        message = f"the conversation is too long for the model; shorten it; request {request}"
        return ProtocolError(400, message, "context_length_exceeded", "messages", headers=headers)
    why = _SAID[reply.failure] if isinstance(reply.failure, FailureKind) else "it failed"
    return ProtocolError(
        502, f"the application could not answer: {why}; request {request}", "upstream", headers=headers
    )


def guard_failed(request: str = "", headers: dict[str, str] | None = None) -> ProtocolError:
    """Returns what a client is told where a guard failed: what was not looked at does not pass."""
    said = f"; request {request}" if request else ""
    message = f"the text could not be checked, and so is not answered; try again{said}"
    return ProtocolError(503, message, "guard_failed", headers=headers)
