"""`lifecycle serve`: the champion of an app behind an OpenAI-compatible endpoint."""

from typing import Annotated

import typer

from configs.loading import load_app
from configs.settings import settings


def serve(
    app: Annotated[str, typer.Option("--app", help="Name or path of the app.", show_default=False)],
    port: Annotated[int | None, typer.Option(help="Port; LIFECYCLE_ENDPOINT_PORT where not given.")] = None,
) -> None:
    """Serve an app's champion; requests under way are answered before it ends."""
    loaded = load_app(app)
    from tasks.serving import server

    server.serve(loaded, settings().host, port or settings().endpoint_port)
