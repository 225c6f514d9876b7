"""A process that asks a candidate rows, as a command does: `python asking_process.py FOLDER ROWS`.

The folder holds an app whose model has a price; the document says each row's text and outcome, and the ledger.
"""

import asyncio
import json
import sys
from pathlib import Path

from configs.loading import load_app
from configs.schema.app import Parameters
from tasks.calling.asking import Spend, ask
from tasks.candidate import Candidate, Prompt, TemplateMessage
from tasks.data.row import Message, Row
from tasks.journal.journal import Journal


def main(folder, count):
    loaded = load_app(str(folder))
    prompt = Prompt(name="ask", messages=(TemplateMessage(role="user", template="{{question}}"),))
    candidate = Candidate(
        app="shop", target=loaded.app.target, prompt=prompt, model="smollm2-135m", parameters=Parameters()
    )
    rows = [Row(f"r{n}", (Message("user", f"question number {n}"),)) for n in range(count)]
    spend = Spend(loaded.app.budget)
    answers = {}

    async def tell(position, row, answer):
        answers[position] = answer

    with Journal(folder / "journal.db") as journal:
        asyncio.run(ask(candidate, rows, tell, loaded=loaded, journal=journal, epoch="first", spend=spend))
    found = [answers[position] for position in range(count)]
    texts, outcomes = [answer.text for answer in found], [answer.outcome for answer in found]
    sys.stdout.write(json.dumps({"texts": texts, "outcomes": outcomes, **spend.as_dict()}))


main(Path(sys.argv[1]), int(sys.argv[2]))
