"""Which served requests become traces in MLflow: flagged ones always, of the others a share."""

import hashlib
from typing import TYPE_CHECKING

from tasks.serving.record import RecordStore, Served

if TYPE_CHECKING:
    from tasks.workspace import Workspace

_AT_ONCE = 200


def trace_served(workspace: "Workspace", store: RecordStore) -> int:
    """Writes the traces that are still missing and returns how many; what was written before is not written again.

    A request whose turn comes while MLflow is away stays in the store and is written the next time.
    """
    from tasks.tracking.traces import write_served_traces

    written = 0
    share = workspace.loaded.app.monitor.trace_share
    while batch := store.untraced(_AT_ONCE):
        chosen = [served for served in batch if is_traced(served, share)]
        write_served_traces(workspace.name, chosen)
        store.mark_traced(served.id for served in batch)
        written += len(chosen)
    return written


def is_traced(served: Served, share: float) -> bool:
    """Returns whether a request becomes a trace: where it is flagged, or its id falls into the share.

    The same id always gives the same answer.

    Args:
        served: the request, already looked at.
        share: 0 for none of the unflagged, 1 for all.
    """
    if served.flags:
        return True
    place = int.from_bytes(hashlib.sha256(served.id.encode()).digest()[:8], "big")
    return place < share * 2**64
