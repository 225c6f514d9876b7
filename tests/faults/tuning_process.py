"""A process that tunes a model at a provider's, and ends by `kill -9` where it is told to.

`python tuning_process.py FOLDER [POINT]`: POINT is `method:number`, and the process is killed after that call of the
method has done its work and before anything is made of it. The document says what was made, and what it cost.
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


def main(folder, point=""):
    if point:
        method, _, number = point.partition(":")
        kill_after(method, int(number))
    loaded = load_app(folder)
    examples = [TrainingExample(f"r{n}", (Message("user", f"question {n}"),), f"answer {n}") for n in range(12)]
    settings = HostedTuning(kind="hosted", model="chat", epochs=2, batch=4, price=100)
    home, spend = Path(folder), Spend(loaded.app.budget)
    with Journal(home / "journal.db") as journal:
        workspace = Workspace(loaded, "first", spend, journal, Store(home / "results"), home)
        tuned = asyncio.run(tuned_by_provider(workspace, examples, examples[:3], settings, Polling(0.02, 0.05)))
    losses = [loss.value for loss in tuned.losses if loss.side == "train"]
    sys.stdout.write(
        json.dumps({"model": tuned.adapter.model, "losses": losses, "facts": tuned.facts, "spent": spend.price})
    )


main(*sys.argv[1:])
