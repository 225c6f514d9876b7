"""`lifecycle label`: a person says what answers are worth, so that a judge can be held to it."""

import getpass
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from configs.errors import ConfigurationError, DataError
from configs.loading import LoadedApp, load_app
from configs.settings import settings

if TYPE_CHECKING:
    from rich.console import Console

    from tasks.judging.answered import Answered
    from tasks.judging.judge import Judge

_SKIP, _STOP = "s", "q"


def label(
    app: Annotated[str, typer.Option("--app", help="Name or path of the app.", show_default=False)],
    metric: Annotated[str, typer.Option(help="Metric of the judge that the labels are for.", show_default=False)],
    rows: Annotated[int, typer.Option(help="Answers to show at most.", min=1)] = 20,
    who: Annotated[str | None, typer.Option(help="Who labels; the user of this machine where not given.")] = None,
) -> None:
    """Label answers, drawn at random, on a judge's scale. Each label is kept at once; stop and go on when you like."""
    loaded = load_app(app)
    judge = _judge(loaded, metric)
    from rich.console import Console

    from tasks.data.reading import read_dataset
    from tasks.data.repeated import repeated
    from tasks.judging.answered import stored_answers
    from tasks.judging.labels import Label, keep_label, kept_labels
    from tasks.results.store import Store

    store = Store(settings().folder("results", loaded.app.name))
    datasets = {
        split: repeated(read_dataset(loaded, split), loaded.app.repeats) for split in loaded.app.datasets.paths()
    }
    known = {(each.row_id, each.answer) for each in kept_labels(store) if each.metric == metric}
    answers = list(stored_answers(store, datasets))
    if not answers:
        raise DataError(f"app {loaded.app.name}: no answers to label are stored; run evaluate first")
    waiting = [each for each in _at_random(judge, answers) if (each.row.id, each.digest) not in known]
    console, person, given = Console(highlight=False), who or getpass.getuser(), 0
    console.print(_instruction(judge), markup=False)
    for each in waiting[:rows]:
        _show(console, judge, each, f"{given + 1} of {min(rows, len(waiting))}")
        value = _asked(judge)
        if value == _STOP:
            break
        if value == _SKIP:
            continue
        at = datetime.now(UTC).isoformat(timespec="seconds")
        said = -int(value) if _turned(judge, each) else int(value)
        keep_label(store, Label(each.row.id, metric, said, each.digest, person, at))
        given += 1
    left = len(waiting) - given
    typer.echo(f"{given} labels kept, {len(known) + given} of {metric} in all; {left} answers have none", err=True)


def _judge(loaded: LoadedApp, metric: str) -> "Judge":
    from tasks.judging.judge import judges_of

    judges = {judge.name: judge for judge in judges_of(loaded)}
    if metric not in judges:
        known = ", ".join(judges) or "none: a judge is a scorer with a model"
        raise ConfigurationError(f"{loaded.folder / 'app.yaml'}: no judge {metric!r}; known are {known}")
    return judges[metric]


def _at_random(judge: "Judge", answers: "list[Answered]") -> "Iterator[Answered]":
    """Yields answers that the judge can rate, each once, in an order that is random and always the same."""
    from tasks.identity import digest

    apart = {(each.row.id, each.digest): each for each in answers if not judge.lacking(each.row)}
    yield from (apart[key] for key in sorted(apart, key=lambda key: digest([judge.name, *key])))


def _instruction(judge: "Judge") -> str:
    """Returns the rubric as the judge reads it: people and judge are asked the same."""
    rubric = "\n\n".join(each.template for each in judge.prompt.messages if each.role == "system")
    low, high = judge.criterion.low, judge.criterion.high
    meaning = "1 for the first, -1 for the second, 0 for a tie" if "second" in judge.shows else f"{low} to {high}"
    return f"{rubric}\n\n{judge.name}: {meaning}; {_SKIP} skips, {_STOP} stops\n"


def _show(console: "Console", judge: "Judge", answered: "Answered", position: str) -> None:
    from tasks.judging.material import material_of

    texts = material_of(answered.row, answered.answer)
    pair = (texts["reference"], texts["answer"]) if _turned(judge, answered) else (texts["answer"], texts["reference"])
    console.rule(position)
    for name, text in {**texts, "first": pair[0], "second": pair[1]}.items():
        if name in judge.shows and text.strip():
            console.print(f"[bold]{name}[/]")
            console.print(text, markup=False)


def _turned(judge: "Judge", answered: "Answered") -> bool:
    """Returns whether a person sees the answer second: in half of the pairs, for people prefer a place, too."""
    return "second" in judge.shows and int(answered.digest, 16) % 2 == 1


def _asked(judge: "Judge") -> str:
    """Returns a label of the scale, or one of the letters; the end of the input stops."""
    low, high = judge.criterion.low, judge.criterion.high
    while True:
        try:
            value = input(f"{judge.name} {low} to {high}: ").strip().lower()
        except (EOFError, KeyboardInterrupt):
            sys.stdout.write("\n")
            return _STOP
        if value in (_SKIP, _STOP) or (value.lstrip("-").isdecimal() and low <= int(value) <= high):
            return value
        typer.echo(f"not on the scale: a whole number from {low} to {high}, {_SKIP} or {_STOP}", err=True)
