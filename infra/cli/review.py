"""`lifecycle review`: a person says what is right of requests that production was asked, and they become rows."""

import getpass
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from configs.errors import DataError
from configs.loading import load_app
from configs.settings import settings

if TYPE_CHECKING:
    from rich.console import Console

    from tasks.harvesting.picked import Picked, Review, State
    from tasks.harvesting.queue import Queue

_SKIP, _STOP = "s", "q"
_HOW = (
    "Type the right answer, or a letter: a the answer is right · u the right answer is that it is not known · "
    "r no row · s skip · q stop"
)


def review(
    app: Annotated[str, typer.Option("--app", help="Name or path of the app.", show_default=False)],
    rows: Annotated[int | None, typer.Option(help="Requests to show at most; all where not given.", min=1)] = None,
    who: Annotated[str | None, typer.Option(help="Who reviews; the user of this machine where not given.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="List the queue as one JSON document; ask nothing.")] = False,
) -> None:
    """Say what is right of requests that harvest picked. Each word is kept at once; stop and go on when you like."""
    from tasks.harvesting.queue import Queue, queue_path

    loaded = load_app(app)
    path = queue_path(settings().home.absolute(), loaded.app.name)
    if not path.is_file():
        raise DataError(f"app {loaded.app.name}: nothing waits for a review; `lifecycle run harvest --app {app}` picks")
    with Queue(path) as queue:
        waiting = queue.pending()
        if as_json:
            listed = {"app": loaded.app.name, "queue": queue.counts(), "pending": [_as_json(each) for each in waiting]}
            sys.stdout.write(json.dumps(listed, ensure_ascii=False, indent=2) + "\n")
            return
        said = _review(queue, waiting[:rows], who or getpass.getuser())
        left = queue.counts()["pending"]
    hint = f"; `lifecycle run harvest --app {app}` makes rows of what was said" if said else ""
    typer.echo(f"{said} reviewed, {left} wait{hint}", err=True)


def _review(queue: "Queue", waiting: "Sequence[Picked]", who: str) -> int:
    """Shows requests until there are no more or the person stops; returns of how many something was said."""
    from rich.console import Console

    console, said = Console(highlight=False), 0
    if waiting:
        console.print(_HOW, markup=False)
    for number, pick in enumerate(waiting, 1):
        _show(console, pick, f"{number} of {len(waiting)}")
        typed = _asked(pick)
        if typed == _STOP:
            break
        if typed == _SKIP:
            continue
        if queue.review(pick.request, _meant(typed, who)):
            said += 1
        else:
            typer.echo("somebody else has just reviewed it", err=True)
    return said


def _show(console: "Console", pick: "Picked", position: str) -> None:
    console.rule(position)
    parts = [("picked because", "; ".join(map(str, pick.because)))]
    parts += [(message.role, message.content) for message in pick.messages]
    parts += [(f"passage {passage.id}", passage.text) for passage in pick.passages]
    parts += [("answer", pick.answer)] if pick.answer else [("failed", pick.cause)]
    for name, text in parts:
        console.print(f"[bold]{name}[/]")
        console.print(text, markup=False)


def _asked(pick: "Picked") -> str:
    """Returns what was typed; the end of the input stops."""
    while True:
        try:
            typed = input("right answer, a, u, r, s or q: ").strip()
        except (EOFError, KeyboardInterrupt):
            sys.stdout.write("\n")
            return _STOP
        if typed in ("a", "A") and not pick.answer.strip():
            typer.echo("there is no answer to accept: type the right one, u, r, s or q", err=True)
            continue
        if len(typed) == 1 and typed.isascii() and typed.isalpha() and typed.lower() not in "aursq":
            typer.echo("no such letter: a, u, r, s or q; or type the right answer in more than one", err=True)
            continue
        if typed:
            return typed.lower() if len(typed) == 1 else typed


def _meant(typed: str, who: str) -> "Review":
    from tasks.curating.redacting import redacted
    from tasks.harvesting.picked import Review

    states: dict[str, State] = {"a": "accepted", "u": "unanswerable", "r": "rejected"}
    reference = "" if typed in states else redacted(typed).text
    at = datetime.now(UTC).isoformat(timespec="seconds")
    return Review(states.get(typed, "corrected"), reference, who, at)


def _as_json(pick: "Picked") -> dict[str, Any]:
    return {
        "request": pick.request,
        "at": pick.at,
        "candidate": pick.candidate,
        "because": [str(reason) for reason in pick.because],
        "probability": pick.probability,
        "weight": pick.weight,
        "messages": [message._asdict() for message in pick.messages],
        "passages": [{"id": passage.id, "text": passage.text} for passage in pick.passages],
        "answer": pick.answer,
        "cause": pick.cause,
    }
