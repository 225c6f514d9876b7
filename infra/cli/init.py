"""`lifecycle init NAME`: an app to start from."""

import re
import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from configs.errors import ConfigurationError

TEMPLATE = Path(__file__).parents[1] / "templates" / "app"

_NAME = re.compile(r"[a-z][a-z0-9-]{0,40}")


def init(
    name: Annotated[str, typer.Argument(help="Short name of the app: small letters, digits and hyphens.")],
    path: Annotated[
        Path | None, typer.Option(help="Folder to write; by default one of the app's name in this folder.")
    ] = None,
) -> None:
    """Write a small whole app, ready to run, to start from."""
    folder = write_app(name, path or Path(name))
    shown = folder if folder.is_absolute() else f"./{folder}"
    typer.echo(f"wrote {shown}; begin with app.yaml there, then: lifecycle run loop --app {shown}")


def write_app(name: str, folder: Path) -> Path:
    """Writes the template as a new app, whole or not at all, and returns its folder.

    Raises:
        ConfigurationError: the name is not allowed, the folder exists, or it cannot be written.
    """
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"name {name!r}: allowed are up to 41 small letters, digits and hyphens, a letter first; "
            f"choose another, and say where the folder goes by --path"
        )
    if folder.exists():
        raise ConfigurationError(f"{folder} exists and is left as it is; choose another name or another --path")
    try:
        _write(name, folder)
    except OSError as error:
        raise ConfigurationError(f"{folder} cannot be written: {error.strerror}; mend it or choose --path") from None
    return folder


def _write(name: str, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=folder.parent) as unfinished:
        made = Path(unfinished) / name
        shutil.copytree(TEMPLATE, made)
        app = made / "app.yaml"
        text = app.read_text(encoding="utf-8")
        app.write_text(text.replace("name: your-app", f"name: {name}", 1), encoding="utf-8")
        made.rename(folder)
