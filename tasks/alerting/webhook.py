"""What a webhook is sent: JSON, with the headers and the signature of Standard Webhooks (standardwebhooks.com, 1.0)."""

import base64
import hashlib
import hmac
from datetime import datetime

import orjson

from tasks.alerting.channel import AddressError
from tasks.alerting.message import Message

_PREFIX = "whsec_"


def webhook_body(message: Message) -> bytes:
    """Returns the JSON of a message; `docs/alerts.md` says what each key means."""
    alerts = {key: {"__all__": {"event"}} for key in ("opened", "reminded", "recovered")}
    return orjson.dumps({**message.model_dump(mode="json", exclude=alerts), "text": message.text})


def webhook_headers(message: Message, body: bytes, at: datetime, secret: str = "") -> dict[str, str]:
    """Returns the headers by which a receiver knows a message again, and who sent it.

    Args:
        message: its id is the idempotency key: the same at every try.
        body: what is sent.
        at: when it is sent, in UTC; a receiver refuses what is old.
        secret: `whsec_` and base64, or base64 alone; "" sends no signature.

    Raises:
        AddressError: the secret is no base64.
    """
    stamp = str(int(at.timestamp()))
    headers = {"webhook-id": message.id, "webhook-timestamp": stamp}
    if secret:
        signed = hmac.new(_key(secret), f"{message.id}.{stamp}.".encode() + body, hashlib.sha256).digest()
        headers["webhook-signature"] = f"v1,{base64.b64encode(signed).decode()}"
    return headers


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except ValueError:  # also of what is not ASCII
        raise AddressError(
            f"is no secret; write {_PREFIX} and then base64, such as `openssl rand -base64 32`"
        ) from None
