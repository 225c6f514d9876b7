"""What a scorer is: a function of a row and its answer, and what is known about the number it gives."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

from configs.errors import ConfigurationError
from tasks.calling.answer import Answer
from tasks.data.row import Row
from tasks.scoring.score import Dimension, Direction, Metric

Need = Literal["reference", "fact", "documents", "answerable", "unanswerable", "context"]
"""What a scorer cannot do without: the row's reference, its fact (what the column holds that the setting `column`
names, else the reference), its supporting documents, that it is known to be answerable or unanswerable; or context
that the answer drew on. All but the last are labels, which served requests lack."""

Setting = str | int | float | bool | tuple[str, ...]


class Rating(NamedTuple):
    """What a scorer says of one answer; `value` None where it does not apply, and `why` says why."""

    value: float | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Scorer:
    """A scorer, and the settings it was given.

    Attributes:
        metric: name, dimension, direction, range and version of its number.
        needs: what it cannot do without; rows that lack it are not rated.
        rate: the function itself.
        settings: its settings that differ from the defaults.
    """

    metric: Metric
    needs: frozenset[Need]
    rate: Callable[..., Rating]
    settings: Mapping[str, Setting]

    @property
    def needs_labels(self) -> bool:
        """True where it needs what only a labelled row has."""
        return bool(self.needs - {"context"})

    @property
    def identity(self) -> str:
        """Name, version and settings in one text: what a score of its depends on."""
        settings = ",".join(f"{name}={self.settings[name]!r}" for name in sorted(self.settings))
        return f"{self.metric.name}:{self.metric.version}:{settings}"

    def lacking(self, row: Row) -> str:
        """Returns what the row lacks to be rated, in words; "" where it lacks nothing."""
        if "reference" in self.needs and not row.reference.strip():
            return "the row has no reference"
        column = self.settings.get("column")
        if "fact" in self.needs and not (row.columns.get(str(column)) if column else row.reference.strip()):
            return f"the row has no {column or 'reference'}"
        if "documents" in self.needs and not row.documents:
            return "the row has no supporting documents"
        if "answerable" in self.needs and row.answerable is not True:
            return "the row is not marked answerable"
        if "unanswerable" in self.needs and row.answerable is not False:
            return "the row is not marked unanswerable"
        return ""

    def __call__(self, row: Row, answer: Answer) -> Rating:
        """Rates an answer that is `ok`."""
        return self.rate(row, answer, **self.settings)

    def configured(self, settings: Mapping[str, Setting]) -> "Scorer":
        """Returns the scorer with settings.

        Raises:
            ConfigurationError: it has no such setting, or the value is of another type than the default.
        """
        known = {
            name: parameter.default
            for name, parameter in inspect.signature(self.rate).parameters.items()
            if parameter.kind is inspect.Parameter.KEYWORD_ONLY
        }
        for name, value in settings.items():
            where = f"app.yaml key `scorers`: {self.metric.name}.settings.{name}"
            if name not in known:
                raise ConfigurationError(f"{where}: unknown setting; known are {', '.join(known) or 'none'}")
            default = known[name]
            if not _fits(value, default):
                raise ConfigurationError(f"{where}: found {value!r}; allowed is a value like {default!r}")
        return replace(self, settings={name: value for name, value in settings.items() if value != known[name]})


def scorer(
    dimension: Dimension,
    direction: Direction = "higher",
    *,
    version: str,
    needs: tuple[Need, ...] = (),
    heuristic: bool = False,
) -> Callable[[Callable[..., Rating]], Scorer]:
    """Makes a scorer, with values from 0 to 1, of a function.

    The function takes `(row, answer)`; its keyword-only arguments are its settings, their defaults the types allowed.
    Its name is the metric's, the first line of its docstring the description. Raise `version` with every change
    that can change a score.
    """

    def make(function: Callable[..., Rating]) -> Scorer:
        description = inspect.getdoc(function) or ""
        metric = Metric(
            name=function.__name__,
            dimension=dimension,
            direction=direction,
            version=version,
            description=description.partition("\n")[0],
            heuristic=heuristic,
        )
        return Scorer(metric, frozenset(needs), function, {})

    return make


def _fits(value: Any, default: Any) -> bool:
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    if isinstance(default, float):
        return isinstance(value, int | float)
    return isinstance(value, type(default))
