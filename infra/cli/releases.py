"""`lifecycle rollback`: an earlier champion answers again."""

from typing import Annotated

import typer

from configs.loading import load_app


def rollback(
    app: Annotated[str, typer.Option("--app", help="Name or path of the app.", show_default=False)],
    to: Annotated[int | None, typer.Option(help="Model version; the champion before where not given.", min=1)] = None,
    why: Annotated[str, typer.Option(help="The reason, for the release log.")] = "rolled back by hand",
) -> None:
    """Make an earlier champion the champion again: intent logged, alias moved, endpoint tested, commit logged."""
    loaded = load_app(app)
    from tasks.releasing.release import roll_back

    done = roll_back(loaded, to, why)
    entry = done.entry
    said = done.note or f"version {entry.version} (candidate {entry.candidate[:8]}) is champion; {entry.why}"
    typer.echo(f"{loaded.app.name}: {said}", err=True)
