"""What a Slack-compatible incoming webhook is sent: blocks, and a plain text where no blocks are shown.

Slack refuses a message whole that breaks a limit: 50 blocks, 150 characters of a header, 3,000 of a text.
"""

import re
from typing import Any

import orjson

from tasks.alerting.alert import Alert
from tasks.alerting.message import Message

_ALERTS = 45
_HEADER = 150
_TITLE, _REASON, _EXAMPLE, _LINK = 300, 1100, 320, 500
_SIGNS = {"warning": "⚠️", "error": "🔴", "critical": "🚨"}
_ADDRESS = re.compile(r"https?://[^\s<>|]+")
_TORN = re.compile(r"&[a-z]{0,3}$")


def slack_body(message: Message) -> bytes:
    """Returns the JSON of a message: a header, then one block an alert."""
    blocks = [{"type": "header", "text": {"type": "plain_text", "text": _head(message)}}]
    blocks += [_section(text) for text in _texts(message)]
    return orjson.dumps({"text": _plain(message.text, 3000), "blocks": blocks})


def _head(message: Message) -> str:
    if message.test:
        return f"{message.app}: a test"
    counts = {"new": message.opened, "still wrong": message.reminded, "recovered": message.recovered}
    said = ", ".join(f"{len(alerts)} {words}" for words, alerts in counts.items() if alerts)
    return f"{message.app}: {said}"[:_HEADER]


def _texts(message: Message) -> list[str]:
    if message.test:
        return [_plain(message.text, 3000)]
    texts = [_text(alert, "") for alert in message.opened]
    texts += [_text(alert, "still: ") for alert in message.reminded]
    texts += [_over(alert) for alert in message.recovered]
    more = len(texts) - _ALERTS
    return [*texts[:_ALERTS], f"… and {more} more; `lifecycle alerts` lists all"] if more > 0 else texts


def _text(alert: Alert, before: str) -> str:
    lines = [f"{_SIGNS[alert.severity]} *{before}{_plain(alert.title, _TITLE)}*", _plain(alert.reason, _REASON)]
    lines += [f"> {_plain(example, _EXAMPLE)}" for example in alert.examples]
    return "\n".join(lines) + f"\nsince {alert.began:%Y-%m-%d %H:%M} UTC{_link(alert)}"


def _over(alert: Alert) -> str:
    until = f" to {alert.recovered:%Y-%m-%d %H:%M}" if alert.recovered else ""
    return f"✅ *recovered: {_plain(alert.title, _TITLE)}*\n{alert.began:%Y-%m-%d %H:%M}{until} UTC{_link(alert)}"


def _link(alert: Alert) -> str:
    # Between angle brackets Slack reads more than addresses: `<!channel>` would call everybody.
    fits = len(alert.link) <= _LINK and _ADDRESS.fullmatch(alert.link)
    return f" · <{alert.link}|look>" if fits else ""


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _plain(text: str, longest: int) -> str:
    """Returns a text that names no user and no channel, as Slack asks it to be escaped, and cuts it."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped if len(escaped) <= longest else f"{_TORN.sub('', escaped[: longest - 1])}…"
