"""Makes the plan of an app's rules; nothing is asked."""

from collections.abc import Iterable

from configs.errors import ConfigurationError
from configs.schema.gate import Rule
from tasks.planning.known import known_of
from tasks.planning.plan import Assumptions, Plan
from tasks.planning.question import question
from tasks.scoring.score import Metric
from tasks.workspace import Workspace


def planned(workspace: Workspace, rules: Iterable[Rule], assumptions: Assumptions) -> Plan:
    """Returns the plan of some rules, measured by the app's largest stored evaluations where there are any.

    Args:
        workspace: the app.
        rules: what is to be shown.
        assumptions: how sure it is to be.

    Raises:
        ConfigurationError: a rule names a metric that the app does not have.
    """
    known = known_of(workspace)
    asked = [(rule, _metric(workspace, rule.metric)) for rule in rules]
    return Plan(
        app=workspace.name,
        power=assumptions.power,
        confidence=assumptions.confidence,
        data=dict(known.data),
        row_price=known.cost.price,
        row_seconds=known.cost.seconds,
        questions=tuple(question(rule, metric, known, assumptions) for rule, metric in asked),
    )


def _metric(workspace: Workspace, name: str) -> Metric:
    if name not in workspace.metrics:
        listed = ", ".join(sorted(workspace.metrics))
        raise ConfigurationError(f"app {workspace.name}: unknown metric {name!r}; known are {listed}")
    return workspace.metrics[name]
