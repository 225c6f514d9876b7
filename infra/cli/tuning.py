"""`lifecycle tuning`: checks or writes a file of chat fine-tuning JSONL, and cancels a provider's job."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from configs.errors import ConfigurationError, DataError
from configs.loading import load_app
from configs.schema.dataset import Columns
from configs.settings import settings

if TYPE_CHECKING:
    from configs.schema.dataset import Split
    from tasks.data.chat_lines import Checked
    from tasks.data.row import Dataset

commands = typer.Typer(help="Check or write a file that a provider is to train on, and cancel a provider's job.")

_SHOWN = 50


@commands.command()
def check(
    path: Annotated[Path, typer.Argument(help="A file of OpenAI's chat fine-tuning JSONL.")],
    epochs: Annotated[int, typer.Option(min=1, help="How often each example is trained on.")] = 3,
    price: Annotated[float | None, typer.Option(min=0, help="US dollars per million tokens of training.")] = None,
    most_tokens: Annotated[int | None, typer.Option(min=1, help="Tokens of one example at most.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Check every line of a file, count its tokens, and say what training on it costs."""
    from tasks.data.chat_lines import check_chat_lines
    from tasks.data.chat_tokens import training_price

    checked = check_chat_lines(path, most_tokens)
    cost = None if price is None else training_price(checked.tokens.total, epochs, price)
    if as_json:
        typer.echo(json.dumps(_document(checked, epochs, cost), indent=2, ensure_ascii=False))
    else:
        _print(checked, epochs, cost)
    if checked.problems:
        raise DataError(f"{path}: {len(checked.problems)} problems; mend them, then check again")


@commands.command()
def export(
    path: Annotated[Path, typer.Argument(help="The file to write; none that is there already.")],
    app: Annotated[str, typer.Option(help="Name or path of the app.")],
    split: Annotated[str, typer.Option(help="The split whose rows are written.")] = "train",
    version: Annotated[
        str | None, typer.Option(help="A curated version's digest, or latest; the app's own rows where not given.")
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, help="How often each example is trained on.")] = 3,
    price: Annotated[float | None, typer.Option(min=0, help="US dollars per million tokens of training.")] = None,
) -> None:
    """Write a split's rows as OpenAI's chat fine-tuning JSONL, and count its tokens as `check` does."""
    from tasks.data.chat_lines import check_chat_lines
    from tasks.data.chat_tokens import training_price
    from tasks.tuning.exporting import export_rows

    exported = export_rows(_dataset(app, split, version), path)
    checked = check_chat_lines(path)
    _print(checked, epochs, None if price is None else training_price(checked.tokens.total, epochs, price))
    left_out = f"; {exported.left_out} without a reference left out" if exported.left_out else ""
    typer.echo(f"{exported.lines} rows are in {path}{left_out}", err=True)


@commands.command()
def cancel(
    job: Annotated[str, typer.Argument(help="Id of the job, as the provider says it.")],
    app: Annotated[str, typer.Option(help="Name or path of the app.")],
    model: Annotated[str, typer.Option(help="Name of the model that is tuned, in models.yaml.")],
) -> None:
    """Cancel a provider's fine-tuning job; what it has trained until then is paid."""
    from tasks.tuning.hosted.tuning import cancel_job
    from tasks.workspace import open_workspace

    if not job.strip():
        raise ConfigurationError("tuning cancel: give the id of the job, as the provider says it")
    with open_workspace(app) as workspace:
        status = asyncio.run(cancel_job(workspace, model, job))
    typer.echo(f"job {job} is {status}", err=True)


def _dataset(app: str, split: str, name: str | None) -> "Dataset":
    """Returns a split of an app, or of one of its curated versions."""
    from tasks.curating.versions import curated_dataset, find_version
    from tasks.data.reading import read_dataset

    loaded = load_app(app)
    # No folder is made for a question.
    version = find_version(settings().home.absolute(), name, loaded.app.name) if name else None
    if name and version is None:
        raise ConfigurationError(
            f"app {loaded.app.name} has no curated version {name!r}; `lifecycle run curate` makes one"
        )
    known = tuple(version.manifest.rows) if version else tuple(loaded.app.datasets.paths())
    if split not in known:
        raise ConfigurationError(f"app {loaded.app.name}: no split {split!r}; known are {', '.join(known)}")
    if version is None:
        return read_dataset(loaded, cast("Split", split))
    return curated_dataset(version, split, Columns.model_validate(version.manifest.settings["columns"]))


def _document(checked: "Checked", epochs: int, cost: float | None) -> dict[str, object]:
    tokens = checked.tokens
    return {
        "lines": checked.lines,
        "problems": [problem._asdict() for problem in checked.problems],
        "hints": checked.hints,
        "tokens": {
            "total": tokens.total,
            "learnt": tokens.trained,
            "longest": tokens.longest,
            "lines": tokens.lines,
            "tokenizer": "smollm2",
        },
        "training": {"epochs": epochs, "tokens": tokens.total * epochs, "price": cost},
    }


def _print(checked: "Checked", epochs: int, cost: float | None) -> None:
    for problem in checked.problems[:_SHOWN]:
        typer.echo(problem.text)
    if len(checked.problems) > _SHOWN:
        typer.echo(f"… and {len(checked.problems) - _SHOWN} more; --json lists all")
    for hint, lines in checked.hints.items():
        typer.echo(f"{lines} lines: {hint}")
    tokens = checked.tokens
    typer.echo(
        f"{checked.lines} examples, {tokens.total} tokens ({tokens.trained} learnt, {tokens.longest} in the longest), "
        f"counted by the embedded model's tokenizer"
    )
    dollars = "" if cost is None else f", ${cost:.4f}"
    typer.echo(f"{epochs} epochs train on {tokens.total * epochs} tokens{dollars}")
