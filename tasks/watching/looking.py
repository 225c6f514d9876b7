"""One look at what a candidate has served since the last: changes of metrics, drift of texts, and error budgets."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from configs.errors import LifecycleError
from tasks.alerting.found import presentable_text
from tasks.serving.reading import Recorded
from tasks.watching.budgets import Spent, spent
from tasks.watching.changes import Changed, Changes, watched
from tasks.watching.drift import Drift
from tasks.watching.scored import Scoring, finished
from tasks.watching.signals import EXAMPLES, Signal, Unmeasured
from tasks.watching.vectors import WORDS, space, vectors_of

_AT_ONCE = 500
_VOTES = "vote_down_rate"


class Drifted(NamedTuple):
    """What became of comparing one kind of text.

    Attributes:
        what: `questions` or `answers`.
        space: what they were compared as.
        waiting: texts that make no whole stretch yet.
        ranks: of the stretches so far, the newest last; small where one differs from what was before it.
        note: why not all could be compared; "" where they could.
    """

    what: str
    space: str
    waiting: int
    ranks: tuple[float, ...]
    note: str

    @property
    def told(self) -> str:
        """How far it has come, in words."""
        by = "by their words" if self.space == WORDS else f"as {self.space} embeds them"
        found = f"{self.what}: {len(self.ranks)} comparisons {by}, {self.waiting} wait for the next"
        return f"{found}; not measured since: {self.note}" if self.note else found


class Looked(NamedTuple):
    """What a look came to.

    Attributes:
        entered: requests that were new to it.
        signals: what people should know of.
        drifted: of questions and of answers.
        budgets: in the configuration's order.
        unmeasured: what may be there as it was before: nothing was measured by which that could be told.
    """

    entered: int
    signals: tuple[Signal, ...]
    drifted: tuple[Drifted, ...]
    budgets: tuple[Spent, ...]
    unmeasured: tuple[Unmeasured, ...] = ()


async def look(scoring: Scoring, candidate: str, now: datetime) -> Looked:
    """Takes up what was recorded of a candidate since the last look, each request once, whatever its clock says.

    What is found stays a signal for as long as a window is. How far the look has come is kept after each part, so that
    one that was interrupted goes on.

    Args:
        scoring: what requests are scored with.
        candidate: digest of the candidate.
        now: time of the look, in UTC.
    """
    entered, changes = await _changes(scoring, candidate, now)
    questions = await _drift(scoring, candidate, now, "questions", scoring.reader.questions)
    answers = await _drift(scoring, candidate, now, "answers", scoring.reader.answers)
    budgets = tuple(spent(each, scoring, scoring.reader, now) for each in scoring.means.loaded.app.monitor.budgets)
    since = (now - timedelta(minutes=scoring.means.loaded.app.monitor.window_minutes)).isoformat()
    signals = [
        *_of_changes([each for each in changes.alarms if each.seen >= since]),
        *_of_drift(questions.drift, "questions", scoring, since),
        *_of_drift(answers.drift, "answers", scoring, since),
        *(signal for budget in budgets for signal in budget.signals),
    ]
    unmeasured = [
        *_without_values(changes, scoring, since),
        *_not_compared(questions.drift, "questions", since),
        *_not_compared(answers.drift, "answers", since),
        *(each for budget in budgets for each in budget.unmeasured),
    ]
    return Looked(entered, tuple(signals), (questions.told, answers.told), budgets, tuple(unmeasured))


async def _changes(scoring: Scoring, candidate: str, now: datetime) -> tuple[int, Changes]:
    kept, metrics = scoring.kept, watched(scoring.metrics)
    content, seen = kept.state(candidate, "changes"), now.isoformat()
    changes = Changes.from_bytes(content) if content else Changes()
    versions = {name: scoring.key(name) or metric.version for name, metric in metrics.items()}
    changes.keep_only([f"{name}:{version}" for name, version in versions.items()])
    every = scoring.means.loaded.app.monitor.change.every * len(metrics)
    votes, of_requests = metrics[_VOTES], {name: each for name, each in metrics.items() if name != _VOTES}
    entered = 0
    while part := scoring.reader.after(candidate, changes.entered, _AT_ONCE):
        facts = finished(each.facts for each in part)
        if facts:
            times = {each.facts.id: each.at for each in part}
            await scoring.score(facts)
            of = [times[each.id] for each in facts]
            changes.enter_all(scoring.frames(facts), of_requests, versions, of, every, seen)
        changes.entered, entered = part[-1].number, entered + len(facts)
        kept.save_state(candidate, "changes", changes.to_bytes())
    while voted := scoring.reader.votes_after(candidate, changes.voted, _AT_ONCE):
        ids, of = [each.request for each in voted], [each.at for each in voted]
        changes.enter(votes, votes.version, [float(each.down) for each in voted], ids, of, every, seen)
        changes.voted = voted[-1].number
        kept.save_state(candidate, "changes", changes.to_bytes())
    return entered, changes


class _Entered(NamedTuple):
    drift: Drift
    told: Drifted


async def _drift(
    scoring: Scoring,
    candidate: str,
    now: datetime,
    what: str,
    texts_of: Callable[[Sequence[str]], Mapping[str, str]],
) -> _Entered:
    settings, compared_as = scoring.means.loaded.app.monitor.drift, space(scoring.means)
    content = scoring.kept.state(candidate, what)
    drift = Drift.from_bytes(content) if content else Drift(compared_as)
    if drift.space != compared_as:
        drift = Drift(compared_as, entered=drift.entered)
    note = ""
    while part := scoring.reader.after(candidate, drift.entered, _AT_ONCE):
        chosen = _of_sample(scoring, part, compared_as)
        texts = {name: text for name, text in texts_of(list(chosen)).items() if text.strip()}
        ids = [name for name in chosen if name in texts]
        try:
            taken = await vectors_of([texts[name] for name in ids], scoring.means)
        except LifecycleError as error:
            note = str(error)
            break
        ids = [ids[place] for place in taken.places]
        labels = [chosen[name] for name in ids]
        # Half of the false alarms are for the questions, half for the answers.
        drift.enter(ids, labels, taken.vectors, settings.requests, 2.0 * settings.every, now.isoformat())
        drift.entered = part[-1].number
        scoring.kept.save_state(candidate, what, drift.to_bytes())
    return _Entered(drift, Drifted(what, compared_as, len(drift.ids), tuple(drift.ranks), note))


def _of_sample(scoring: Scoring, part: Sequence[Recorded], compared_as: str) -> dict[str, str]:
    """Returns the times of the requests whose texts are compared, by id: all where no model is asked for vectors."""
    done = {each.id for each in finished(each.facts for each in part)}
    return {
        each.facts.id: each.at
        for each in part
        if each.facts.id in done and (compared_as == WORDS or scoring.in_sample(each.facts.id))
    }


def _of_changes(alarms: Sequence[Changed]) -> list[Signal]:
    by_metric: dict[str, list[Changed]] = {}
    for alarm in alarms:
        by_metric.setdefault(alarm.metric, []).append(alarm)
    return [
        Signal(
            f"change/{metric}",
            "change",
            f"{metric} has changed since about {_moment(found[0].began)}: {found[0].before:.3g} before, "
            f"{found[-1].after:.3g} since",
        )
        for metric, found in by_metric.items()
    ]


def _of_drift(drift: Drift, what: str, scoring: Scoring, since: str) -> list[Signal]:
    found = []
    texts_of = scoring.reader.questions if what == "questions" else scoring.reader.answers
    asked = "asked" if what == "questions" else "given"
    shifts = [each for each in drift.shifts if each.seen >= since]
    if shifts:
        words = f"other {what} are {asked} than before, since about {_moment(shifts[0].began)}"
        examples = _examples(shifts[-1].typical, texts_of)
        found.append(Signal(f"drift/{what}", "drift", words, examples=examples))
    topics = [each for each in drift.topics if each.seen >= since]
    if topics:
        largest = sorted(topics, key=lambda topic: -len(topic.members))
        sizes = ", ".join(str(len(topic.members)) for topic in largest)
        count = "1 topic" if len(topics) == 1 else f"{len(topics)} topics"
        words = f"new among the {what}: {count} that nothing known is near to ({sizes} requests)"
        examples = tuple(text for topic in largest[:EXAMPLES] for text in _examples(topic.members[:EXAMPLES], texts_of))
        found.append(Signal(f"topic/{what}", "topic", words, examples=examples))
    return found


def _without_values(changes: Changes, scoring: Scoring, since: str) -> list[Unmeasured]:
    names = [name for name in watched(scoring.metrics) if changes.measured.get(name, "") < since]
    return [Unmeasured(f"change/{name}", "change") for name in names]


def _not_compared(drift: Drift, what: str, since: str) -> list[Unmeasured]:
    if drift.compared >= since:
        return []
    return [Unmeasured(f"drift/{what}", "drift"), Unmeasured(f"topic/{what}", "topic")]


def _examples(ids: Sequence[str], texts_of: Callable[[Sequence[str]], Mapping[str, str]]) -> tuple[str, ...]:
    """Returns texts without personal data and without secrets, cut where they are long."""
    texts = texts_of(list(ids))
    return tuple(presentable_text(texts[name]) for name in ids if name in texts)


def _moment(label: str) -> str:
    try:
        return f"{datetime.fromisoformat(label):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return label
