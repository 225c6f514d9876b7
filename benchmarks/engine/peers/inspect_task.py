"""inspect_ai: one generated answer and its `exact` scorer a row, without display and epochs."""

import argparse
import os
from pathlib import Path

from benchmarks.engine.apps import INSTRUCTION, MODEL, MOST_TOKENS, read_questions


def evaluate(address: str, rows: Path, at_once: int, folder: Path) -> None:
    """Evaluates the rows of a dataset; its logs go into the folder."""
    os.environ["INSPECT_LOG_DIR"] = str(folder)
    from inspect_ai import Task, eval  # noqa: A004 its name
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.model import GenerateConfig, get_model
    from inspect_ai.scorer import exact
    from inspect_ai.solver import generate, system_message

    samples = [Sample(input=question, target=question) for question in read_questions(rows)]
    task = Task(dataset=MemoryDataset(samples), solver=[system_message(INSTRUCTION), generate()], scorer=exact())
    settings = GenerateConfig(max_connections=at_once, temperature=0.0, max_tokens=MOST_TOKENS)
    model = get_model(f"openai/{MODEL}", base_url=address, api_key="none", config=settings, responses_api=False)
    log = eval(
        task,
        model=model,
        max_samples=at_once,
        max_connections=at_once,
        display="none",
        log_realtime=False,
        log_dir=str(folder),
    )[0]
    if log.status != "success":
        raise SystemExit(f"inspect_ai ended with status {log.status}: {log.error}")


def main() -> None:
    """Evaluates the rows that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("rows", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--at-once", type=int, required=True)
    arguments = parser.parse_args()
    evaluate(arguments.address, arguments.rows, arguments.at_once, arguments.folder)


if __name__ == "__main__":
    main()
