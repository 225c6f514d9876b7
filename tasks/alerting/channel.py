"""Channels: where messages go, by names of environment variables; no address is ever written down."""

import os
from typing import Literal, NamedTuple

from configs.schema.app import App

Kind = Literal["webhook", "slack", "prefect"]


class Channel(NamedTuple):
    """One place that is told.

    Attributes:
        kind: how it is spoken to.
        url_env: name of the environment variable that holds its address; "" for Prefect, whose address is a setting.
        secret_env: name of the one that holds the secret for signatures; "" for none.
        remind_hours: after how many hours what is still wrong is told again; None for never.
    """

    kind: Kind
    url_env: str = ""
    secret_env: str = ""
    remind_hours: float | None = None

    @property
    def name(self) -> str:
        """What it is called in lists and logs."""
        return f"{self.kind} {self.url_env}".strip()


PREFECT = Channel("prefect")
"""Every alert is a Prefect event, whatever else is configured."""


class AddressError(Exception):
    """A channel's address or secret is missing, or is none. The message names the variable, never what it holds."""


def channels_of(app: App) -> tuple[Channel, ...]:
    """Returns the channels of an app: Prefect, then those of its configuration."""
    configured = (
        Channel(each.kind, each.url_env, (getattr(each, "secret_env", None) or ""), each.remind_hours)
        for each in app.alerts
    )
    return (PREFECT, *configured)


def environment_value(name: str) -> str:
    """Returns what an environment variable holds.

    Raises:
        AddressError: it is not set.
    """
    value = os.environ.get(name, "").strip()
    if not value:
        raise AddressError(f"{name} is not set; set it in the environment or in .env, then start the stack again")
    return value
