"""Writes the tables of `docs/scorers.md` from the scorers themselves: `python -m tasks.scoring.reference`."""

import inspect
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from configs.errors import ConfigurationError
from configs.loading import LoadedApp, load_app
from configs.schema.scorer import ScorerConfig
from tasks.scoring.asked import AskedScorer
from tasks.scoring.catalogue import ASKED, HARM, HONESTY, PASSES, QUALITY, RATIOS, RETRIEVAL
from tasks.scoring.score import Metric
from tasks.scoring.scorer import Need, Scorer, Setting
from tasks.scoring.usage import USAGE_METRICS

DOCUMENT = Path(__file__).parents[2] / "docs" / "scorers.md"

_MARK = "<!-- From here on written by `python -m tasks.scoring.reference`. -->\n"
_HEADER = (
    "| scorer | measures | range | better | needs | settings | served requests |\n"
    "| --- | --- | --- | --- | --- | --- | --- |\n"
)
_FAMILIES: dict[str, Sequence[Scorer]] = {
    "Quality against a reference": QUALITY,
    "Quality of retrieval": RETRIEVAL,
    "Honesty": HONESTY,
    "Harm": HARM,
}


class _Entry(NamedTuple):
    """A row of a table, and what is said below it."""

    metric: Metric
    needs: Iterable[Need | str]
    settings: dict[str, Setting]
    definition: str
    served: bool = True
    """Whether it rates served requests, which have no labels."""


def document(current: str) -> str:
    """Returns the text of `docs/scorers.md`: its prose as it is, its tables as the scorers are now."""
    prose, _, _ = current.partition(_MARK)
    loaded = load_app("outfitter")
    families = [_family(title, [_plain(scorer) for scorer in scorers]) for title, scorers in _FAMILIES.items()]
    asked = [_asked(name, loaded) for name in ASKED]
    usage = [_Entry(metric, (), {}, "") for metric in USAGE_METRICS.values()]
    ratios = [_plain(make(ScorerConfig(name=name, settings={"correct": "exact"}))) for name, make in RATIOS.items()]
    passes = [_plain(make(ScorerConfig(name=name, settings={"of": "exact"}))) for name, make in PASSES.items()]
    families += [_family("Several answers to a row", passes)]
    families += [_family("Asking a model", asked), _family("Cost and latency", [*usage, *ratios])]
    return prose + _MARK + "\n" + "\n".join(families)


def _family(title: str, entries: Sequence[_Entry]) -> str:
    table = _HEADER + "".join(_row(entry) for entry in entries)
    said = "".join(f"- `{entry.metric.name}`: {entry.definition}\n" for entry in entries if entry.definition)
    return f"## {title}\n\n{table}" + (f"\n{said}" if said else "")


def _plain(scorer: Scorer) -> _Entry:
    definition = _definition(inspect.getdoc(scorer.rate))
    return _Entry(scorer.metric, scorer.needs, scorer.known_settings, definition, not scorer.needs_labels)


def _asked(name: str, loaded: LoadedApp) -> _Entry:
    made = _made(name, loaded)
    definition = _definition(inspect.getdoc(ASKED[name]))
    return _Entry(made.metric, {*made.needs, "a model"}, {}, definition, not made.needs_labels)


def _made(name: str, loaded: LoadedApp) -> AskedScorer:
    """Makes a scorer that asks, of the sample app's models: with the one it takes by itself, else with its first."""
    try:
        return ASKED[name](ScorerConfig(name=name), loaded)
    except ConfigurationError:
        return ASKED[name](ScorerConfig(name=name, model=loaded.app.models[0]), loaded)


def _row(entry: _Entry) -> str:
    metric = entry.metric
    high = "" if metric.high is None else f"{metric.high:g}"
    between = "or" if metric.binary else "to"
    span = f"{metric.low:g} {between} {high}" if high else f"from {metric.low:g} on"
    return _cells(
        f"`{metric.name}`" + (" (heuristic)" if metric.heuristic else ""),
        metric.description,
        f"{span} {metric.unit}".strip(),
        metric.direction,
        ", ".join(sorted(entry.needs)) or "nothing",
        ", ".join(f"`{name}` {_shown(value)}" for name, value in entry.settings.items()) or "none",
        "yes" if entry.served else "no",
    )


def _definition(text: str | None) -> str:
    """Returns what a docstring says below its first line and above its sections."""
    _, _, rest = (text or "").partition("\n")
    return _one_line(rest.partition("Raises:")[0])


def _shown(value: Setting) -> str:
    if value in ("", ()):
        return "(not set)"
    if isinstance(value, tuple):
        return f"({len(value)} texts)"
    return f"({value})"


def _cells(*cells: str) -> str:
    return "| " + " | ".join(_one_line(cell).replace("|", "\\|") for cell in cells) + " |\n"


def _one_line(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    DOCUMENT.write_text(document(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
