"""The engine's model calls with nothing around them; says what they took as one line of JSON."""

import argparse
import asyncio
import json
import time
from pathlib import Path

import aiohttp  # noqa: F401 its import is start-up

from benchmarks.engine.apps import INSTRUCTION, MODEL, read_questions
from configs.loading import load_app
from configs.schema.app import Parameters
from tasks.calling.chat import call_model
from tasks.data.row import Message


async def called(app: Path, at_once: int) -> float:
    """Calls the app's model once a row, so many at once, and returns the CPU seconds of it."""
    model = load_app(str(app)).models[MODEL]
    questions = iter(list(read_questions(app / "rows.jsonl")))

    async def work() -> None:
        for question in questions:
            await call_model(model, (Message("system", INSTRUCTION), Message("user", question)), Parameters())

    cpu = time.process_time()
    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(work())
    return time.process_time() - cpu


def main() -> None:
    """Calls the model of the app that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("app", type=Path)
    parser.add_argument("--at-once", type=int, required=True)
    arguments = parser.parse_args()
    print(json.dumps({"cpu_s": asyncio.run(called(arguments.app, arguments.at_once))}))


if __name__ == "__main__":
    main()
