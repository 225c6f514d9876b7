"""The page of one turn of the loop."""

from typing import TYPE_CHECKING

from tasks.orchestrating.artifacts import markdown_table
from tasks.pages.estimates import interval

if TYPE_CHECKING:
    from pipelines.loop import Looped


def loop_page(looped: "Looped") -> str:
    """Returns the page of one turn: how it ended, each gate with its reason, each arrow, and what it cost."""
    gates = [{"gate": v["gate"], "candidate": v["label"], "verdict": v["reason"]} for v in looped.verdicts]
    arrows = [{"from": a.origin, "to": a.to, "candidate": a.candidate, "why": a.reason} for a in looped.arrows]
    numbers = [
        {"metric": e.metric, "value": interval(e), "n": e.n}
        for e in looped.estimates
        if e.slice is None and e.quantile is None
    ]
    parts = [
        f"# {looped.headline}",
        "## Gates",
        markdown_table(gates),
        "## Arrows",
        markdown_table(arrows),
        f"## Champion {looped.champion_label}",
        markdown_table(numbers),
        "## Cost",
        f"{looped.calls.get('made', 0)} calls made, {looped.calls.get('reused', 0)} reused, ${looped.price:.4f}, "
        f"{looped.seconds:.0f} s.",
    ]
    if looped.hypothesis:
        parts += ["## Hypothesis", f"**{looped.hypothesis['decision']}** {looped.hypothesis['reason']}"]
    parts += ["## Links", "\n".join(f"- {name}: {address}" for name, address in looped.links.items())]
    return "\n\n".join(parts) + "\n"
