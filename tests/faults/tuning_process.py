"""Processes that tune a model at a provider's, one after the other, and end by `kill -9` where they are told to.

`python tuning_process.py FOLDER POINT...`: POINT is `method:number`, and its process is killed after that call of the
method has done its work and before anything is made of it; `whole` is not killed. A line of JSON a process says what
was made and what it cost, or that it was killed.
"""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from configs.loading import load_app
from configs.schema.hosted import HostedTuning
from tasks.calling.fine_tuning import FineTuning
from tasks.calling.polling import Polling
from tasks.calling.spend import Spend
from tasks.data.row import Message
from tasks.data.tokens import token_counter
from tasks.journal.journal import Journal
from tasks.results.store import Store
from tasks.tuning.example import TrainingExample
from tasks.tuning.hosted.remembered import JobFile
from tasks.tuning.hosted.tuning import tuned_by_provider
from tasks.tuning.hosted.watching import Watching
from tasks.workspace import Workspace

OWNERS = {"see": Watching, "remember": JobFile}


def kill_after(method, number):
    owner, count = OWNERS.get(method, FineTuning), 0
    whole = getattr(owner, method)

    def end():
        nonlocal count
        count += 1
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)

    async def waited(*args, **kwargs):
        found = await whole(*args, **kwargs)
        end()
        return found

    def done(*args, **kwargs):
        found = whole(*args, **kwargs)
        end()
        return found

    setattr(owner, method, done if method == "remember" else waited)


def tune(folder):
    loaded = load_app(str(folder))
    examples = [TrainingExample(f"r{n}", (Message("user", f"question {n}"),), f"answer {n}") for n in range(12)]
    settings = HostedTuning(model="chat", epochs=2, batch=4, price=100)
    spend = Spend(loaded.app.budget)
    with Journal(folder / "journal.db") as journal:
        workspace = Workspace(loaded, "first", spend, journal, Store(folder / "results"), folder)
        tuned = asyncio.run(tuned_by_provider(workspace, examples, examples[:3], settings, Polling(0.02, 0.05)))
    losses = [loss.value for loss in tuned.losses if loss.side == "train"]
    return {"model": tuned.adapter.model, "losses": losses, "facts": tuned.facts, "spent": spend.price}


def main(folder, *points):
    """Forks once a point, since starting Python anew takes longer than all of a job; says how each of them ended."""
    for point in points:
        child = os.fork()
        if child == 0:
            method, _, number = point.partition(":")
            if number:
                kill_after(method, int(number))
            document = tune(Path(folder))
            sys.stdout.write(json.dumps(document) + "\n")
            sys.stdout.flush()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            sys.stdout.write(json.dumps({"point": point, "signal": os.WTERMSIG(status)}) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    import openai  # noqa: F401 what takes long, before the first fork

    token_counter()
    main(*sys.argv[1:])
