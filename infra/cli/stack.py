"""`lifecycle up`, `down`, `status` and `doctor`."""

import json
from datetime import timedelta
from typing import Annotated

import typer

commands = typer.Typer()

_STATE_COLOUR = {"ready": "green", "starting": "yellow", "failed": "red", "stopped": "dim", "elsewhere": "cyan"}


@commands.command()
def up(
    part: Annotated[list[str] | None, typer.Option(help="Only this part; may be given several times.")] = None,
) -> None:
    """Start the local stack and wait until it is ready."""
    from infra.stack import supervision

    started = supervision.up(part or None).names
    typer.echo(f"started: {', '.join(started)}" if started else "already up", err=True)


@commands.command()
def down() -> None:
    """Stop the local stack; no process of it is left."""
    from infra.stack import supervision

    ended = supervision.down()
    if ended.names:
        typer.echo(f"stopped: {', '.join(ended.names)}", err=True)
    if ended.leftovers:
        typer.echo(f"ended {ended.leftovers} processes that nobody supervised", err=True)
    if not any(ended):
        typer.echo("nothing was up", err=True)


@commands.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Show each part: address, state, process, memory, uptime."""
    from infra.stack.status import status as status_of_parts

    found = status_of_parts()
    if as_json:
        typer.echo(json.dumps([part._asdict() for part in found], indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("part", "address", "state", "pid", "memory", "uptime", box=None, pad_edge=False)
    for part in found:
        table.add_row(
            part.name,
            part.address,
            f"[{_STATE_COLOUR[part.state]}]{part.state}[/]",
            str(part.pid or ""),
            f"{part.memory_mb:.0f} MB" if part.memory_mb else "",
            str(timedelta(seconds=int(part.uptime_s))) if part.uptime_s is not None else "",
        )
    Console().print(table)
    for line in _undelivered():
        typer.echo(line, err=True)


def _undelivered() -> list[str]:
    from tasks.alerting.failing import failing
    from tasks.alerting.outbox import outboxes

    with outboxes() as every:
        return [f"alerts of {each.line}" for each in failing(every)]


@commands.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Check versions, settings, weights, disk, ports and databases; say how to mend each fault."""
    from infra.stack.doctor import examine

    findings = examine()
    if as_json:
        typer.echo(json.dumps([finding._asdict() for finding in findings], indent=2))
    else:
        from rich.console import Console
        from rich.markup import escape

        console = Console(soft_wrap=True, highlight=False)
        for finding in findings:
            sign = "[green]✓[/]" if finding.passed else "[red]✗[/]"
            console.print(f"{sign} {finding.check:<10} {escape(finding.message)}")
    if not all(finding.passed for finding in findings):
        raise typer.Exit(1)
