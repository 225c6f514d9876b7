"""Selects which served requests people are to look at: the store is read in parts, and few are held in memory."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from configs.errors import ConfigurationError
from tasks.calling.answer import Outcome
from tasks.curating.item import TRACE, Item
from tasks.curating.likeness import answers_agree
from tasks.curating.redacting import redacted
from tasks.data.row import Row
from tasks.data.tool_turn import ToolTurn
from tasks.harvesting.chance import draw_of, place_of
from tasks.harvesting.foremost import Foremost
from tasks.harvesting.picked import Kind, Reason
from tasks.harvesting.queue import Queue
from tasks.progress import bar
from tasks.scoring.asked import AskedScorer
from tasks.scoring.score import Metric, Score
from tasks.scoring.scorer import Scorer
from tasks.scoring.scoring import score_all
from tasks.serving.flagging import flag_all
from tasks.serving.record import Numbered, RecordStore
from tasks.serving.served import Served
from tasks.watching.rows import row_of
from tasks.workspace import Workspace

_AT_ONCE = 500
_JUDGED = ("quality", "honesty", "harm")
_KINDS: tuple[Kind, ...] = ("flagged", "disagreed", "low score")


@dataclass(frozen=True, slots=True)
class Selection:
    """What was selected.

    Attributes:
        reasons: why, by request; one that chance alone drew has the reason `random`.
        probability: with which chance drew each of those that it did.
        again: further reasons of requests that wait in the queue already.
        requests: requests that were gone through.
        flagged: how many of them are flagged; no more than `harvest.at_most` are picked for it.
        reached: number of the last request in the store.
    """

    reasons: Mapping[str, tuple[Reason, ...]]
    probability: Mapping[str, float]
    again: Mapping[str, tuple[Reason, ...]]
    requests: int
    flagged: int
    reached: int


class _Metered(NamedTuple):
    """A metric, and the requests of its worst scores."""

    metric: Metric
    worst: Foremost


@dataclass
class _Seen:
    """What one reading of the store shows."""

    flagged: Foremost
    drawn: Foremost
    metered: dict[str, _Metered] = field(default_factory=dict)
    requests: int = 0


async def select(workspace: Workspace, store: RecordStore, queue: Queue) -> Selection:
    """Goes through the requests that no harvest has gone through, and through all votes.

    Picked are: every request that somebody voted against, however long ago it was served; `at_most` of the flagged, of
    those that two candidates answered otherwise, and of those with the worst scores; and a random share of all. A
    request whose client went away, or that asks nothing, is none of them.

    Args:
        workspace: the app; its `harvest` says how many.
        store: its served requests.
        queue: what was picked before.

    Raises:
        ConfigurationError: `harvest.metrics` names a metric that there is not.
    """
    scorers = _scorers(workspace)
    reached, newest = queue.reached, store.newest()
    flag_all(store, workspace.loaded)
    wanted = workspace.loaded.app.harvest
    seen = _Seen(Foremost(wanted.at_most), Foremost(wanted.random_at_most))
    limit = math.ceil(wanted.worst * (newest - reached))
    seen.metered = {each.metric.name: _Metered(each.metric, Foremost(limit)) for each in scorers}
    await _look_through(workspace, store, scorers, seen, (reached, newest))
    disagreed = Foremost(wanted.at_most)
    for request, detail in _disagreed(store, reached, newest):
        disagreed.add(request, place_of(request), detail=detail)
    by_kind: dict[Kind, list[tuple[str, str]]] = {
        "flagged": seen.flagged.first(wanted.at_most),
        "disagreed": disagreed.first(wanted.at_most),
        "low score": list(_low(seen, wanted.worst)),
    }
    chosen = _in_turn(by_kind, wanted.at_most)
    draw = draw_of(seen.requests, wanted.random_share, wanted.random_at_most)
    drawn = [request for request, _ in seen.drawn.first(draw.size)]
    against = _voted_against(store, newest)
    reasons = _reasons(by_kind, chosen, drawn, against)
    known = queue.known(reasons)
    return Selection(
        reasons={request: found for request, found in reasons.items() if request not in known},
        probability={request: draw.probability for request in drawn if request not in known},
        again=_again(queue, against),
        requests=seen.requests,
        flagged=seen.flagged.count,
        reached=newest,
    )


def _scorers(workspace: Workspace) -> list[Scorer | AskedScorer]:
    """Returns the scorers whose worst scores are picked."""
    wanted = workspace.loaded.app.harvest
    able = [each for each in workspace.scorers if each.metric.of_rows and each.metric.dimension in _JUDGED]
    known = {each.metric.name for each in able}
    if unknown := [name for name in wanted.metrics if name not in known]:
        raise ConfigurationError(
            f"{workspace.loaded.folder / 'app.yaml'}: key `harvest.metrics`: {unknown[0]!r} is no metric of an "
            f"answer's quality, honesty or harm; known are {', '.join(sorted(known))}"
        )
    if not wanted.worst:
        return []
    return [each for each in able if not wanted.metrics or each.metric.name in wanted.metrics]


async def _look_through(
    workspace: Workspace,
    store: RecordStore,
    scorers: Sequence[Scorer | AskedScorer],
    seen: _Seen,
    between: tuple[int, int],
) -> None:
    flags = frozenset(workspace.loaded.app.harvest.flags)
    production = workspace.datasets.get("production")
    known = {row.id: row for row in production.rows} if production else {}
    with bar("requests looked at", between[1] - between[0]) as shown:
        for part in _parts(store, *between):
            able = [served for _, served in part if is_able(served)]
            for served in able:
                place = place_of(served.id)
                seen.drawn.add(served.id, place)
                if found := [flag for flag in served.flags or () if flag in flags]:
                    seen.flagged.add(served.id, place, detail=", ".join(found))
            seen.requests += len(able)
            rows = [row_of(each, known.get(each.row_id)) for each in able]
            scores = await score_all(rows, [each.answer for each in able], scorers, workspace.means)
            for score in scores:
                _meter(seen, score)
            for _ in part:
                shown.advance()


def _parts(store: RecordStore, reached: int, newest: int) -> Iterator[list[Numbered]]:
    while part := store.after(reached, newest, _AT_ONCE):
        yield part
        reached = part[-1].number


def is_able(served: Served) -> bool:
    """Returns whether a request may become a row: it asks something, and its client got this answer, or a failure.

    One with tools may not: a dataset's row has none, and could not be asked as it was.
    """
    if served.answer.outcome is Outcome.SKIPPED or served.answer.tool_calls:
        return False
    if any(isinstance(message, ToolTurn) for message in served.messages):
        return False
    if served.placed and served.placed.arm == "shadow":
        return False
    return bool(served.messages and served.messages[-1].content.strip())


def _meter(seen: _Seen, score: Score) -> None:
    """Shows a metric's score to what keeps the worst; the best that there can be is not among them."""
    if score.value is None:
        return
    metric, worst = seen.metered[score.metric]
    best = metric.high if metric.direction == "higher" else metric.low
    weight = -score.value if metric.direction == "higher" else score.value
    if score.value == best:
        worst.count += 1
        return
    worst.add(score.row_id, place_of(score.row_id), weight, f"{score.metric} {score.value:.3g}")


def _low(seen: _Seen, share: float) -> Iterator[tuple[str, str]]:
    """Yields the requests with the worst scores, of each metric in turn."""
    worst = [each.worst.first(math.ceil(share * each.worst.count)) for each in seen.metered.values()]
    for at in range(max(map(len, worst), default=0)):
        yield from (own[at] for own in worst if at < len(own))


def _disagreed(store: RecordStore, reached: int, newest: int) -> Iterator[tuple[str, str]]:
    """Yields requests whose words another candidate was asked as well, and answered otherwise: of each the newest."""
    found = [each for each in store.answered_otherwise(reached) if each.number <= newest]
    for _, same in groupby(found, key=lambda each: (each.served.messages, each.served.columns)):
        group = [each.served for each in same]
        last = next((each for each in reversed(group) if is_able(each)), None)
        if last is None:
            continue
        against = [each.candidate[:8] for each in group if not _agree(each, last)]
        if against:
            yield last.id, f"{', '.join(against)} answered otherwise"


def _agree(one: Served, other: Served) -> bool:
    return answers_agree(*(Item(Row(each.id, each.messages, each.answer.text), "", TRACE) for each in (one, other)))


def _voted_against(store: RecordStore, newest: int) -> dict[str, str]:
    """Returns the requests that somebody voted against, each with what was said first; ones that came since are not."""
    found: dict[str, str] = {}
    after = 0
    while votes := store.votes.against(after, _AT_ONCE):
        after = votes[-1].number
        comments = {vote.request: redacted(vote.comment).text for vote in reversed(votes)}
        for number, served in store.named(list(comments)):
            if number <= newest and is_able(served):
                found.setdefault(served.id, comments[served.id])
    return found


def _in_turn(by_kind: Mapping[Kind, Sequence[tuple[str, str]]], at_most: int) -> frozenset[str]:
    """Returns the requests that are picked for a reason: one of each kind in turn, until there are enough."""
    chosen: dict[str, None] = {}
    for at in range(max(map(len, by_kind.values()), default=0)):
        for kind in _KINDS:
            if at < len(by_kind[kind]) and len(chosen) < at_most:
                chosen[by_kind[kind][at][0]] = None
    return frozenset(chosen)


def _reasons(
    by_kind: Mapping[Kind, Sequence[tuple[str, str]]],
    chosen: frozenset[str],
    drawn: Sequence[str],
    against: Mapping[str, str],
) -> dict[str, tuple[Reason, ...]]:
    """Returns all reasons of each request that is picked; what chance alone drew may be flagged as well."""
    found = {request: [Reason("down-voted", comment)] for request, comment in against.items()}
    taken = {*chosen, *drawn, *against}
    for kind in _KINDS:
        for request, detail in by_kind[kind]:
            if request in taken:
                found.setdefault(request, []).append(Reason(kind, detail))
    for request in drawn:
        found.setdefault(request, []).append(Reason("random"))
    return {request: tuple(reasons) for request, reasons in found.items()}


def _again(queue: Queue, against: Mapping[str, str]) -> dict[str, tuple[Reason, ...]]:
    """Returns the reasons of requests that wait already and that somebody has voted against since."""
    return {
        each.request: (Reason("down-voted", against[each.request]), *each.because)
        for each in queue.pending()
        if each.request in against and all(reason.kind != "down-voted" for reason in each.because)
    }
