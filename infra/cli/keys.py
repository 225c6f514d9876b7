"""`lifecycle keys`: who may ask the endpoint, and how much."""

from typing import Annotated

import typer

commands = typer.Typer(no_args_is_help=True, help="Keys of the endpoint: made, listed, revoked; no restart is needed.")


@commands.command()
def add(
    name: Annotated[str, typer.Argument(help="Whose it is.", show_default=False)],
    requests_per_minute: Annotated[int | None, typer.Option(min=1, help="Requests a minute.")] = None,
    tokens_per_minute: Annotated[int | None, typer.Option(min=1, help="Tokens a minute, in and out.")] = None,
    price_per_day: Annotated[float | None, typer.Option(help="US dollars a day, from midnight UTC.")] = None,
    app: Annotated[
        list[str] | None, typer.Option("--app", help="Name of an app that it may ask, once for each; all if none.")
    ] = None,
) -> None:
    """Make a key and print it; it is shown this once. Once there is one, nobody is answered without."""
    from configs.errors import ConfigurationError
    from tasks.serving.keys import KeyLimits, key_ring

    if price_per_day is not None and not price_per_day > 0:
        raise ConfigurationError(f"--price-per-day: {price_per_day:g} is not more than 0; revoke a key to end it")
    limits = KeyLimits(
        requests_per_minute=requests_per_minute, tokens_per_minute=tokens_per_minute, price_per_day=price_per_day
    )
    typer.echo(key_ring().add(name, limits, tuple(app or ())))


@commands.command("list")
def list_() -> None:
    """Show every key: whose, how much, since when; never the key."""
    from rich.console import Console
    from rich.table import Column, Table

    from tasks.serving.keys import key_ring

    table = Table(
        Column("id", min_width=9), "name", "requests/min", "tokens/min", "$/day", "apps", "created", "revoked"
    )
    for key in key_ring().all():
        limits = (key.limits.requests_per_minute, key.limits.tokens_per_minute, key.limits.price_per_day)
        shown = ["" if limit is None else f"{limit:g}" for limit in limits]
        table.add_row(key.id, key.name, *shown, ", ".join(key.apps) or "all", key.created, key.revoked or "")
    Console().print(table)


@commands.command()
def revoke(name: Annotated[str, typer.Argument(help="Name or id of the key.", show_default=False)]) -> None:
    """End a key: it is not answered from now on."""
    from tasks.serving.keys import key_ring

    ended = key_ring().revoke(name)
    typer.echo(f"revoked: {ended.id} ({ended.name})")
