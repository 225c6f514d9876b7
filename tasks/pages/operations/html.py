"""The operations page as one HTML file that needs nothing else: no script, no other host; titles show on hover."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.pages.numbers import counted, dollars, number, shown
from tasks.pages.operations.drawing import (
    HEIGHT,
    WIDTH,
    Span,
    begun,
    interval_of,
    plot,
    price_bars,
    request_bars,
    stretch,
    told,
)
from tasks.pages.operations.operations import Operations

if TYPE_CHECKING:
    from jinja2 import Template

_TEMPLATE = Path(__file__).with_name("operations.html.jinja")
_KEYS = 20
"""Keys that the table shows, the dearest first."""
_ALERTS = 50
"""Alerts that are shown, those that stand first."""


def as_html(operations: Operations) -> str:
    """Returns the page as an HTML document; every text in it is escaped."""
    span = Span(operations.since, operations.until)
    groups = {
        dimension: [trend for trend in operations.trends if trend.dimension == dimension]
        for dimension in ("quality", "harm", "honesty", "cost", "latency")
    }
    listed = operations.alerts[:_ALERTS]
    marks = (*operations.marks, *(begun(alert) for alert in listed if alert.began >= operations.since))
    return _template().render(
        page=operations,
        alerts=listed,
        groups=groups,
        plot=lambda trend: plot(trend, span, marks),
        requests=request_bars(operations.served, span, marks),
        prices=price_bars(operations.served, span, marks),
    )


@cache
def _template() -> "Template":
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.globals |= {"WIDTH": WIDTH, "HEIGHT": HEIGHT, "KEYS": _KEYS, "stretch": stretch, "told": told}
    environment.filters |= {
        "number": number,
        "dollars": dollars,
        "counted": counted,
        "shown": shown,
        "interval_of": interval_of,
    }
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
