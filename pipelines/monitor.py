"""Monitor: what was served in a window, scored, and compared with the limits and with what was released."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from prefect import flow
from pydantic import Field

from configs.schema.base import Frozen
from pipelines.parameters import App, Changes
from pipelines.run_names import run_name
from tasks.candidate import Candidate
from tasks.choosing import chosen
from tasks.joining import joined
from tasks.orchestrating.artifacts import artifact_key, link, markdown, markdown_table, table
from tasks.orchestrating.events import LIMIT_BROKEN, emit
from tasks.orchestrating.naming import name_candidate
from tasks.orchestrating.step import step
from tasks.pages.estimates import interval
from tasks.progress import say
from tasks.releasing.endpoint import served_app
from tasks.releasing.log import release_log
from tasks.results.evaluation import Evaluation
from tasks.serving.record import RecordStore, record_store
from tasks.tracking.runs import record_window
from tasks.watching.alerting import is_news
from tasks.watching.compare import Comparison, Finding, check_limits, compare
from tasks.watching.play import Played, play
from tasks.watching.tracing import trace_served
from tasks.watching.window import Window, read_window
from tasks.workspace import Workspace, open_workspace


class Monitored(Frozen):
    """What `monitor` saw."""

    app: str
    candidate: str
    judged: bool
    """False where too few requests were served to say anything."""
    reason: str
    broken: tuple[str, ...]
    """Limits that are certainly broken."""
    findings: tuple[dict[str, Any], ...]
    requests: int
    traced: int
    serving: dict[str, int]
    """Requests that were played through the endpoint."""
    links: dict[str, str]


@flow(name="monitor", flow_run_name=run_name("monitor"))
async def monitor(
    app: App = "outfitter",
    window_minutes: Annotated[int | None, Field(ge=1)] = None,
    play_production: bool = False,
    changes: Changes = [],  # noqa: B006 a form's default
) -> Monitored:
    """Scores what the champion served in a window, and sends an event where a limit is certainly broken.

    The event starts augment and evaluate by an automation. Every request is in the results store; MLflow gets traces of
    a share of them, and of every flagged one.

    Args:
        app: Name or path of the app.
        window_minutes: Minutes to look back; the configuration's where empty.
        play_production: First ask the endpoint the rows of the production dataset, each once.
        changes: Changes of the configuration for this run only, as key=value.
    """
    with open_workspace(app, tuple(changes)) as workspace, record_store(workspace.name) as store:
        check_limits(workspace.loaded.app, workspace.metrics)
        champion = chosen(workspace, "champion")
        await name_candidate(champion.digest)
        played = await step("play the production rows", lambda: _played(workspace, champion, store, play_production))
        window = await step("score the window", lambda: _window(workspace, champion, store, window_minutes))
        release = _released_with(workspace, champion)
        comparison = compare(workspace.loaded.app, workspace.metrics, window, release)
        traced = await step("write traces into MLflow", lambda: _traced(workspace, store))
        findings = [_row(finding) for finding in comparison.findings]
        run = await step("record in MLflow", lambda: _recorded(workspace, champion, window, comparison))
        broken = tuple(finding.limit for finding in comparison.broken)
        if broken:
            say(f"broken: {'; '.join(broken)}")
        if comparison.judged and is_news(workspace.store.folder, champion.digest, broken):
            emit(LIMIT_BROKEN, workspace.name, {"candidate": champion.digest, "limits": list(broken)})
        await _publish(workspace, champion, window, comparison, findings, run)
        return Monitored(
            app=workspace.name,
            candidate=champion.digest,
            judged=comparison.judged,
            reason=comparison.reason,
            broken=broken,
            findings=tuple(findings),
            requests=window.requests,
            traced=traced,
            serving=played._asdict(),
            links={"mlflow": run},
        )


async def _played(workspace: Workspace, champion: Candidate, store: RecordStore, wanted: bool) -> Played:
    if not wanted or workspace.loaded.app.datasets.production is None:
        return Played(0, 0, 0)
    if workspace.loaded.app.target.kind == "answers":
        say("nothing is played: answers that exist already are not served")
        return Played(0, 0, 0)
    running = served_app()
    if running != workspace.name:
        says = f"serves {running}" if running else "is not up"
        say(f"production rows not played: the endpoint {says}; set LIFECYCLE_APP to this app and run `lifecycle up`")
        return Played(0, 0, 0)
    async with joined(workspace.locks, f"play-{workspace.name}"):
        return await play(workspace.loaded, workspace.dataset("production"), champion, store)


async def _window(workspace: Workspace, champion: Candidate, store: RecordStore, minutes: int | None) -> Window:
    until = datetime.now(UTC)
    since = until - timedelta(minutes=minutes or workspace.loaded.app.monitor.window_minutes)
    production = workspace.datasets.get("production")
    return await read_window(workspace.means, workspace.scorers, store, champion.digest, since, until, production)


def _released_with(workspace: Workspace, champion: Candidate) -> Evaluation | None:
    """Returns the evaluation that the champion was released with; a bootstrap has only its first exploration's."""
    committed = release_log(workspace.name).committed()
    for verdict in reversed(committed.verdicts if committed else ()):
        for identity in reversed(verdict.evaluations):
            found = workspace.store.load(identity)
            if found is not None and found.candidate.digest == champion.digest:
                return found
    oldest_first = reversed(workspace.store.list())
    explored = (each for each in oldest_first if (each.candidate, each.split) == (champion.digest, "sample"))
    return next((workspace.store.load(each.id) for each in explored), None)


async def _traced(workspace: Workspace, store: RecordStore) -> int:
    return trace_served(workspace, store)


async def _recorded(workspace: Workspace, champion: Candidate, window: Window, comparison: Comparison) -> str:
    return record_window(workspace.loaded, champion, window, comparison).url


def _row(finding: Finding) -> dict[str, Any]:
    return {
        "limit": finding.limit,
        "broken": finding.broken,
        "served": interval(finding.served),
        "released": interval(finding.released),
        "reason": finding.reason,
    }


async def _publish(
    workspace: Workspace,
    champion: Candidate,
    window: Window,
    comparison: Comparison,
    findings: list[dict[str, Any]],
    run: str,
) -> None:
    name = workspace.name
    head = "limits broken" if comparison.broken else "within its limits" if comparison.judged else "not judged"
    numbers = [{"metric": e.metric, "served": interval(e), "n": e.n} for e in window.estimates if e.quantile is None]
    page = (
        f"# {champion.label}: {head}\n\n{comparison.reason}, "
        f"{window.since:%Y-%m-%d %H:%M} to {window.until:%Y-%m-%d %H:%M} UTC.\n\n"
        f"## Limits\n\n{markdown_table(findings)}\n\n## Served\n\n{markdown_table(numbers)}\n"
    )
    await table(artifact_key(name, "limits"), findings, f"Limits of {name}: {head}")
    await markdown(artifact_key(name, "monitor"), page, head)
    await link(artifact_key(name, "monitor", "mlflow"), run, "The window in MLflow")
