"""`lifecycle journal`: what the journal holds, saved and cost; `prune`, `erase` and `repair`."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from configs.errors import ConfigurationError
from configs.settings import settings

if TYPE_CHECKING:
    from configs.schema.model import Price
    from tasks.journal.journal import EpochUsage, Saving

commands = typer.Typer(help="Look at the journal of all model calls, and take records out of it.")

_UNITS = {"h": "hours", "d": "days", "w": "weeks"}
_AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Count only; remove nothing.")]


@commands.callback(invoke_without_command=True)
def show(
    context: typer.Context,
    verify: Annotated[bool, typer.Option("--verify", help="Read every record and compare its checksum.")] = False,
    app: Annotated[str | None, typer.Option(help="Name or path of an app whose own prices count, too.")] = None,
    as_json: _AsJson = False,
) -> None:
    """Show the journal: size, calls, tokens and price by model and epoch, and what was not asked twice."""
    if context.invoked_subcommand:
        return
    document = _document(_path(), app, verify=verify)
    if as_json:
        typer.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        _print(document)


@commands.command()
def prune(
    older_than: Annotated[str | None, typer.Option(metavar="AGE", help="Such as 12h, 30d or 4w.")] = None,
    epoch: Annotated[str | None, typer.Option(help="Only records of this round of asking.")] = None,
    model: Annotated[str | None, typer.Option(help="Only records of this model.")] = None,
    dry_run: _DryRun = False,
    as_json: _AsJson = False,
) -> None:
    """Remove the records to which all that is given applies; they are asked again when they are needed."""
    if older_than is None and epoch is None and model is None:
        raise ConfigurationError("journal prune: say which records; give --older-than, --epoch or --model")
    before = None if older_than is None else datetime.now(UTC) - _age(older_than)
    from tasks.journal.erasing import prune as prune_journal

    removed = prune_journal(_path(), before=before, epoch=epoch, model=model, dry_run=dry_run)
    _say("pruned", removed._asdict(), dry_run=dry_run, as_json=as_json)


@commands.command()
def erase(
    text: Annotated[str, typer.Option(help="Every record that holds this text.", show_default=False)] = "",
    user: Annotated[str, typer.Option(metavar="ID", help="Every record of this user.", show_default=False)] = "",
    ignore_case: Annotated[bool, typer.Option("--ignore-case", help="Upper and lower case are the same.")] = False,
    dry_run: _DryRun = False,
    as_json: _AsJson = False,
) -> None:
    """Erase every record that holds a text or belongs to a user; their bytes leave the file."""
    if not text.strip() and not user:
        raise ConfigurationError("journal erase: say what to erase; give --text or --user")
    from tasks.journal.erasing import erase as erase_from_journal

    removed = erase_from_journal(_path(), text=text, user=user, ignore_case=ignore_case, dry_run=dry_run)
    _say("erased", removed._asdict(), dry_run=dry_run, as_json=as_json)


@commands.command()
def repair(as_json: _AsJson = False) -> None:
    """Rewrite a damaged journal out of what can be read of it; the rest is asked again."""
    from tasks.journal.repairing import repair as repair_journal

    repaired = repair_journal(_path())
    if as_json:
        typer.echo(json.dumps(repaired._asdict(), indent=2))
    else:
        typer.echo(f"kept {repaired.kept} records, {repaired.lost} were damaged and are asked again", err=True)


def _path() -> Path:
    return settings().folder() / "journal.db"


def _age(text: str) -> timedelta:
    found = re.fullmatch(r"(\d{1,5})([hdw])", text)
    if not found:
        raise ConfigurationError(f"--older-than {text!r}: give a number and h, d or w, such as 30d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _say(done: str, removed: dict[str, int], *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({**removed, "dry_run": dry_run}, indent=2))
        return
    said = f"would have {done}" if dry_run else done
    damaged = f", and {removed['damaged']} damaged ones" if removed["damaged"] else ""
    records = "1 record" if removed["records"] == 1 else f"{removed['records']} records"
    typer.echo(f"{said} {records}{damaged}", err=True)


def _document(path: Path, app: str | None, *, verify: bool) -> dict[str, Any]:
    from configs.loading import common_prices, load_app
    from tasks.journal.reading import report

    loaded = load_app(app) if app else None
    common = common_prices()
    prices, as_of = (loaded.prices, loaded.prices_as_of) if loaded else (common.models, common.as_of)
    found = report(path, verify=verify)
    return {
        "file": str(path),
        "bytes": found.bytes,
        "records": [{**usage._asdict(), "price": _price(usage, prices)} for usage in found.usage],
        "saved": [{**saving._asdict(), "price": _price(saving, prices)} for saving in found.savings],
        "damaged": found.damaged,
        "prices_as_of": as_of,
    }


def _price(used: "EpochUsage | Saving", prices: "Mapping[str, Price]") -> float | None:
    from tasks.calling.answer import Usage
    from tasks.calling.pricing import price_of

    price = prices.get(used.model)
    usage = Usage(used.input, used.output, used.cached)
    return None if price is None else price_of(usage, price, deferred=used.kind == "deferred")


def _print(document: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(soft_wrap=True, highlight=False)
    console.print(f"{document['file']}, {document['bytes'] / 1e6:.1f} MB", markup=False)
    for title, entries in (("asked", document["records"]), ("not asked again", document["saved"])):
        if not entries:
            console.print(f"{title}: nothing yet")
            continue
        table = Table(title, "kind", "epoch", box=None, pad_edge=False)
        for column in ("calls", "tokens in", "tokens out", f"price ({document['prices_as_of']})"):
            table.add_column(column, justify="right")
        for entry in entries:
            price = "unknown" if entry["price"] is None else f"${entry['price']:.4f}"
            numbers = (f"{entry[name]:,}" for name in ("calls", "input", "output"))
            table.add_row(escape(entry["model"]), entry["kind"], escape(entry.get("epoch", "")), *numbers, price)
        console.print(table)
    if document["damaged"]:
        console.print(
            f"{document['damaged']} damaged records are asked again when they are needed; "
            f"`lifecycle journal repair` takes them out"
        )
    elif document["damaged"] == 0:
        console.print("every record is whole")
