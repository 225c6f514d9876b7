"""Monitor: what was served in a window, scored, and compared with the limits and with what was released."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from prefect import flow
from pydantic import Field

from configs.errors import StackError
from configs.schema.base import Frozen
from pipelines.parameters import App, Changes
from pipelines.run_names import run_name
from tasks.alerting.raising import raise_alerts
from tasks.candidate import Candidate
from tasks.choosing import chosen
from tasks.joining import joined
from tasks.orchestrating.artifacts import artifact_key, link, markdown, markdown_table, table
from tasks.orchestrating.naming import name_candidate
from tasks.orchestrating.step import step
from tasks.pages.estimates import interval
from tasks.pages.operations.draw import draw_operations, operations_file
from tasks.pages.watched import budget_row, watched_page
from tasks.progress import say
from tasks.releasing.endpoint import served_apps
from tasks.releasing.log import release_log
from tasks.results.evaluation import Evaluation
from tasks.serving.record import RecordStore, record_store
from tasks.tracking.away import though_away
from tasks.tracking.links import artifact_url
from tasks.tracking.recording import RecordedRun
from tasks.tracking.runs import record_operations, record_window
from tasks.watching.alerting import found_in, signalled, unjudged, unmeasured_keys
from tasks.watching.budgets import check_budgets
from tasks.watching.compare import Comparison, Finding, check_limits, compare
from tasks.watching.examples import examples_of
from tasks.watching.looking import Looked, look
from tasks.watching.play import Played, play
from tasks.watching.scored import open_scoring
from tasks.watching.signals import limit_signals
from tasks.watching.tracing import trace_served
from tasks.watching.window import RATES, Window, read_window
from tasks.watching.windows import keep_window, seen
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
    signals: tuple[dict[str, Any], ...]
    """Broken limits, changed metrics, drift, new topics and spent error budgets, in one form."""
    budgets: tuple[dict[str, Any], ...]
    """What was spent of each error budget."""
    drift: tuple[str, ...]
    """How far questions and answers were compared, in words."""
    requests: int
    new: int
    """Requests that no look had taken up before."""
    later: int
    """Requests that bear a time of the future: a clock was wrong."""
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
    a share of them, and of every flagged one. Where MLflow is away, what was found is told all the same, and the run
    fails at its end.

    Args:
        app: Name or path of the app.
        window_minutes: Minutes to look back; the configuration's where empty. A look at another window ends no alert.
        play_production: First ask the endpoint the rows of the production dataset, each once.
        changes: Changes of the configuration for this run only, as key=value. A look with such ends no alert.
    """
    with open_workspace(app, tuple(changes)) as workspace, record_store(workspace.name) as store:
        check_limits(workspace.loaded.app, workspace.metrics)
        check_budgets(workspace.loaded.app, workspace.metrics | RATES)
        champion = chosen(workspace, "champion")
        await name_candidate(champion.digest)
        played = await step("play the production rows", lambda: _played(workspace, champion, store, play_production))
        window = await step("score the window", lambda: _window(workspace, champion, store, window_minutes))
        looked = await step("look for changes and drift", lambda: _looked(workspace, champion, store, window))
        release = _released_with(workspace, champion)
        comparison = compare(workspace.loaded.app, workspace.metrics, window, release)
        missed: list[StackError] = []
        traced = await though_away(step("write traces into MLflow", lambda: _traced(workspace, store)), 0, missed)
        findings = [_row(finding) for finding in comparison.findings]
        found = [each.words for each in looked.signals]
        keep_window(workspace.store.folder, seen(window, comparison, release, found))
        record = step("record in MLflow", lambda: _recorded(workspace, champion, window, comparison, looked))
        recorded: RecordedRun | None = await though_away(record, None, missed)
        run = recorded.url if recorded else ""
        broken = tuple(finding.limit for finding in comparison.broken)
        if broken:
            say(f"broken: {'; '.join(broken)}")
        ends = not changes and window_minutes in (None, workspace.loaded.app.monitor.window_minutes)
        try:
            await step(
                "tell what changed", lambda: _told(workspace, champion, store, window, comparison, looked, run, ends)
            )
        finally:
            # After it, for the page shows what was told; an outbox that cannot be written does not cost the page.
            drawn = step("draw the operations page", lambda: _drawn(workspace, store, window, recorded))
            await though_away(drawn, None, missed)
        await _publish(workspace, champion, window, comparison, findings, run, looked)
        if missed:
            raise missed[0]
        return Monitored(
            app=workspace.name,
            candidate=champion.digest,
            judged=comparison.judged,
            reason=comparison.reason,
            broken=broken,
            findings=tuple(findings),
            signals=tuple(each._asdict() for each in (*limit_signals(comparison), *looked.signals)),
            budgets=tuple(budget_row(each) for each in looked.budgets),
            drift=tuple(each.told for each in looked.drifted),
            requests=window.requests,
            new=looked.entered,
            later=window.later,
            traced=traced,
            serving=played._asdict(),
            links={"mlflow": run, "page": str(operations_file(workspace.store.folder))},
        )


async def _played(workspace: Workspace, champion: Candidate, store: RecordStore, wanted: bool) -> Played:
    if not wanted or workspace.loaded.app.datasets.production is None:
        return Played(0, 0, 0)
    if workspace.loaded.app.target.kind == "answers":
        say("nothing is played: answers that exist already are not served")
        return Played(0, 0, 0)
    running = served_apps()
    if workspace.name not in running:
        says = f"serves {', '.join(running)}" if running else "is not up"
        say(f"production rows not played: the endpoint {says}; set LIFECYCLE_APP to this app and run `lifecycle up`")
        return Played(0, 0, 0)
    async with joined(workspace.locks, f"play-{workspace.name}"):
        return await play(workspace.loaded, workspace.dataset("production"), champion, store)


async def _window(workspace: Workspace, champion: Candidate, store: RecordStore, minutes: int | None) -> Window:
    until = datetime.now(UTC)
    since = until - timedelta(minutes=minutes or workspace.loaded.app.monitor.window_minutes)
    production = workspace.datasets.get("production")
    async with joined(workspace.locks, f"monitor-{workspace.name}"):
        return await read_window(workspace.means, workspace.scorers, store, champion.digest, since, until, production)


async def _looked(workspace: Workspace, champion: Candidate, store: RecordStore, window: Window) -> Looked:
    production = workspace.datasets.get("production")
    async with joined(workspace.locks, f"monitor-{workspace.name}"):
        with open_scoring(workspace.means, workspace.scorers, store, champion.digest, production) as scoring:
            looked = await look(scoring, champion.digest, window.until)
    for signal in looked.signals:
        say(signal.words)
    for each in looked.drifted:
        if each.note:
            say(f"drift of {each.what} not measured: {each.note}")
    return looked


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


async def _recorded(
    workspace: Workspace, champion: Candidate, window: Window, comparison: Comparison, looked: Looked
) -> RecordedRun:
    return record_window(workspace.loaded, champion, window, comparison, looked)


async def _drawn(workspace: Workspace, store: RecordStore, window: Window, recorded: RecordedRun | None) -> None:
    page = draw_operations(workspace, store, window.until)
    if recorded:
        record_operations(recorded, page)


async def _told(
    workspace: Workspace,
    champion: Candidate,
    store: RecordStore,
    window: Window,
    comparison: Comparison,
    looked: Looked,
    run: str,
    ends: bool,
) -> None:
    """Tells of limits where the window was judged, and of what lasts longer than a window in any case.

    A look at another window, or by another configuration, than the next one will be ends no alert.
    """
    metrics, app = {**workspace.metrics, **RATES}, workspace.loaded.app
    signals = signalled(looked.signals, champion.digest, comparison.reason, run)
    unmeasured = unmeasured_keys(looked.unmeasured, champion.digest)
    looks = [await raise_alerts(app, "watch", signals, unknown=unmeasured, ends=ends)]
    if comparison.judged:
        found = found_in(
            comparison, champion.digest, lambda finding: examples_of(window, store, metrics[finding.metric]), run
        )
        unknown = unjudged(comparison, champion.digest)
        looks.append(await raise_alerts(app, "monitor", found, unknown=unknown, ends=ends))
    for seen_at in looks:
        for words, alerts in (("alert", seen_at.opened), ("recovered", seen_at.recovered)):
            for alert in alerts:
                say(f"{words}: {alert.title}")


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
    looked: Looked,
) -> None:
    name = workspace.name
    head = "limits broken" if comparison.broken else "within its limits" if comparison.judged else "not judged"
    numbers = [
        {"metric": e.metric, "served": interval(e), "n": e.n, "coverage": round(e.coverage, 3)}
        for e in window.estimates
        if e.quantile is None
    ]
    clock = f" {window.later} bear a time of the future and wait for it: a clock was wrong." if window.later else ""
    page = (
        f"# {champion.label}: {head}\n\n{comparison.reason}, "
        f"{window.since:%Y-%m-%d %H:%M} to {window.until:%Y-%m-%d %H:%M} UTC.{clock}\n\n"
        f"## Limits\n\n{markdown_table(findings)}\n\n{watched_page(looked)}\n\n"
        f"## Served\n\n{markdown_table(numbers)}\n"
    )
    signals = [{"what": each.key, "severity": each.severity, "words": each.words} for each in looked.signals]
    await table(artifact_key(name, "limits"), findings, f"Limits of {name}: {head}")
    await table(artifact_key(name, "signals"), signals, f"Found in what {name} served: {len(signals)}")
    await markdown(artifact_key(name, "monitor"), page, head)
    if run:
        page_url = artifact_url(run, "operations.html")
        await link(artifact_key(name, "monitor", "mlflow"), run, "The window in MLflow")
        await link(artifact_key(name, "operations"), page_url, "The operations page in MLflow")
