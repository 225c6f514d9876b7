"""`lifecycle rollout`: where a release by stages stands, and a person's word on it."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from configs.loading import LoadedApp
    from tasks.rollout.stages import Rollout

commands = typer.Typer(no_args_is_help=True, help="A release by stages: shown, followed, approved, declined, ended.")

_App = Annotated[str, typer.Option("--app", help="Name or path of the app.", show_default=False)]
_Why = Annotated[str, typer.Option(help="The reason, for the release log.")]
_LOOK_EVERY_S = 1.0


@commands.command()
def show(app: _App) -> None:
    """Show the rollout under way, else the steps of the last one."""
    from rich.console import Console

    from configs.loading import load_app
    from tasks.releasing.log import release_log
    from tasks.rollout.stages import rollout_of

    loaded = load_app(app)
    entries = release_log(loaded.app.name).entries()
    console, rollout = Console(), rollout_of(entries)
    steps = [entry for entry in entries if entry.stage]
    if not steps:
        console.print(f"{loaded.app.name}: nothing has been released by stages")
        return
    for entry in (each for each in steps if each.release == steps[-1].release):
        share = f" {entry.evidence['share']:.0%}" if entry.stage == "canary" else ""
        console.print(
            f"{entry.at[:19]}  {entry.stage}{share}  {entry.who}: {entry.why}", highlight=False, soft_wrap=True
        )
    if rollout is not None:
        console.print(_table(loaded, rollout))


@commands.command()
def follow(app: _App) -> None:
    """Show the rollout under way until it is promoted or over; it goes on without this."""
    import time

    from rich.live import Live

    from configs.loading import load_app
    from tasks.releasing.log import release_log
    from tasks.rollout.stages import rollout_of

    loaded = load_app(app)
    log = release_log(loaded.app.name)
    rollout = _under_way(loaded)
    with Live(_table(loaded, rollout), auto_refresh=False) as live:
        while (now := rollout_of(log.entries())) is not None and now.stage != "watch":
            live.update(_table(loaded, now), refresh=True)
            time.sleep(_LOOK_EVERY_S)
    last = [entry for entry in log.entries() if entry.stage and entry.release == rollout.release][-1]
    typer.echo(f"{loaded.app.name}: {last.stage}: {last.why}", err=True)


@commands.command()
def approve(app: _App, why: _Why) -> None:
    """Agree to the release that waits: its candidate meets users."""
    from configs.loading import load_app
    from tasks.releasing.promote import current_user
    from tasks.rollout.opening import approve as agree

    loaded = load_app(app)
    entry = agree(loaded, _waiting(loaded), who=current_user(), why=why)
    typer.echo(f"{loaded.app.name}: approved; {entry.stage or 'promoted'}", err=True)


@commands.command()
def decline(app: _App, why: _Why) -> None:
    """Decline the release that waits: the champion stays."""
    from configs.loading import load_app
    from tasks.releasing.promote import current_user
    from tasks.rollout.opening import decline as refuse

    loaded = load_app(app)
    refuse(loaded, _waiting(loaded), who=current_user(), why=why)
    typer.echo(f"{loaded.app.name}: declined", err=True)


@commands.command()
def end(app: _App, why: _Why = "ended by hand") -> None:
    """End the rollout under way: the champion answers everybody from now on. A promotion is not undone by it."""
    from configs.loading import load_app
    from tasks.releasing.log import release_log
    from tasks.releasing.promote import current_user
    from tasks.rollout.stages import step

    loaded = load_app(app)
    step(release_log(loaded.app.name), _under_way(loaded), "ended", who=current_user(), why=why)
    typer.echo(f"{loaded.app.name}: ended", err=True)


def _under_way(loaded: "LoadedApp") -> "Rollout":
    from configs.errors import ReleaseError
    from tasks.releasing.log import release_log
    from tasks.rollout.stages import rollout_of

    rollout = rollout_of(release_log(loaded.app.name).entries())
    if rollout is None:
        raise ReleaseError(f"{loaded.app.name}: no rollout is under way; `lifecycle run deploy` begins one")
    return rollout


def _waiting(loaded: "LoadedApp") -> "Rollout":
    from configs.errors import ReleaseError

    rollout = _under_way(loaded)
    if rollout.stage not in ("proposed", "approved") or rollout.promoted:
        raise ReleaseError(f"{loaded.app.name}: nothing waits for approval: the rollout is at `{rollout.stage}`")
    return rollout


def _table(loaded: "LoadedApp", rollout: "Rollout") -> "Table":
    from rich.table import Table

    from tasks.rollout.report import read_report

    share = f" {rollout.share:.0%}" if rollout.stage == "canary" else ""
    report = read_report(loaded.app.name, rollout.release)
    title = f"{loaded.app.name}: candidate {rollout.candidate[:8]}, {rollout.stage}{share}"
    table = Table(
        "metric",
        "candidate − champion",
        "margin",
        "answers",
        "the champion's",
        "worse",
        "fine",
        title=f"{title}{f': {report.why}' if report else ''}",
        caption="worse, fine: evidence, as a share of what ends the rollout and of what the promotion needs",
    )
    for row in report.rows if report else ():
        found = row.difference
        between = f"{found.value:+.3f} [{found.low:+.3f}, {found.high:+.3f}]" if found else "none yet"
        numbers = (f"{row.margin:g}", str(row.new), str(row.old), f"{row.worse:.2f}", f"{row.fine:.2f}")
        table.add_row(row.metric, between, *numbers)
    return table
