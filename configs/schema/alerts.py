"""Where alerts go: addresses that the environment holds, since whoever has one can write there."""

from typing import Annotated, Literal

from pydantic import Field

from configs.schema.base import Frozen

_VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]*$"


class Webhook(Frozen):
    """Any service that takes JSON by POST."""

    kind: Literal["webhook"]
    """`webhook`: the JSON of `docs/alerts.md`, with the headers of Standard Webhooks."""
    url_env: str = Field(pattern=_VARIABLE)
    """Name of the environment variable that holds the address; never the address itself."""
    secret_env: str | None = Field(None, pattern=_VARIABLE)
    """Name of the environment variable that holds the secret, `whsec_` and base64, by which messages are signed; not
    signed where not set."""
    remind_hours: float | None = Field(None, gt=0)
    """Hours after which what is still wrong is told again; told once where not set."""


class Slack(Frozen):
    """A Slack-compatible incoming webhook: Slack, Mattermost, Rocket.Chat and others."""

    kind: Literal["slack"]
    """`slack`: blocks, with a plain text for notifications."""
    url_env: str = Field(pattern=_VARIABLE)
    """Name of the environment variable that holds the address; never the address itself."""
    remind_hours: float | None = Field(None, gt=0)
    """Hours after which what is still wrong is told again; told once where not set."""


AlertChannel = Annotated[Webhook | Slack, Field(discriminator="kind")]
