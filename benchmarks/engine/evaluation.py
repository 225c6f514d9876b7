"""One evaluation of an app's full dataset by the engine, in this process; says what it took as one line of JSON."""

import argparse
import asyncio
import json
import resource
import time
from typing import Any

import aiohttp  # noqa: F401 what is imported at its first use is start-up, and start-up is not measured
import pandas as pd  # noqa: F401
import pyarrow.parquet  # noqa: F401

from tasks.candidates import explored, read_prompts
from tasks.evaluating.asking import Asking
from tasks.evaluating.evaluate import evaluate_candidate
from tasks.tracking.following import Following
from tasks.tracking.runs import record_evaluation
from tasks.workspace import open_workspace


async def evaluated(app: str, *, recorded: bool) -> dict[str, Any]:
    """Evaluates the app's only candidate and returns seconds, CPU seconds, memory and what became of the rows.

    Args:
        app: its folder.
        recorded: whether the evaluation goes into MLflow as well.
    """
    started = time.perf_counter()
    with open_workspace(app) as workspace:
        dataset = workspace.dataset("full")
        candidate = explored(workspace.loaded, read_prompts(workspace.loaded))[0]
        cpu, began = time.process_time(), time.perf_counter()
        asking = Asking(follow=Following(workspace.metrics) if recorded else None)
        evaluation = await evaluate_candidate(workspace, candidate, dataset, asking)
        cpu_s, evaluated_s = time.process_time() - cpu, time.perf_counter() - began
        if recorded:
            record_evaluation(workspace.loaded, evaluation, dataset, workspace.metrics)
        wall_s = time.perf_counter() - started
        return {
            "rows": len(dataset.rows),
            "journaled": sum(usage.calls for usage in workspace.journal.usage()),
            "outcomes": evaluation.rows["outcome"].value_counts().to_dict(),
            "wall_s": wall_s,
            "evaluated_s": evaluated_s,
            "cpu_s": cpu_s,
            "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }


def main() -> None:
    """Evaluates the app that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("app")
    parser.add_argument("--record", action="store_true", help="write the evaluation into MLflow, too")
    arguments = parser.parse_args()
    if arguments.record:
        import matplotlib.figure  # noqa: F401
        import mlflow  # noqa: F401
    print(json.dumps(asyncio.run(evaluated(arguments.app, recorded=arguments.record))))


if __name__ == "__main__":
    main()
