"""`lifecycle serve`: the champions of some apps behind an OpenAI-compatible endpoint."""

from typing import Annotated

import typer

from configs.settings import settings


def serve(
    app: Annotated[
        list[str], typer.Option("--app", help="Name or path of an app; once for each of several.", show_default=False)
    ],
    port: Annotated[int | None, typer.Option(help="Port; LIFECYCLE_ENDPOINT_PORT where not given.")] = None,
) -> None:
    """Serve the champions of some apps, each by its name; requests under way are answered before it ends."""
    from tasks.serving import server

    server.serve(app, settings().host, port or settings().endpoint_port)
