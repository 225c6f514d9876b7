"""`lifecycle alerts`: what is wrong, who was told, and whether a channel works."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from tasks.alerting.alert import Alert
    from tasks.alerting.outbox import Delivery, Outbox

commands = typer.Typer()

_SHOWN = 50


@commands.callback(invoke_without_command=True)
def alerts(
    context: typer.Context,
    app: Annotated[str | None, typer.Option("--app", help="Name or path of the app; all apps where not given.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """List what is wrong and what was, and how far its messages are."""
    if context.invoked_subcommand:
        return
    from configs.loading import load_app
    from tasks.alerting.failing import failing
    from tasks.alerting.outbox import outboxes

    only = load_app(app).app.name if app else None
    with outboxes() as every:
        found = [outbox for outbox in every if only in (None, outbox.app)]
        if as_json:
            typer.echo(json.dumps({"apps": [_document(outbox) for outbox in found]}, indent=2, ensure_ascii=False))
            return
        _show(found)
        for each in failing(found):
            typer.echo(each.line, err=True)


@commands.command()
def test(
    app: Annotated[str, typer.Option("--app", help="Name or path of the app.", show_default=False)],
) -> None:
    """Send each channel a test message, and say what it answered; status 1 where one did not take it."""
    import asyncio

    from configs.loading import load_app
    from configs.settings import settings
    from tasks.alerting.channel import channels_of
    from tasks.alerting.sending import try_all

    loaded = load_app(app)
    settings()  # reads .env, where the addresses may stand
    channels = channels_of(loaded.app)
    tried = asyncio.run(try_all(loaded.app.name, channels))
    for channel, each in zip(channels, tried, strict=True):
        typer.echo(f"{channel.name}: {each.problem or 'delivered'}")
    if len(channels) == 1:
        typer.echo(f"{loaded.app.name} names no channel; write `alerts` into its app.yaml", err=True)
    if any(each.problem for each in tried):
        raise typer.Exit(1)


def _document(outbox: "Outbox") -> dict[str, Any]:
    deliveries = outbox.deliveries(10 * _SHOWN)
    listed = []
    for alert in outbox.alerts(_SHOWN):
        content = alert.model_dump(mode="json", exclude={"event", "app"})
        listed.append({**content, "deliveries": [_delivered(each) for each in _about(alert, deliveries)]})
    return {"app": outbox.app, "alerts": listed}


def _delivered(delivery: "Delivery") -> dict[str, Any]:
    return {
        "message": delivery.message.id,
        "channel": delivery.channel.name,
        "state": delivery.state,
        "tries": delivery.tries,
        "problem": delivery.problem,
        "ended": delivery.ended and delivery.ended.isoformat(),
    }


def _about(alert: "Alert", deliveries: "tuple[Delivery, ...]") -> "list[Delivery]":
    return [each for each in deliveries if any(alert.id == told.id for told in each.message.alerts)]


def _show(found: "list[Outbox]") -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("app", "state", "severity", "what", "began (UTC)", "seen", "told", box=None, pad_edge=False)
    for outbox in found:
        deliveries = outbox.deliveries(10 * _SHOWN)
        for alert in outbox.alerts(_SHOWN):
            told = {each.channel.name: each.state for each in reversed(_about(alert, deliveries))}
            table.add_row(
                outbox.app,
                "[dim]recovered[/]" if alert.recovered else "[red]open[/]",
                alert.severity,
                f"{escape(alert.title)}\n[dim]{escape(alert.reason)}[/]",
                f"{alert.began:%Y-%m-%d %H:%M}",
                f"{alert.times} ×",
                "\n".join(f"{escape(name)}: {state}" for name, state in told.items()),
            )
    if table.row_count:
        Console().print(table)
    else:
        typer.echo("nothing was ever wrong, as far as anybody looked", err=True)
