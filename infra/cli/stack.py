"""`lifecycle up`, `down`, `status` and `doctor`."""

from typing import Annotated

import typer

commands = typer.Typer()


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

    ended = supervision.down().names
    typer.echo(f"stopped: {', '.join(ended)}" if ended else "nothing was up", err=True)
