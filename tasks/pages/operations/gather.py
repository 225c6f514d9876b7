"""Gathers the operations page of an app: kept windows, alerts, served requests, the release log and the keys."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from configs.errors import ConfigurationError, ReleaseError
from configs.schema.app import Limit
from tasks.pages.estimates import CONFIDENCE, like, named
from tasks.pages.numbers import counted, shown
from tasks.pages.operations.alerts import raised_since
from tasks.pages.operations.daily import failures_by, feedback_by, keys_in, names_of, served_by, stretches
from tasks.pages.operations.operations import Bound, Latest, Mark, OpenLimit, Operations, Trend
from tasks.pages.operations.trend import points_of
from tasks.releasing.entry import Entry
from tasks.releasing.log import ReleaseLog, release_log
from tasks.results.evaluation import Evaluation
from tasks.scoring.score import Metric
from tasks.serving.keys import Key, key_ring
from tasks.serving.record import RecordStore
from tasks.watching.window import RATES
from tasks.watching.windows import SeenWindow, kept_windows

if TYPE_CHECKING:
    from tasks.workspace import Workspace

_DIMENSIONS = ("quality", "harm", "honesty", "cost", "latency")
_DID = {"promote": "release of", "rollback": "rollback to", "adopt": "adoption of", "restore": "return to"}
_STEPS = ("shadow", "canary", "ended")
"""Those of a rollout that change whom users meet, but for its promotion, which is a release."""


class _Log(NamedTuple):
    """The release log as far as it can be read."""

    entries: tuple[Entry, ...]
    state: str
    intact: bool


def operations_of(workspace: "Workspace", store: RecordStore, until: datetime, days: int) -> Operations:
    """Returns how an app has done.

    Args:
        workspace: the app.
        store: its served requests.
        until: end of the page's time, in UTC.
        days: days before it at most; the page begins later where there is nothing before.

    Raises:
        RecordError: the served requests cannot be read.
        DataError: the evaluation of the release cannot be read.
    """
    earliest = until - timedelta(days=days)
    windows = [each for each in kept_windows(workspace.store.folder, earliest) if each.until <= until]
    log = _log(release_log(workspace.name))
    uses, votes = store.days.uses(earliest, until), store.days.votes(earliest, until)
    marks = tuple(mark for mark in map(mark_of, log.entries) if mark is not None and earliest <= mark.at <= until)
    raised = raised_since(workspace.name, earliest)
    begins = [max(earliest, windows[0].since)] if windows else []
    begins += [datetime.combine(uses[0].day, datetime.min.time(), UTC)] if uses else []
    begins += [marks[0].at] if marks else []
    begins += [alert.began for alert in raised.alerts if earliest <= alert.began <= until]
    since = max(earliest, min(begins, default=earliest))
    metrics = {**workspace.metrics, **RATES}
    release = _released(workspace, windows)
    by_day = stretches(since.date(), until.date())
    keys = _keys()
    trends = tuple(_trends(metrics, windows, workspace.loaded.app.monitor.limits, release))
    open_now = open_limits(windows)
    return Operations(
        app=workspace.name,
        since=since,
        until=until,
        headline=_headline(workspace.name, windows, open_now, log),
        champion=_champion(log),
        chain=log.state,
        chain_intact=log.intact,
        open=open_now,
        changes=windows[-1].changes if windows else (),
        alerts=raised.alerts,
        alerts_problem=raised.problem,
        windows=len(windows),
        trends=trends,
        served=served_by(by_day, uses, names_of(keys)),
        failures=failures_by(by_day, uses),
        feedback=feedback_by(by_day, votes),
        keys=keys_in(uses, keys, until.date()),
        marks=marks,
        latest=tuple(_latest(metrics, windows[-1], release)) if windows else (),
        notes=tuple(_notes(windows, trends, metrics)),
    )


def open_limits(windows: Sequence[SeenWindow]) -> tuple[OpenLimit, ...]:
    """Returns the limits that the last judged window breaks, and since when; windows that were not judged say nothing.

    Args:
        windows: the oldest first.
    """
    judged = [window for window in windows if window.judged]
    found = []
    for limit in judged[-1].broken if judged else ():
        row: list[SeenWindow] = []
        for window in reversed(judged):
            if limit not in window.broken or window.candidate != judged[-1].candidate:
                break
            row.append(window)
        found.append(
            OpenLimit(limit=limit, since=row[-1].until, windows=len(row), candidate=judged[-1].candidate),
        )
    return tuple(found)


def mark_of(entry: Entry) -> Mark | None:
    """Returns what an entry of the release log is on the page; None where it changes nobody's answers."""
    if entry.stage in _STEPS:
        share = f" to {entry.evidence['share']:.0%} of the users" if entry.stage == "canary" else ""
        return Mark(
            at=datetime.fromisoformat(entry.at),
            kind="abort" if entry.stage == "ended" else "step",
            words=f"rollout of version {entry.version} (candidate {entry.candidate[:8]}): {entry.stage}{share}",
            who=entry.who,
            why=entry.why,
        )
    if entry.kind not in ("commit", "abort"):
        return None
    what = f"{_DID.get(entry.action, f'{entry.action} of')} version {entry.version}"
    undone = entry.kind == "abort"
    return Mark(
        at=datetime.fromisoformat(entry.at),
        kind="abort" if undone else entry.action,
        words=f"{what} (candidate {entry.candidate[:8]}){' was undone' if undone else ''}",
        who=entry.who,
        why=entry.why,
    )


def _log(log: ReleaseLog) -> _Log:
    try:
        chain, entries = log.verify(), log.entries()
    except ReleaseError as error:
        return _Log((), f"broken: {error}", intact=False)
    if not entries:
        return _Log((), "empty: nothing has been released", intact=True)
    torn = f"; an unfinished last line of {chain.torn_bytes} bytes is cut at the next entry" if chain.torn_bytes else ""
    said = f"intact: {chain.entries:,} {'entry' if chain.entries == 1 else 'entries'}, the last is {chain.head[:16]}"
    return _Log(entries, f"{said}{torn}", intact=True)


def _released(workspace: "Workspace", windows: Sequence[SeenWindow]) -> Evaluation | None:
    """Returns the evaluation that the last window's candidate was released with."""
    released = windows[-1].released if windows else None
    return workspace.store.load(released) if released else None


def _keys() -> dict[str, Key]:
    try:
        return {key.id: key for key in key_ring().all()}
    except ConfigurationError:  # then they go by their ids
        return {}


def _trends(
    metrics: Mapping[str, Metric], windows: Sequence[SeenWindow], limits: Sequence[Limit], release: Evaluation | None
) -> Iterator[Trend]:
    ordered = sorted(metrics.values(), key=lambda metric: _DIMENSIONS.index(metric.dimension))
    for metric in ordered:
        points = points_of(metric.name, windows)
        if points:
            yield Trend(
                metric=f"{metric.name}{' (heuristic)' if metric.heuristic else ''}",
                dimension=metric.dimension,
                better=metric.direction,
                unit=metric.unit,
                ceiling=metric.high,
                points=points,
                bounds=tuple(_bounds(metric, limits, release)),
            )


def _bounds(metric: Metric, limits: Sequence[Limit], release: Evaluation | None) -> Iterator[Bound]:
    found = release.estimate(metric.name) if release else None
    was = found.value if found else None
    for limit in limits:
        if limit.metric != metric.name:
            continue
        if limit.at_least is not None:
            yield Bound(value=limit.at_least, what=f"limit: at least {limit.at_least:g}", limit=True)
        elif limit.at_most is not None:
            yield Bound(value=limit.at_most, what=f"limit: at most {limit.at_most:g}", limit=True)
        elif limit.drop_at_most is not None and was is not None:
            level = was - limit.drop_at_most if metric.direction == "higher" else was + limit.drop_at_most
            yield Bound(value=level, what=f"limit: drops at most {limit.drop_at_most:g}", limit=True)
    if found is not None and was is not None:
        yield Bound(value=was, what=f"at the release: {shown(found)} n={found.n:,}", limit=False)


def _latest(metrics: Mapping[str, Metric], window: SeenWindow, release: Evaluation | None) -> Iterator[Latest]:
    known = [each for each in window.estimates if each.metric in metrics and each.slice is None]
    for estimate in sorted(known, key=lambda each: _DIMENSIONS.index(metrics[each.metric].dimension)):
        metric = metrics[estimate.metric]
        yield Latest(
            metric=named(estimate, metric),
            dimension=metric.dimension,
            better=metric.direction,
            served=estimate,
            released=like(estimate, release.estimates) if release else None,
        )


def _champion(log: _Log) -> str:
    if not log.intact:
        return "not known: the release log cannot be read"
    committed = next((entry for entry in reversed(log.entries) if entry.kind == "commit"), None)
    if committed is None or not committed.candidate:
        return "none"
    return f"version {committed.version}, candidate {committed.candidate}, since {committed.at[:16].replace('T', ' ')}"


def _headline(app: str, windows: Sequence[SeenWindow], broken: Sequence[OpenLimit], log: _Log) -> str:
    if not log.intact:
        return f"{app}: the release log was altered"
    if broken:
        return f"{app}: {counted(len(broken), 'limit')} broken"
    if not windows:
        return f"{app}: no window has been scored yet; run `lifecycle run monitor --app {app}`"
    if not windows[-1].judged:
        return f"{app}: not judged; {windows[-1].reason}"
    return f"{app}: within its limits; {windows[-1].reason}"


def _notes(windows: Sequence[SeenWindow], trends: Sequence[Trend], metrics: Mapping[str, Metric]) -> Iterator[str]:
    yield f"Intervals hold with {CONFIDENCE:.0%}, each for itself. Times are in UTC."
    if any(later.since < earlier.until for earlier, later in pairwise(windows)):
        yield "Windows overlap: neighbouring points share requests."
    if any(point.windows > 1 for trend in trends for point in trend.points):
        yield (
            "A point stands for several windows of one candidate, pooled: of those that overlap, only some count. "
            "Its title says what the lowest and the highest of them were."
        )
    unmeasured = sorted({e.metric for window in windows for e in window.estimates} - metrics.keys())
    if unmeasured:
        yield f"No longer measured, and left out: {', '.join(unmeasured)}."
    yield "A price that is not known counts as nothing, and is said."
