"""The decision of a gate that counts now: on this candidate, by the rules and on the data that the app has."""

from typing import Literal

from tasks.gating.terms import terms_of
from tasks.gating.verdict import Verdict
from tasks.workspace import Workspace


def decided(
    workspace: Workspace, gate: Literal["sample", "release"], candidate: str, champion: str | None
) -> Verdict | None:
    """Returns a gate's newest decision on a candidate, None where it has not decided, or not as it is set up now.

    Rules, scorers or data that were changed since, or for one run only, make a decision void. A decision beside no
    champion counts as well: no rule that compares with a champion passes without one.

    Args:
        workspace: the app.
        gate: name of the gate.
        candidate: digest of the candidate.
        champion: digest of the champion that it is compared with.
    """
    configured = getattr(workspace.loaded.app.gates, gate)
    terms = terms_of(configured, workspace.scorers)
    now = {dataset.digest for dataset in workspace.asked_datasets.values()}
    data = {each.id: each.dataset for each in workspace.store.list()}

    def counts(verdict: Verdict) -> bool:
        asked = {data[each] for each in verdict.evaluations if each in data}
        return verdict.gate == gate and verdict.champion in (champion, None) and verdict.terms == terms and asked <= now

    return next((verdict for verdict in workspace.store.verdicts(candidate) if counts(verdict)), None)
