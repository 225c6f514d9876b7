"""A process in which a judge rates answers, as a command does: `python judging_process.py FOLDER ROWS [deferred]`.

The folder holds an app whose model has a price; the document says each score, and the ledger.
"""

import asyncio
import json
import sys
from pathlib import Path

from configs.loading import load_app
from configs.schema.scorer import ScorerConfig
from tasks.calling.answer import Answer, Outcome
from tasks.calling.spend import Spend
from tasks.data.row import Message, Row
from tasks.journal.journal import Journal
from tasks.judging.judge import judge_of
from tasks.scoring.asked import Means


def main(folder, count, *, deferred):
    loaded = load_app(str(folder))
    judge = judge_of(ScorerConfig(name="relevance", model="smollm2-135m"), loaded)
    rows = [Row(f"r{n}", (Message("user", f"question number {n}"),)) for n in range(count)]
    answers = [Answer(row.id, Outcome.OK, f"answer to {row.id}") for row in rows]
    spend = Spend(loaded.app.budget)
    with Journal(folder / "journal.db") as journal:
        rated = asyncio.run(judge.rate(rows, answers, Means(loaded, journal, "first", spend, deferred)))
    sys.stdout.write(json.dumps({"scores": [each.value for each in rated], **spend.as_dict()}))


main(Path(sys.argv[1]), int(sys.argv[2]), deferred="deferred" in sys.argv[3:])
