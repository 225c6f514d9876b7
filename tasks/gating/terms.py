"""What a gate's decision is by: its rules as they are configured, and the scorers behind their metrics."""

from collections.abc import Iterable

from configs.schema.gate import Gate
from tasks.identity import digest
from tasks.scoring.asked import AskedScorer
from tasks.scoring.scorer import Scorer


def terms_of(gate: Gate, scorers: Iterable[Scorer | AskedScorer]) -> str:
    """Returns what names a gate and its instruments: another rule, setting, file or judge is another decision.

    Args:
        gate: the gate.
        scorers: all of the app's; those that no rule is about do not count.
    """
    by_name = {scorer.metric.name: scorer for scorer in scorers}
    asked, behind = [rule.metric for rule in gate.rules], dict[str, str]()
    while asked:
        scorer = by_name.get(asked.pop())
        if scorer is None or scorer.metric.name in behind:
            continue
        behind[scorer.metric.name] = scorer.identity
        asked += scorer.metric.ratio or ()
        asked += (scorer.metric.passes.of,) if scorer.metric.passes else ()
    return digest([gate.model_dump(mode="json"), sorted(behind.values())])
