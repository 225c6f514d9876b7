"""The command `lifecycle`. Its commands are the modules beside this one; they import what is heavy when they run."""

import sys
import traceback
from typing import Annotated

import typer

from configs.errors import LifecycleError
from infra.cli import (
    alerts,
    compare,
    diff,
    init,
    journal,
    keys,
    label,
    lineage,
    pages,
    plan,
    releases,
    review,
    rollout,
    run,
    serve,
    stack,
    tuning,
)

app = typer.Typer(
    name="lifecycle",
    help="The generative-AI application lifecycle as running pipelines.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(stack.commands)
app.add_typer(journal.commands, name="journal")
app.add_typer(tuning.commands, name="tuning")
app.add_typer(keys.commands, name="keys")
app.add_typer(rollout.commands, name="rollout")
app.add_typer(pages.commands, name="page")
app.add_typer(alerts.commands, name="alerts")
app.command()(init.init)
app.command()(run.run)
app.command()(label.label)
app.command()(review.review)
app.command()(compare.compare)
app.command()(diff.diff)
app.command()(plan.plan)
app.command()(lineage.lineage)
app.command()(serve.serve)
app.command()(releases.rollback)


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the whole traceback of an error.")] = False,
) -> None:
    """Declares the option so that `--help` shows it; `main` takes it from any place of the command line."""


def main() -> None:
    """Entry point. Ends the process: 0 well, 1 error, 2 bad usage or configuration; stages have further statuses."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    debug = len(arguments) < len(sys.argv) - 1
    try:
        app(arguments, prog_name="lifecycle")
    except Exception as error:
        if debug:
            traceback.print_exc()
        sys.stderr.write(_one_line(error, debug) + "\n")
        sys.exit(error.exit_code if isinstance(error, LifecycleError) else 1)


def _one_line(error: Exception, debug: bool) -> str:
    if isinstance(error, LifecycleError):
        return f"error: {error}"
    hint = "" if debug else "; run again with --debug for the traceback"
    return f"error: {type(error).__name__}: {' '.join(str(error).split())}{hint}"


if __name__ == "__main__":
    main()
