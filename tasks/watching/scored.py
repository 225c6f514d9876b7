"""Scores served requests, each once: what a scorer has said of a request stands until scorer or labels are others."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.calling.answer import Answer, Outcome
from tasks.data.row import Dataset, Row
from tasks.identity import digest
from tasks.results.frames import Frames
from tasks.scoring.abstaining import abstains
from tasks.scoring.asked import AskedScorer, Means
from tasks.scoring.catalogue import metrics_of
from tasks.scoring.score import Metric, Score
from tasks.scoring.scorer import Rating, Scorer
from tasks.scoring.scoring import score_all
from tasks.serving.flagging import abstention_phrases
from tasks.serving.reading import Facts, ServedReader
from tasks.serving.record import RecordStore
from tasks.statistics.change import drawn_place
from tasks.watching.kept import Kept, WatchStore
from tasks.watching.rows import row_of

_AT_ONCE = 200
"""Requests whose texts are in memory at once."""

RATES: dict[str, Metric] = {
    "error_rate": Metric("error_rate", "quality", "lower", "1", "1 where the endpoint could not answer.", binary=True),
    "abstention_rate": Metric(
        "abstention_rate", "quality", "lower", "1", "1 where the answer is that it is not known.", binary=True
    ),
    "vote_down_rate": Metric(
        "vote_down_rate",
        "quality",
        "lower",
        "1",
        "1 where a person voted the answer down, of those voted on.",
        binary=True,
    ),
}
"""Metrics of served requests that no scorer of an evaluation has."""


class _Column(NamedTuple):
    """A metric of requests: NaN where there is no value, and where one should be and is not."""

    values: NDArray[np.float64]
    applies: NDArray[np.bool_]
    missing: NDArray[np.bool_]


@dataclass(frozen=True)
class Scoring:
    """What served requests of an app are scored with.

    Attributes:
        means: what scorers that ask a model ask with.
        scorers: the app's.
        store: the app's served requests.
        reader: reads them as columns.
        kept: the scores that were given.
        known: rows of the production dataset, by id; a request that played one has its labels.
    """

    means: Means
    scorers: Sequence[Scorer | AskedScorer]
    store: RecordStore
    reader: ServedReader
    kept: WatchStore
    known: Mapping[str, Row]

    @property
    def metrics(self) -> dict[str, Metric]:
        """Every metric of served requests, by name."""
        return metrics_of(self.scorers) | RATES

    def key(self, metric: str) -> str | None:
        """Returns by what the scores of a metric are kept; None for one that no scorer gives."""
        return self._keys.get(metric)

    def in_sample(self, request: str) -> bool:
        """Returns whether a request is one of those that models are asked about; see `Sample`."""
        return drawn_place(request, "sample") < self.means.loaded.app.monitor.sample.share

    async def score(self, facts: Iterable[Facts]) -> int:
        """Gives the scores that are missing, of answered and failed requests; returns of how many requests any was.

        What a scorer failed on, or the budget cut off, is missing still, and tried again the next time.
        """
        labels = self._labels(facts)
        ids, scored = list(labels), 0
        for start in range(0, len(ids), _AT_ONCE):
            part = ids[start : start + _AT_ONCE]
            scored += await self._score({request: labels[request] for request in part})
        return scored

    def frames(self, facts: Sequence[Facts]) -> Frames:
        """Returns answered and failed requests, and their scores so far, in the form that estimates are made of."""
        import pandas as pd

        labels = self._labels(facts)
        rows = pd.DataFrame(facts, columns=list(Facts._fields)).rename(columns={"id": "row_id", "row_id": "played"})
        played = [self.known.get(row_id) for row_id in rows["played"]]
        rows["cluster"] = [
            (row.cluster or row.id) if row else request for row, request in zip(played, rows["row_id"], strict=True)
        ]
        rows["answerable"] = pd.Series([row.answerable if row else None for row in played], dtype="object")
        rows["repeat"], rows["attempts"] = 0, 1
        for name in ("price", "latency_first_token", "latency_per_token", "down"):
            rows[name] = rows[name].astype("float64")
        answered = (rows["outcome"] == Outcome.OK).to_numpy(bool)
        scores: dict[str, NDArray[np.generic]] = {}
        failed = np.zeros(len(rows), dtype=bool)
        for scorer in self._all:
            name, column = scorer.metric.name, self._column(scorer, labels)
            scores[name], scores[f"{name}.applies"] = column.values, column.applies
            failed |= column.missing & answered
        rows["scorer_failed"] = failed
        everyone = np.ones(len(rows), dtype=bool)
        scores["error_rate"], scores["error_rate.applies"] = (~answered).astype(np.float64), everyone
        scores["vote_down_rate"], scores["vote_down_rate.applies"] = rows.pop("down").to_numpy(np.float64), everyone
        return Frames(rows, pd.DataFrame(scores, index=rows.index, copy=False))

    def _column(self, scorer: Scorer | AskedScorer, labels: Mapping[str, str]) -> "_Column":
        found, chosen = self.kept.scores(self._keys[scorer.metric.name], labels), self._chosen(scorer, labels)
        values, applies = np.full(len(labels), np.nan), np.zeros(len(labels), dtype=bool)
        missing = np.zeros(len(labels), dtype=bool)
        for at, request in enumerate(labels):
            kept = found.get(request)
            if kept is None:
                applies[at] = missing[at] = request in chosen
            else:
                values[at], applies[at] = np.nan if kept.value is None else kept.value, kept.applies
        return _Column(values, applies, missing)

    @cached_property
    def _all(self) -> tuple[Scorer | AskedScorer, ...]:
        """The scorers that rate single answers, and the one of abstention."""
        phrases = abstention_phrases(self.means.loaded.app.scorers)
        abstention = Scorer(RATES["abstention_rate"], frozenset(), _abstained, {"phrases": phrases})
        of_rows = (each for each in self.scorers if not isinstance(each, Scorer) or each.metric.of_rows)
        return (*of_rows, abstention)

    @cached_property
    def _keys(self) -> dict[str, str]:
        return {scorer.metric.name: digest(scorer.identity) for scorer in self._all}

    def _labels(self, facts: Iterable[Facts]) -> dict[str, str]:
        return {each.id: _labels_of(self.known.get(each.row_id)) for each in facts}

    def _chosen(self, scorer: Scorer | AskedScorer, ids: Iterable[str]) -> frozenset[str]:
        """Returns those of some requests that a scorer is to score: all, or the sample where it asks a model."""
        return frozenset(ids) if isinstance(scorer, Scorer) else frozenset(filter(self.in_sample, ids))

    async def _score(self, labels: Mapping[str, str]) -> int:
        groups: dict[tuple[str, ...], list[Scorer | AskedScorer]] = {}
        for scorer in self._all:
            found, chosen = self.kept.scores(self._keys[scorer.metric.name], labels), self._chosen(scorer, labels)
            missing = tuple(request for request in labels if request in chosen and request not in found)
            if missing:
                groups.setdefault(missing, []).append(scorer)
        wanted = sorted({request for missing in groups for request in missing})
        served = {each.served.id: each.served for each in self.store.named(wanted)}
        for missing, scorers in groups.items():
            rows = [row_of(served[request], self.known.get(served[request].row_id)) for request in missing]
            scores = await score_all(rows, [served[request].answer for request in missing], scorers, self.means)
            self._keep(labels, scores)
        return len(wanted)

    def _keep(self, labels: Mapping[str, str], scores: Sequence[Score]) -> None:
        by_metric: dict[str, list[tuple[str, Kept]]] = {}
        for score in scores:
            if score.outcome in (Outcome.OK, Outcome.APP_ERROR):
                applies = score.value is not None or score.outcome is not Outcome.OK
                by_metric.setdefault(score.metric, []).append((score.row_id, Kept(score.value, applies)))
        for metric, kept in by_metric.items():
            self.kept.keep(self._keys[metric], labels, kept)


@contextmanager
def open_scoring(
    means: Means,
    scorers: Sequence[Scorer | AskedScorer],
    store: RecordStore,
    candidate: str,
    production: Dataset | None,
) -> Iterator[Scoring]:
    """Opens what the requests of an app are scored with.

    Args:
        means: what scorers that ask a model ask with.
        scorers: the app's.
        store: the app's served requests.
        candidate: digest of the one that answered.
        production: rows that may have been played.
    """
    with WatchStore(store.path) as kept, ServedReader(store.path) as reader:
        played = reader.played(candidate)
        known = {row.id: row for row in production.rows if row.id in played} if production and played else {}
        yield Scoring(means, scorers, store, reader, kept, known)


def finished(facts: Iterable[Facts]) -> list[Facts]:
    """Returns the requests that were answered, or failed; not those whose client went away."""
    return [each for each in facts if each.outcome != Outcome.SKIPPED]


def _abstained(row: Row, answer: Answer, *, phrases: tuple[str, ...]) -> Rating:  # noqa: ARG001 a scorer's
    return Rating(float(abstains(answer.text, phrases)))


def _labels_of(row: Row | None) -> str:
    if row is None:
        return ""
    columns = {name: str(value) for name, value in row.columns.items()}
    return digest([row.reference, list(row.documents), row.answerable, columns])
