"""Cost and latency: measured with every answer, so that no app has to ask for them."""

from typing import TYPE_CHECKING

from tasks.scoring.score import Metric

if TYPE_CHECKING:
    import pandas as pd

_MEASURED = (
    Metric("input_tokens", "cost", "lower", "1", "Tokens sent with a question.", high=None, unit="tokens"),
    Metric("output_tokens", "cost", "lower", "1", "Tokens of an answer.", high=None, unit="tokens"),
    Metric(
        "cached_tokens", "cost", "higher", "1", "Tokens sent that the endpoint had cached.", high=None, unit="tokens"
    ),
    Metric("price", "cost", "lower", "1", "Price of an answer.", high=None, unit="USD"),
    Metric("latency_total", "latency", "lower", "1", "Time to the whole answer.", high=None, unit="s"),
    Metric("latency_first_token", "latency", "lower", "1", "Time to the answer's first token.", high=None, unit="s"),
    Metric(
        "latency_per_token", "latency", "lower", "1", "Time for each output token after it.", high=None, unit="s/token"
    ),
)

USAGE_METRICS: dict[str, Metric] = {metric.name: metric for metric in _MEASURED}
"""The metrics that need no scorer; each is a column of an evaluation's rows."""


def usage_values(rows: "pd.DataFrame", metric: str) -> "pd.Series[float]":
    """Returns a usage metric of each row, NaN where it was not measured.

    Rows that were not answered have none. Neither has a row whose tokens the endpoint did not count, nor the price of
    a model without one, nor the time of an answer that nobody waited for: unknown is neither free nor fast.
    """
    unmeasured = rows["outcome"] != "ok"
    if metric in ("input_tokens", "output_tokens", "cached_tokens"):
        unmeasured |= (rows["input_tokens"] == 0) & (rows["output_tokens"] == 0)
    if metric == "latency_total":
        unmeasured |= rows["latency_total"] == 0
    return rows[metric].astype("float64").mask(unmeasured)
