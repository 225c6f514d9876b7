"""What has changed since the epoch before, though the candidate and the data are the same."""

from typing import TYPE_CHECKING

from tasks.pages.estimates import CONFIDENCE
from tasks.results.evaluation import Evaluation
from tasks.results.finding import evaluation_before
from tasks.statistics.estimates import paired_difference

if TYPE_CHECKING:
    from tasks.workspace import Workspace


def changes_since(workspace: "Workspace", evaluation: Evaluation) -> tuple[str, ...]:
    """Returns the metrics whose paired difference from the epoch before excludes zero: a silent change shows here.

    Cost and latency are left out: they move with the machine.
    """
    before = evaluation_before(workspace.store, evaluation)
    saved = {each.id: each.saved for each in workspace.store.list()}
    # A round that was asked after this one is no round before it.
    if before is None or saved[before.id] > saved[evaluation.id]:
        return ()
    found = []
    compared = {n: m for n, m in workspace.metrics.items() if m.dimension not in ("cost", "latency")}
    # That some metric changed is an "or": each is tested at a share of the level (Bonferroni).
    confidence = 1 - (1 - CONFIDENCE) / max(1, len(compared))
    for name, metric in compared.items():
        difference = paired_difference(evaluation, before, metric, confidence)
        if difference.low is not None and difference.high is not None and not difference.low <= 0 <= difference.high:
            found.append(f"{name} {difference.value:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}]")
    return tuple(found)
