"""Texts of users and models, as Markdown shows them."""

import re

from tasks.pages.numbers import printable


def plain(text: str) -> str:
    """Returns text that Markdown shows as it is, on one line; nothing in it is a tag, an entity or a link."""
    flat = " ".join(printable(text).split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|~])", r"\\\1", flat).replace("://", "&#58;//")
