"""How long the estimates of a large evaluation take."""

import time

import numpy as np
import pandas as pd

from benchmarks.decisions.sizes import Sizes
from benchmarks.figure import Figure, Reach, Row
from tasks.scoring.score import Metric
from tasks.scoring.usage import USAGE_METRICS
from tasks.statistics.estimates import estimate_all

_METRICS = 10


def speed(sizes: Sizes) -> Row:
    """Times the estimates of ten metrics, rows apart and in clusters."""
    figures = []
    for what, rows_a_cluster in (("rows apart", 1), ("clusters of 5", 5)):
        seconds = _seconds(sizes.rows, rows_a_cluster)
        figures.append(
            Figure(f"{sizes.rows:,} rows, {_METRICS} metrics, {what}", seconds, Reach(at_most=2.0), unit=" s")
        )
    how = "`estimate_all`: nine scored metrics, half of them 0/1, and a latency with its quantiles; frames in memory."
    return Row(4, "Time of the statistics", how, tuple(figures))


def _seconds(n: int, rows_a_cluster: int) -> float:
    rng = np.random.default_rng(20261128)
    ids = [f"r{number}" for number in range(n)]
    rows = pd.DataFrame({"row_id": ids, "cluster": [ids[number // rows_a_cluster] for number in range(n)]})
    rows = rows.assign(outcome="ok", latency_total=rng.lognormal(0, 0.5, n))
    metrics = {"latency_total": USAGE_METRICS["latency_total"]}
    columns = {}
    for number in range(_METRICS - 1):
        name = f"metric{number}"
        metrics[name] = Metric(name, "quality", "higher", "1", "simulated")
        columns[name] = (rng.random(n) < 0.7).astype(float) if number % 2 else rng.random(n)
        columns[f"{name}.applies"] = np.ones(n, dtype=bool)
    started = time.perf_counter()
    estimate_all(rows, pd.DataFrame(columns), metrics, 0.95)
    return time.perf_counter() - started
