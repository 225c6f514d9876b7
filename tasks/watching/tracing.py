"""Decides which served requests become MLflow traces, and writes those that are missing."""

import hashlib
from typing import TYPE_CHECKING

from tasks.serving.flagging import flag_all
from tasks.serving.record import RecordStore
from tasks.serving.served import Served

if TYPE_CHECKING:
    from tasks.workspace import Workspace

_AT_ONCE = 500


def is_traced(served: Served, share: float) -> bool:
    """Returns whether a request is to have a trace: always where it is flagged, else a fixed share, by its id."""
    if served.flags:
        return True
    place = int.from_bytes(hashlib.sha256(served.id.encode()).digest()[:8], "big") / 2**64
    return place < share


def trace_served(workspace: "Workspace", store: RecordStore) -> int:
    """Writes the traces that are missing and returns how many; what MLflow missed while it was away is caught up.

    Whatever a person has voted on is traced, and the vote becomes an assessment of its trace.

    Args:
        workspace: the app; its `monitor.trace_share` is the share.
        store: the app's served requests.

    Raises:
        StackError: MLflow does not answer; what was written is remembered.
    """
    from tasks.tracking.traces import write_served_traces
    from tasks.tracking.votes import write_votes

    flag_all(store, workspace.loaded)
    written = 0
    while waiting := store.untraced(_AT_ONCE):
        voted = store.votes.requests_of([each.id for each in waiting])
        share = workspace.loaded.app.monitor.trace_share
        chosen = [each for each in waiting if each.id in voted or is_traced(each, share)]
        write_served_traces(workspace.name, chosen)
        store.mark_traced(each.id for each in chosen)
        store.mark_without_trace({each.id for each in waiting} - {each.id for each in chosen})
        written += len(chosen)
    while votes := store.votes.untraced(_AT_ONCE):
        missing = write_votes(votes)
        store.votes.mark_traced(vote for vote in votes if vote not in missing)
        # A trace that was deleted is written again by the next round, and its vote then.
        store.mark_untraced(vote.request for vote in missing)
    return written
