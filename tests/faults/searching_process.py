"""A process in which an app's first move searches, again and again: `searching_process.py ADDRESS FOLDER=WHEN...`.

The folder holds an app; WHEN is how many more requests the endpoint at the address has had when the search is killed by
`kill -9`, or `whole` for one that is not. Each runs in a process forked from this one, since starting Python anew takes
longer than all of a search. A line of JSON says what each came to: what it chose and tried, and the ledger.
"""

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path

from configs.loading import load_app
from configs.schema.app import Parameters
from infra.simulator.running import calls
from tasks.augmenting.making import made_by
from tasks.calling.endpoint import endpoint_model
from tasks.calling.spend import Spend
from tasks.candidate import Candidate
from tasks.candidates import read_prompts
from tasks.journal.journal import Journal
from tasks.prompting.searched import PromptSearch
from tasks.results.searches import search_of
from tasks.results.store import Store
from tasks.retrieval.searched import RetrievalSearch
from tasks.workspace import Workspace

KINDS = {"search_retrieval": RetrievalSearch, "search_prompt": PromptSearch}


def search(folder):
    loaded = load_app(str(folder))
    (move,) = loaded.app.augment.moves
    (prompt,) = read_prompts(loaded)
    base = Candidate(
        app=loaded.app.name,
        target=loaded.app.target,
        prompt=prompt,
        model="chat",
        endpoint_model=endpoint_model("chat", loaded.models["chat"]),
        parameters=Parameters(),
    )
    spend, store = Spend(loaded.app.budget), Store(folder / "results")
    with Journal(folder / "journal.db") as journal:
        found = asyncio.run(made_by(Workspace(loaded, "first", spend, journal, store, folder), base, move))
    tried = search_of(store, found.digest, KINDS[move.kind])
    return {"chosen": found.digest, "tried": tried.model_dump(mode="json"), **spend.as_dict()}


def forked(folder):
    child = os.fork()
    if child == 0:
        sys.stdout.write(json.dumps(search(folder)) + "\n")
        sys.stdout.flush()
        os._exit(0)
    return child


def killed(address, folder, after):
    last = sum(calls(address).values()) + after
    child = forked(folder)
    while sum(calls(address).values()) < last:
        if os.waitpid(child, os.WNOHANG) != (0, 0):
            sys.exit("it ended before it could be killed")
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def main(address, *runs):
    for run in runs:
        folder, _, when = run.rpartition("=")
        if when == "whole":
            os.waitpid(forked(Path(folder)), 0)
        else:
            killed(address, Path(folder), int(when))


if __name__ == "__main__":
    main(*sys.argv[1:])
