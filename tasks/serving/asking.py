"""Writes a row as a request to an app's endpoint: what a user's client would send."""

from collections.abc import Collection
from typing import Any

from configs.schema.dataset import Columns
from tasks.candidate import Candidate
from tasks.data.row import Row
from tasks.prompting.render import BUILT_IN, variables

CHAMPION, CANDIDATE = "@champion", "@candidate"
"""Behind an app's name: who is to answer, whatever share of the users the candidate on trial has."""

RECORD, WAIT = "x-lifecycle-record", "wait"
"""Header, and its value, of a request that is to be on the disk before its answer ends."""


def request_of(row: Row, candidate: Candidate, columns: Columns) -> dict[str, Any]:
    """Returns the arguments of `chat.completions.create` that ask a row.

    Its id and the prompt variables that the candidate needs, for targets of the user's every plain column, travel as
    `metadata`; references and other labels never do.
    """
    needed = {name for prompt in candidate.prompts for name in variables(prompt)}
    wanted = needed - BUILT_IN if candidate.prompt else row.columns.keys() - _roles(columns)
    plain = {key: row.columns[key] for key in sorted(wanted) if isinstance(row.columns.get(key), str | int | float)}
    return {
        "model": candidate.app,
        "messages": [message._asdict() for message in row.messages],
        "metadata": {"row_id": row.id, **plain},
    }


def _roles(columns: Columns) -> Collection[str]:
    named = (value for key, value in columns if key != "slices")
    return {value for value in named if isinstance(value, str)}
