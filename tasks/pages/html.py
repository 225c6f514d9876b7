"""A page as one HTML file that needs nothing else: no script, no other host, readable in the light and in the dark."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.pages.forest import beside, ends, is_open, place
from tasks.pages.numbers import dollars, number
from tasks.pages.page import Page
from tasks.pages.tables import measurement_table

if TYPE_CHECKING:
    from jinja2 import Template

_TEMPLATE = Path(__file__).with_name("page.html.jinja")
_LONG = 300
"""Characters from which a text is folded."""
_MOST = 20_000
"""Characters of a text at most; the results store has it whole."""


def as_html(page: Page) -> str:
    """Returns the page as an HTML document; every text in it is escaped."""
    return _template().render(page=page)


@cache
def _template() -> "Template":
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.globals |= {"place": place, "ends": ends, "is_open": is_open, "beside": beside, "LONG": _LONG}
    environment.globals["measurement_table"] = measurement_table
    environment.filters |= {"number": number, "dollars": dollars, "cut": _cut}
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))


def _cut(text: str) -> str:
    return text if len(text) <= _MOST else f"{text[:_MOST]}… ({len(text):,} characters in all)"
