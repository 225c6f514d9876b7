"""Changes of the metrics of served requests: each request enters once, in the order in which requests were recorded."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tasks.results.frames import Frames
from tasks.scoring.score import Metric
from tasks.statistics.change import Detector, Evidence, Side, drawn_place
from tasks.statistics.measured import measured

if TYPE_CHECKING:
    from tasks.statistics.measured import Floats

_LEFT_OUT = ("input_tokens", "cached_tokens")
"""What a user asks, and what an endpoint had cached, are neither better nor worse."""
_EITHER = ("output_tokens",)
"""Answers that become shorter are as much of a change as longer ones."""
_VOTES = "vote_down_rate"
_ALARMS = 50


class Changed(NamedTuple):
    """A change of a metric.

    Attributes:
        metric: its name.
        began: when the first request came that it most likely concerns, ISO 8601 in UTC.
        found: when the request came with which it was found.
        before: mean of what was before.
        after: mean of what came since, as far as it was looked at together.
        seen: when it was seen: the time of the look, whatever the requests' clocks say.
    """

    metric: str
    began: str
    found: str
    before: float
    after: float
    seen: str


@dataclass
class Changes:
    """How far watching a candidate's metrics has come.

    Attributes:
        entered: number of the request that was recorded last of those that have entered.
        voted: number of the vote that has entered last.
        detectors: by metric and what its values depend on.
        alarms: changes that were found, the newest last.
        measured: time of the last look that had a value of it, by metric.
    """

    entered: int = 0
    voted: int = 0
    detectors: dict[str, Detector] = field(default_factory=dict)
    alarms: list[Changed] = field(default_factory=list)
    measured: dict[str, str] = field(default_factory=dict)

    def enter(
        self,
        metric: Metric,
        version: str,
        values: "Sequence[float] | Floats",
        ids: Sequence[str],
        times: Sequence[str],
        every: float,
        seen: str,
    ) -> None:
        """Enters values of a metric, NaN where a request has none.

        Args:
            metric: the metric.
            version: what its values depend on; with another one it begins anew.
            values: in the order in which they were recorded.
            ids: of the requests.
            times: at which these came.
            every: on average there is one false alarm in so many values at most.
            seen: time of the look.
        """
        detector = self.detectors.setdefault(f"{metric.name}:{version}", Detector())
        known = [at for at, value in enumerate(values) if np.isfinite(value)]
        if known:
            self.measured[metric.name] = seen
        for place, at in enumerate(known):
            drawn = drawn_place(ids[at], metric.name)
            alarm = detector.enter(float(values[at]), drawn, times[at], side_of(metric), every)
            if alarm:
                since = next((n for n, of in enumerate(known) if times[of] == alarm.began), 0)
                after = float(np.mean([values[of] for of in known[min(since, place) : place + 1]]))
                before = float(np.mean(detector.known)) if detector.known else after
                if after != before:  # values that are all alike alarm by the draw of their places alone
                    self.alarms.append(Changed(metric.name, alarm.began, alarm.at, before, after, seen))
        self.alarms = self.alarms[-_ALARMS:]

    def enter_all(
        self,
        frames: Frames,
        metrics: Mapping[str, Metric],
        versions: Mapping[str, str],
        times: Sequence[str],
        every: float,
        seen: str,
    ) -> None:
        """Enters requests with all of their metrics but the votes, which come later; see `enter`."""
        ids = frames.rows["row_id"].tolist()
        for name, metric in metrics.items():
            values = measured(frames.rows, frames.scores, metric).values
            self.enter(metric, versions.get(name, metric.version), values, ids, times, every, seen)

    def keep_only(self, names: Sequence[str]) -> None:
        """Forgets the metrics that are not watched any more, or whose values depend on something else now."""
        self.detectors = {name: self.detectors[name] for name in names if name in self.detectors}

    def to_bytes(self) -> bytes:
        """Returns it in the form in which it is kept."""
        content = {
            "entered": self.entered,
            "voted": self.voted,
            "detectors": {name: asdict(detector) for name, detector in self.detectors.items()},
            "alarms": [alarm._asdict() for alarm in self.alarms],
            "measured": self.measured,
        }
        return json.dumps(content).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> "Changes":
        """Returns what `to_bytes` kept."""
        found = json.loads(content)
        detectors = {
            name: Detector(each["known"], each["count"], Evidence(**each["evidence"]))
            for name, each in found["detectors"].items()
        }
        alarms = [Changed(**alarm) for alarm in found["alarms"]]
        return cls(found["entered"], found["voted"], detectors, alarms, found.get("measured", {}))


def watched(metrics: Mapping[str, Metric]) -> dict[str, Metric]:
    """Returns the metrics that are watched: those that each request has of itself."""
    return {name: each for name, each in metrics.items() if each.of_rows and name not in _LEFT_OUT}


def side_of(metric: Metric) -> Side:
    """Returns which change of a metric is looked for: to the worse, but for an answer's length, which has none."""
    if metric.name in _EITHER:
        return "either"
    return "lower" if metric.direction == "higher" else "higher"
