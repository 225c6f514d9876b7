"""What a scorer is: a function of a row and its answer, and what is known about the number it gives.

An app's own scorers are made with the same decorator: `from tasks.scoring.scorer import Rating, scorer`.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, get_args

from configs.errors import ConfigurationError
from configs.schema.scorer import ScorerConfig
from tasks.calling.answer import Answer
from tasks.data.row import Row
from tasks.scoring.score import Dimension, Direction, Metric

Need = Literal["reference", "fact", "documents", "answerable", "unanswerable", "context"]
"""What a scorer cannot do without: the row's reference, its fact (what the column holds that the setting `column`
names, else the reference), its supporting documents, that it is known to be answerable or unanswerable; or context
that the answer drew on. All but the last are labels, which served requests lack."""

Setting = str | int | float | bool | tuple[str, ...]

Check = Callable[..., None]
"""Takes all settings of a scorer by their names, and raises ValueError where they cannot be meant."""


class Rating(NamedTuple):
    """What a scorer says of one answer; `value` None where it does not apply, and `why` says why."""

    value: float | None
    why: str = ""


def lacking(row: Row, needs: frozenset[Need], column: str = "") -> str:
    """Returns what a row lacks to be rated, in words; "" where it lacks nothing.

    Args:
        row: the row.
        needs: what the scorer cannot do without.
        column: the column that holds the row's fact; its reference does where not given.
    """
    if "reference" in needs and not row.reference.strip():
        return "the row has no reference"
    if "fact" in needs and not (_holds(row.columns.get(column)) if column else row.reference.strip()):
        return f"the row has no {column or 'reference'}"
    if "documents" in needs and not row.documents:
        return "the row has no supporting documents"
    if "answerable" in needs and row.answerable is not True:
        return "the row is not marked answerable"
    if "unanswerable" in needs and row.answerable is not False:
        return "the row is not marked unanswerable"
    return ""


def columns_in(settings: Mapping[str, Setting]) -> tuple[str, ...]:
    """Returns the columns of the dataset that settings name: those called `column` or `…_column`."""
    named = (str(value) for name, value in settings.items() if name == "column" or name.endswith("_column"))
    return tuple(filter(None, named))


@dataclass(frozen=True, slots=True)
class Scorer:
    """A scorer, and the settings it was given.

    Attributes:
        metric: name, dimension, direction, range and version of its number.
        needs: what it cannot do without; rows that lack it are not rated.
        rate: the function itself.
        settings: its settings that differ from the defaults.
        check: says what is wrong with settings, beyond their types.
        source: what stands behind the metric's name where that is not the function's own: `=name`, and `@digest` of
            the file it comes from.
    """

    metric: Metric
    needs: frozenset[Need]
    rate: Callable[..., Rating | float | None]
    settings: Mapping[str, Setting]
    check: Check | None = None
    source: str = ""

    @property
    def needs_labels(self) -> bool:
        """True where it needs what only a labelled row has."""
        return bool(self.needs - {"context"})

    @property
    def identity(self) -> str:
        """Name, version and settings in one text: what a score of its depends on."""
        settings = ",".join(f"{name}={self.settings[name]!r}" for name in sorted(self.settings))
        return f"{self.metric.name}{self.source}:{self.metric.version}:{settings}"

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the dataset that its settings tell it to read."""
        return columns_in(self.settings)

    @property
    def known_settings(self) -> dict[str, Setting]:
        """Every setting it has, with its default."""
        return {
            name: parameter.default
            for name, parameter in inspect.signature(self.rate).parameters.items()
            if parameter.kind is inspect.Parameter.KEYWORD_ONLY
        }

    def lacking(self, row: Row) -> str:
        """Returns what the row lacks to be rated, in words; "" where it lacks nothing."""
        return lacking(row, self.needs, str(self.settings.get("column", "")))

    def __call__(self, row: Row, answer: Answer) -> Rating:
        """Rates an answer that is `ok`.

        Raises:
            TypeError: the function returned neither a rating nor a number.
        """
        found = self.rate(row, answer, **self.settings)
        value, why = found if isinstance(found, Rating) else (found, "")
        if isinstance(value, str | bytes) or not isinstance(why, str):
            raise TypeError(f"returned {found!r}, allowed is a Rating or a number")
        return Rating(None if value is None else float(value), why)

    def configured(self, config: ScorerConfig, settings: Mapping[str, Setting]) -> "Scorer":
        """Returns the scorer as an app configures it.

        Args:
            config: gives the metric its name.
            settings: the configuration's, with the texts of files; what is not given keeps its default.

        Raises:
            ConfigurationError: it has no such setting, or the value cannot be meant.
        """
        known = self.known_settings
        metric = self.metric.as_configured(config)
        for key, value in settings.items():
            where = f"app.yaml key `scorers`: {metric.name}.settings.{key}"
            if key not in known:
                raise ConfigurationError(f"{where}: unknown setting; known are {', '.join(known) or 'none'}")
            if not _fits(value, known[key]):
                raise ConfigurationError(f"{where}: found {value!r}; allowed is a value like {known[key]!r}")
        if self.check is not None:
            try:
                self.check(**{**known, **settings})
            except ValueError as error:
                raise ConfigurationError(f"app.yaml key `scorers`: {metric.name}.settings: {error}") from None
        changed = {key: value for key, value in settings.items() if value != known[key]}
        source = self.source or (f"={self.metric.name}" if self.metric.name != config.name else "")
        return replace(self, metric=metric, settings=changed, source=source)


def scorer(
    dimension: Dimension,
    direction: Direction = "higher",
    *,
    version: str,
    needs: tuple[Need, ...] = (),
    low: float = 0.0,
    high: float | None = 1.0,
    unit: str = "",
    heuristic: bool = False,
    binary: bool = False,
    check: Check | None = None,
) -> Callable[[Callable[..., Rating | float | None]], Scorer]:
    """Makes a scorer of a function.

    The function takes `(row, answer)` and returns a `Rating`, a number, or None where it does not apply. Its
    keyword-only arguments are its settings, their defaults the types allowed: one called `column` or `…_column` names
    a column of the dataset, one called `…_file` a file beside `app.yaml`, of which the function gets the text. Its
    name is the metric's, the first line of its docstring the description.

    Args:
        dimension: what it judges.
        direction: whether more is better.
        version: raise it with every change that can change a score.
        needs: what it cannot do without; rows that lack it are not rated.
        low: lowest value there can be; one below is the scorer's failure, never a score.
        high: highest value there can be; None where there is no highest.
        unit: of the value, where it is no share.
        heuristic: True where it only hints at what it is named for.
        binary: True where the value is 0 or 1 and nothing between.
        check: says what is wrong with settings, beyond their types.

    Raises:
        TypeError: an argument cannot be meant, or what is decorated is no plain function of a row and an answer.
    """
    for given, allowed in ((dimension, get_args(Dimension)), (direction, get_args(Direction)), *_each(needs)):
        if given not in allowed:
            raise TypeError(f"@scorer: found {given!r}; allowed are {', '.join(allowed)}")
    if high is not None and high <= low:
        raise TypeError(f"@scorer: low is {low:g} and high {high:g}; high must be more")
    if binary and (low, high) != (0, 1):
        raise TypeError(f"@scorer: binary, but low is {low:g} and high {high}; leave both out")

    def make(function: Callable[..., Rating | float | None]) -> Scorer:
        _check_function(function)
        description = inspect.getdoc(function) or ""
        metric = Metric(
            name=function.__name__,
            dimension=dimension,
            direction=direction,
            version=str(version),
            description=description.partition("\n")[0],
            low=low,
            high=high,
            unit=unit,
            heuristic=heuristic,
            binary=binary,
        )
        return Scorer(metric, frozenset(needs), function, {}, check)

    return make


def _each(needs: tuple[Need, ...]) -> list[tuple[str, tuple[str, ...]]]:
    return [(need, get_args(Need)) for need in needs]


def _check_function(function: Callable[..., Any]) -> None:
    kinds = [parameter.kind for parameter in inspect.signature(function).parameters.values()]
    settings = [
        parameter
        for parameter in inspect.signature(function).parameters.values()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    ]
    if inspect.iscoroutinefunction(function):
        raise TypeError(f"@scorer: {function.__name__} is `async`; a scorer is a plain function")
    if len(kinds) - len(settings) != 2:
        raise TypeError(f"@scorer: {function.__name__} must take (row, answer), and settings after a `*`")
    for setting in settings:
        if not isinstance(setting.default, str | int | float | bool | tuple):
            raise TypeError(f"@scorer: setting {setting.name!r} of {function.__name__} needs a default")


def _holds(value: Any) -> bool:
    return value is not None and value not in ("", [], {})


def _fits(value: Any, default: Any) -> bool:
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    if isinstance(default, float):
        return isinstance(value, int | float)
    return isinstance(value, type(default))
