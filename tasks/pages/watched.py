"""What watching shows beside the limits, as Markdown: what was found with examples, drift, and error budgets."""

from collections.abc import Iterator

from tasks.orchestrating.artifacts import markdown_table
from tasks.pages.escaping import plain
from tasks.watching.budgets import Spent
from tasks.watching.looking import Looked


def watched_page(looked: Looked) -> str:
    """Returns the sections of a look; what users wrote is escaped."""
    return "\n\n".join(_sections(looked))


def budget_row(spent: Spent) -> dict[str, str | int]:
    """Returns a budget as a line of a table."""
    burns = {
        f"burn {burn.pace.hours:g} h": "" if burn.rate is None else f"{burn.rate:.1f} of {burn.at_most:.1f}"
        for burn in spent.burns
    }
    return {
        "metric": spent.budget.metric,
        "at most": f"{spent.budget.at_most:.2%} over {spent.budget.over_days} days",
        "spent": "not measured" if spent.share is None else f"{spent.share:.0%}",
        "bad": f"{spent.bad:g}",
        "requests": spent.n,
        **burns,
    }


def _sections(looked: Looked) -> Iterator[str]:
    yield "## Found"
    yield (
        "\n".join(
            line
            for signal in looked.signals
            for line in (
                f"- **{signal.severity}** {plain(signal.words)}",
                *(f"  - {plain(text)}" for text in signal.examples),
            )
        )
        or "nothing has changed"
    )
    yield "## Drift"
    yield "\n".join(f"- {plain(each.told)}" for each in looked.drifted)
    if looked.budgets:
        yield "## Error budgets"
        yield markdown_table([budget_row(each) for each in looked.budgets])
