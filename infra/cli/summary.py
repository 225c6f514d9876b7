"""What a finished stage says in the terminal."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from infra.cli.page import print_page
from tasks.pages.page import Page

if TYPE_CHECKING:
    from pydantic import BaseModel

_COLOURS = {"PASS": "green", "FAIL": "red", "INCONCLUSIVE": "yellow"}


def summarise(stage: str, result: "BaseModel") -> None:
    """Prints the result of a stage: tables first, then every fact on a line."""
    console = Console(highlight=False)
    facts = result.model_dump(mode="json")
    if stage == "loop":
        _loop(console, facts)
        return
    if stage == "explore":
        console.print(_table("Leaderboard", [_short(row) for row in facts.pop("leaderboard")]))
    if stage == "calibrate":
        console.print(_table("Judges", [_judge(judge) for judge in facts.pop("judges")]))
    if stage == "finetune":
        curve = facts.pop("losses")
        steps = sorted({step for step, side, _ in curve if side == "held_out"} or {step for step, *_ in curve})
        shown = {(step, side): value for step, side, value in curve}
        rows = [
            {
                "step": step,
                "fitted to": _number(shown.get((step, "train"))),
                "held out": _number(shown.get((step, "held_out"))),
            }
            for step in steps
        ]
        console.print(_table("Loss of an answer's token", rows))
    if isinstance(page := getattr(result, "page", None), Page):
        print_page(console, page)
        facts = {name: fact for name, fact in facts.items() if name not in ("estimates", "rules", "changed")}
    _facts(console, facts)


def _judge(judge: Mapping[str, Any]) -> dict[str, Any]:
    agreement = judge["agreement"]
    return {
        "judge": judge["metric"],
        "fit": "yes" if judge["fit"] else "no",
        "kappa": f"{agreement['kappa']:.2f} [{agreement['low']:.2f}, {agreement['high']:.2f}]",
        "labels": judge["labels"],
        "people's mean": _peoples_mean(judge["people"], judge["gain"]),
        "noise floor": _number(judge["smallest_difference"]),
        "why": "; ".join((*judge["unfit"], *judge["biases"])),
    }


def _peoples_mean(people: Mapping[str, Any] | None, gain: float | None) -> str:
    if people is None:
        return ""
    return f"{people['value']:.2f} [{people['low']:.2f}, {people['high']:.2f}], worth {gain:.1f} × the labels"


def _loop(console: Console, facts: Mapping[str, Any]) -> None:
    gates = [
        {
            "gate": v["gate"],
            "candidate": v["label"],
            "verdict": _coloured(v["verdict"]),
            "why": v["reason"].removeprefix(f"{v['verdict']}: "),
        }
        for v in facts["verdicts"]
    ]
    console.print(_table("Gates", gates))
    arrows = [{"arrow": f"{a['origin']} → {a['to']}", "candidate": a["candidate"]} for a in facts["arrows"]]
    console.print(_table("Arrows", arrows))
    numbers = [
        {
            "metric": e["metric"],
            "value": _number(e["value"]),
            "interval": f"[{_number(e['low'])}, {_number(e['high'])}]",
            "n": e["n"],
        }
        for e in facts["estimates"]
        if e["slice"] is None and e["quantile"] is None and e["value"] is not None
    ]
    console.print(_table(escape(f"Champion {facts['champion_label']}"), numbers))
    price = f"${facts['price']:.4f}"
    calls, serving, tokens = facts["calls"], facts["serving"], facts["tokens"]
    served = serving.get("made", 0) + serving.get("smoke", 0)
    console.print(
        f"{calls.get('made', 0)} calls made, {calls.get('reused', 0)} reused, {served} asked of the endpoint; "
        f"{tokens['input']} tokens in, {tokens['output']} out; {price}; {facts['seconds']:.0f} s",
        markup=False,
    )
    colour = "yellow" if facts["end"] == "bound reached" else "green"
    console.print(f"[bold {colour}]{facts['end']}[/]: {escape(facts['champion_label'])} is champion")
    for name, address in facts["links"].items():
        console.print(f"  {name}: {address}", markup=False)


def _facts(console: Console, facts: Mapping[str, Any]) -> None:
    for name, value in facts.items():
        if value not in (None, {}, [], ""):
            console.print(f"{name}: {value}", markup=False)


def _table(title: str, rows: list[dict[str, Any]]) -> Table:
    table = Table(title=title, title_justify="left", show_lines=False)
    for name in rows[0] if rows else ():
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(value if isinstance(value, Text) else Text(str(value)) for value in row.values()))
    return table


def _short(row: Mapping[str, Any]) -> dict[str, Any]:
    """Leaves out what a terminal has no room for: digests, and metrics that have no value."""
    return {key: value for key, value in list(row.items())[:8] if key != "candidate"}


def _coloured(decision: str | None) -> Text:
    return Text(decision or "", style=_COLOURS.get(decision or "", ""))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"
