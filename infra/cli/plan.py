"""`lifecycle plan`: how many rows a gate or a wanted difference takes, what they cost, and whether they are there."""

import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from configs.errors import ConfigurationError

if TYPE_CHECKING:
    from rich.table import Table

    from tasks.planning.plan import Amount, Plan, Question


def plan(
    app: Annotated[str, typer.Option("--app", help="Name or path of the app.", show_default=False)],
    metric: Annotated[str | None, typer.Option(help="Metric of a wanted difference; with --difference.")] = None,
    difference: Annotated[
        float | None, typer.Option(help="Improvement that is to be shown where it is so, in the metric's unit.")
    ] = None,
    gate: Annotated[
        Literal["sample", "release"] | None, typer.Option(help="All rules of a gate; `release` where nothing is given.")
    ] = None,
    power: Annotated[float, typer.Option(min=0.5, max=0.999, help="Probability of showing what is so.")] = 0.9,
    confidence: Annotated[
        float | None, typer.Option(min=0.5, max=0.999, help="How sure; the gate's where not given.")
    ] = None,
    discordant: Annotated[
        float, typer.Option(min=0.01, max=1, help="Share of rows on which two candidates differ, if not measured.")
    ] = 0.2,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Say how many rows it takes, looked at once and as they come; nothing is asked."""
    if (metric is None) != (difference is None):
        raise ConfigurationError("plan: a wanted difference needs both --metric and --difference")
    if metric is not None and gate is not None:
        raise ConfigurationError("plan: give --metric and --difference, or --gate, not both")
    if difference is not None and difference <= 0:
        raise ConfigurationError(f"plan: --difference {difference:g}: give a number above 0, an improvement")
    from configs.schema.gate import Rule
    from tasks.planning.plan import Assumptions
    from tasks.planning.planned import planned
    from tasks.workspace import open_workspace

    with open_workspace(app) as workspace:
        configured = getattr(workspace.loaded.app.gates, gate or "release")
        rules = [Rule(metric=metric, better_than_champion_by=0)] if metric else configured.rules
        assumptions = Assumptions(power, confidence or configured.confidence, discordant, difference)
        found = planned(workspace, rules, assumptions)
    if as_json:
        sys.stdout.write(found.model_dump_json(indent=2) + "\n")
        return
    _print(found)


def _print(plan: "Plan") -> None:
    from rich.console import Console

    console = Console(highlight=False)
    data = ", ".join(f"{name} {rows:,} rows" for name, rows in plan.data.items())
    console.print(f"{plan.app}: {plan.confidence:.0%} sure, {plan.power:.0%} power; data: {data}", markup=False)
    console.print(_table(plan))
    for question in plan.questions:
        console.print(f"{question.rule}: {_basis(question)}", markup=False)


def _table(plan: "Plan") -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(title_justify="left")
    for column in ("rule", "if in truth"):
        table.add_column(column, overflow="fold")
    for column in ("rows at once", "cost", "rows as they come", "nine in ten", "cost", "enough in"):
        table.add_column(column, justify="right", overflow="fold")
    for question in plan.questions:
        for at, each in enumerate(question.scenarios):
            least = each.sequential or each.at_once
            cells = [
                "" if at else question.rule,
                each.truth,
                f"{each.at_once.rows:,}",
                _cost(each.at_once),
                f"{each.sequential.rows:,}" if each.sequential else "too many",
                f"{each.nine_in_ten:,}" if each.nine_in_ten else "",
                _cost(each.sequential),
                ", ".join(least.in_data) or "none",
            ]
            table.add_row(*(Text(cell) for cell in cells))
    return table


def _cost(amount: "Amount | None") -> str:
    from tasks.pages.numbers import dollars, duration

    if amount is None or (amount.price is None and amount.seconds is None):
        return ""
    return f"{dollars(amount.price)}, {duration(amount.seconds)}"


def _basis(question: "Question") -> str:
    parts = [question.basis]
    if question.design_effect > 1:
        parts.append(f"clusters make it {question.design_effect:.2f} times as many rows")
    return "; ".join([*parts, *([question.note] if question.note else [])])
