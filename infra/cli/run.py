"""`lifecycle run STAGE`: one stage of the lifecycle in this process, with the parts of the stack that it needs."""

import asyncio
import inspect
import os
import sys
import warnings
from typing import TYPE_CHECKING, Annotated, Any, cast, get_type_hints

import typer
import yaml

from configs.errors import ConfigurationError, StackError
from configs.loading import LoadedApp, load_app, pointed_at
from configs.schema.app import App
from configs.settings import settings

if TYPE_CHECKING:
    from pydantic import BaseModel

STAGES = (
    "validate",
    "explore",
    "curate",
    "augment",
    "finetune",
    "evaluate",
    "calibrate",
    "deploy",
    "monitor",
    "harvest",
    "govern",
    "loop",
)
_NEED_ENDPOINT = ("deploy", "monitor", "loop")


def run(
    stage: Annotated[str, typer.Argument(help=f"One of {', '.join(STAGES)}.", show_default=False)],
    app: Annotated[str, typer.Option("--app", help="Name or path of the app.", show_default=False)],
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A parameter of the stage, or a dotted key of app.yaml."),
    ] = None,
    base_url: Annotated[
        str | None, typer.Option("--base-url", help="evaluate: an endpoint to ask instead of the app's models.")
    ] = None,
    model: Annotated[str | None, typer.Option("--model", help="evaluate: the name that endpoint knows.")] = None,
    deferred: Annotated[
        bool, typer.Option("--deferred", help="evaluate: through batch files, mostly at half the price.")
    ] = False,
    only_failed: Annotated[
        bool, typer.Option("--only-failed", help="evaluate: only the rows that came to nothing before.")
    ] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Open a new epoch: ask everything again.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Run a stage of the lifecycle here; what it finished before is not done again."""
    if stage not in STAGES:
        raise ConfigurationError(f"unknown stage {stage!r}; known are {', '.join(STAGES)}")
    load_app(app)
    # Where the endpoint is not up yet, it is started for this app.
    os.environ.setdefault("LIFECYCLE_APP", app)
    _quiet()
    parameters, configuration = _split(stage, changes or [])
    given = {"base_url": base_url, "model": model, "deferred": deferred, "only_failed": only_failed}
    parameters |= _of_evaluate(stage, {name: value for name, value in given.items() if value})
    loaded = load_app(app, tuple(configuration))
    if base_url and model:
        loaded = pointed_at(loaded, base_url, model)
    from infra.stack.supervision import running
    from tasks.checking import check_app

    check_app(loaded)
    with running(_needed(loaded, stage)):
        result = _run(stage, app, parameters, configuration, fresh=fresh)
    _show(stage, result, as_json=as_json)
    code = getattr(result, "exit_code", 0)
    if code:
        raise typer.Exit(code)


def _of_evaluate(stage: str, given: dict[str, Any]) -> dict[str, Any]:
    if given and stage != "evaluate":
        option = f"--{next(iter(given)).replace('_', '-')}"
        raise ConfigurationError(f"{option} goes with `lifecycle run evaluate`, not with {stage}; leave it out")
    if ("base_url" in given) != ("model" in given):
        raise ConfigurationError("an endpoint needs both: its address (--base-url) and its model's name (--model)")
    return given


def _needed(loaded: LoadedApp, stage: str) -> tuple[str, ...]:
    """Returns the parts of the stack that a stage of this app uses."""
    if stage == "curate":
        named = _of_curate(loaded)
    elif stage == "harvest":
        named = [*_of_curate(loaded), *_of_scorers(loaded)]
    else:
        named = _of_candidates(loaded)
    named += [loaded.app.finetune.base] if loaded.app.finetune.base in loaded.models else []
    embedded = {loaded.models[name].task for name in named if loaded.models[name].kind == "embedded"}
    parts = ["prefect", "mlflow", *sorted(embedded)]
    served = stage in _NEED_ENDPOINT and loaded.app.target.kind != "answers"
    return (*parts, "endpoint") if served else tuple(parts)


def _of_candidates(loaded: LoadedApp) -> list[str]:
    named = [*loaded.app.models, *([loaded.app.retrieval.embedding_model] if loaded.app.retrieval else [])]
    named += [name for name in (loaded.app.monitor.drift.embedding_model,) if name in loaded.models]
    return [*named, *_of_scorers(loaded)]


def _of_scorers(loaded: LoadedApp) -> list[str]:
    return [scorer.model for scorer in loaded.app.scorers if scorer.model in loaded.models]


def _of_curate(loaded: LoadedApp) -> list[str]:
    curate = loaded.app.curate
    return [name for name in (curate.embedding_model, curate.synthetic and curate.synthetic.teacher) if name]


def _quiet() -> None:
    """Points Prefect at the stack's server and leaves the terminal to the progress bars; the UI has every log line."""
    from infra.stack.environment import client_environment

    # Where nothing has been started yet, its folder is not there, and not to be made for a command that is refused.
    warnings.filterwarnings("ignore", message="Failed to create the Prefect home directory")
    os.environ.update(client_environment(settings()))
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")


def _run(stage: str, app: str, parameters: dict[str, Any], configuration: list[str], *, fresh: bool) -> "BaseModel":
    import httpx

    from infra.cli.display import TerminalDisplay
    from pipelines.deployments import stages
    from tasks.epochs import open_epoch
    from tasks.orchestrating.draining import drain
    from tasks.progress import shown_on

    if fresh:
        open_epoch(settings().folder("results", load_app(app, tuple(configuration)).app.name))
    with TerminalDisplay() as display, shown_on(display):
        flow_run = stages()[stage](app=app, changes=configuration, **parameters)
        try:
            return cast("BaseModel", asyncio.run(flow_run))
        except httpx.TransportError as error:
            raise StackError(
                f"Prefect at {settings().prefect_api} went away ({type(error).__name__}); see `lifecycle status`, "
                f"then run the same command again; what is finished is kept"
            ) from error
        finally:
            drain()


def _split(stage: str, changes: list[str]) -> tuple[dict[str, Any], list[str]]:
    """Parts `--set` into the stage's own parameters and changes of the app's configuration."""
    from prefect.exceptions import ParameterTypeError

    from pipelines.deployments import stages

    flow = stages()[stage]
    known = [name for name in inspect.signature(flow.fn).parameters if name not in ("app", "changes")]
    # A digest of digits alone is a text, which YAML would take for a number.
    texts = {name for name, kind in get_type_hints(flow.fn).items() if kind is str}
    parameters: dict[str, Any] = {}
    configuration: list[str] = []
    for change in changes:
        key, _, value = change.partition("=")
        if key in known:
            parameters[key] = value if key in texts else _value(key, value)
        elif key.split(".")[0] in App.model_fields:
            configuration.append(change)
        else:
            raise ConfigurationError(
                f"--set {change!r}: {key!r} is neither a parameter of {stage} ({', '.join(known) or 'it has none'}) "
                f"nor a key of app.yaml ({', '.join(App.model_fields)})"
            )
    try:
        flow.validate_parameters({"app": "x", **parameters})
    except ParameterTypeError as error:
        problem = " ".join(str(error).split()).removeprefix("Flow run received invalid parameters: - ")
        raise ConfigurationError(f"--set: {problem}") from None
    return parameters, configuration


def _value(key: str, value: str) -> Any:
    try:
        return yaml.safe_load(value)
    except yaml.YAMLError:
        raise ConfigurationError(f"--set {key}: the value is not valid YAML; put quotes around it") from None


def _show(stage: str, result: "BaseModel", *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(result.model_dump_json(indent=2) + "\n")
        return
    from infra.cli.summary import summarise

    summarise(stage, result)
