"""Makes the page of an evaluation beside another: a pure function of what was measured and decided."""

from collections.abc import Iterable, Mapping, Sequence

from configs.schema.gate import Gate, Rule
from tasks.gating.verdict import RuleVerdict, Verdict
from tasks.pages.estimates import CONFIDENCE
from tasks.pages.forest import panels
from tasks.pages.measurements import measurements
from tasks.pages.needs import conclusive, needs
from tasks.pages.numbers import counted, shown
from tasks.pages.page import Measurement, Page, Side
from tasks.pages.rows import rows_shown
from tasks.results.evaluation import Evaluation
from tasks.row_cost import row_cost
from tasks.scoring.score import Metric
from tasks.scoring.usage import usage_values
from tasks.statistics.estimates import identical

_SCORED = ("quality", "honesty", "harm")
_COUNTED = ("cost", "latency")
_CAUSES = 10
_WORDS = ("champion", "best", "latest")


def compose(
    one: Evaluation,
    other: Evaluation | None,
    metrics: Mapping[str, Metric],
    *,
    rank_by: str,
    names: tuple[str, str] = ("candidate", "champion"),
    verdict: Verdict | None = None,
    gate: Gate | None = None,
    about: Sequence[str] = (),
    changed: Sequence[str] = (),
    links: Mapping[str, str] | None = None,
) -> Page:
    """Returns the page of an evaluation.

    Args:
        one: the evaluation.
        other: what it is compared with; None where there is nothing. On other data, or of the same answers, it is
            named and not compared.
        metrics: every metric of the app, by name.
        rank_by: metric of the headline where no rule is about a difference in quality.
        names: what the two sides are called.
        verdict: of the gate before this data.
        gate: as it was configured for that verdict.
        about: metrics whose changes choose the rows that are shown; those that decided the verdict where it has any.
        changed: metrics that differ from the epoch before.
        links: by name, where there is more to see.
    """
    configured = {str(rule): rule for rule in gate.rules} if gate else {}
    compared = other if other and other.dataset == one.dataset and not identical(one, other) else None
    sides = (one, compared) if compared else (one,)
    rules = verdict.rules if verdict else ()
    measured = measurements(one, compared, metrics)
    needed = needs(verdict, row_cost(*sides)) if verdict else ()
    named = about if verdict is None else _deciding(verdict, metrics)
    by = _scored(named, metrics) or [metrics[rank_by]]
    worst, best = rows_shown(one, compared, by)
    decisive = _first_difference(rules, configured, metrics)
    quality = tuple(each for each in measured if each.dimension in _SCORED)
    costs = tuple(each for each in measured if each.dimension in _COUNTED)
    return Page(
        headline=_headline(one, other, compared, names, verdict, measured, decisive, rank_by),
        decision=str(verdict.decision) if verdict else None,
        one=_side(names[0], one),
        other=_side(names[1], other) if other else None,
        panels=panels(rules, configured, measured, metrics),
        rules=rules,
        metrics=quality,
        slices=measurements(one, compared, metrics, slices=True),
        costs=costs,
        by=tuple(metric.name for metric in by),
        worst=worst,
        best=best,
        unanswered=_unanswered(one),
        conclusive=conclusive(verdict, needed) if verdict else "",
        needs=needed,
        changed=tuple(changed),
        notes=tuple(_notes(verdict, compared, measured)),
        links=dict(links or {}),
    )


def _headline(
    one: Evaluation,
    other: Evaluation | None,
    compared: Evaluation | None,
    names: tuple[str, str],
    verdict: Verdict | None,
    measured: Sequence[Measurement],
    decisive: RuleVerdict | None,
    rank_by: str,
) -> str:
    head = f"{verdict.decision} at the {verdict.gate} gate" if verdict else f"{names[0]} on {one.split}"
    asked = f"{verdict.rows_used} of {verdict.rows_available} rows asked" if verdict else counted(len(one.rows))
    against = f"the {names[1]}" if names[1] in _WORDS else names[1]
    if not (one.rows["outcome"] == "ok").any():
        return f"{head}: no row was answered ({asked})"
    if compared is not None:
        return f"{head}: {_difference(against, measured, decisive, rank_by)} ({asked})"
    found = next((each.one for each in measured if each.one.metric == rank_by), None)
    value = f"{rank_by} {shown(found) or 'not measured'}"
    if other is None:
        return f"{head}: {value}, no {names[1]} to compare with ({asked})"
    if other.dataset != one.dataset:
        return f"{head}: {value}, {against} was evaluated on other data ({asked})"
    return f"{head}: {value}, the same answers as those of {against} ({asked})"


def _difference(against: str, measured: Sequence[Measurement], decisive: RuleVerdict | None, rank_by: str) -> str:
    found = decisive.estimate if decisive else None
    if found is None:
        found = next((each.difference for each in measured if each.one.metric == rank_by), None)
    if found is None or found.value is None:
        return f"{rank_by} was scored on no row that {against} has"
    where = f" where {found.slice}" if found.slice else ""
    return f"{found.metric}{where} {shown(found, signed=True)} against {against}"


def _first_difference(
    verdicts: Sequence[RuleVerdict], rules: Mapping[str, Rule], metrics: Mapping[str, Metric]
) -> RuleVerdict | None:
    """Returns the gate's first rule on a difference in quality that was measured."""
    against = (each for each in verdicts if rules[each.rule].against_champion and each.estimate.value is not None)
    return next((each for each in against if metrics[each.metric].dimension == "quality"), None)


def _deciding(verdict: Verdict, metrics: Mapping[str, Metric]) -> list[str]:
    """Returns the metrics that the verdict stands on; where they are not scored, all that rules are about."""
    decisive = [rule.metric for rule in verdict.rules if rule.decision is verdict.decision]
    return decisive if _scored(decisive, metrics) else [rule.metric for rule in verdict.rules]


def _scored(names: Iterable[str], metrics: Mapping[str, Metric]) -> list[Metric]:
    known = (metrics[name] for name in dict.fromkeys(names) if name in metrics)
    return [metric for metric in known if metric.dimension in _SCORED]


def _side(name: str, evaluation: Evaluation) -> Side:
    prices = usage_values(evaluation.rows, "price")
    tokens = evaluation.rows["input_tokens"].sum() + evaluation.rows["output_tokens"].sum()
    return Side(
        name=name,
        label=evaluation.candidate.label,
        candidate=evaluation.candidate.digest,
        evaluation=evaluation.id,
        data=f"{evaluation.candidate.app}/{evaluation.split}",
        dataset=evaluation.dataset,
        epoch=evaluation.epoch,
        rows=len(evaluation.rows),
        price=float(prices.sum()) if prices.notna().any() else None,
        tokens=int(tokens),
    )


def _unanswered(evaluation: Evaluation) -> tuple[str, ...]:
    causes = evaluation.rows.loc[evaluation.rows["outcome"] != "ok", "cause"].value_counts()
    return tuple(f"{count} × {cause}" for cause, count in causes.iloc[:_CAUSES].items())


def _notes(verdict: Verdict | None, compared: Evaluation | None, measured: Sequence[Measurement]) -> list[str]:
    notes = []
    if verdict and verdict.rules:
        level = f"{verdict.rules[0].estimate.confidence:.0%}"
        about = "these rows alone" if verdict.target == "this_set" else "the users whom these rows stand for"
        notes.append(f"Each end of a rule's interval holds with {level}; it is about {about}.")
    notes.append(f"Intervals of metrics hold with {CONFIDENCE:.0%}, each for itself.")
    if verdict and verdict.rows_used < verdict.rows_available:
        notes.append(
            "The gate stopped as soon as it was settled. Intervals take that into account; `?` is where none can."
        )
    if compared:
        count = sum(each.difference is not None and each.difference.value is not None for each in measured)
        notes.append(
            f"Rows are paired. “better” and “worse” mark what differs among all {count} metrics, and among all "
            f"slices, together at {CONFIDENCE:.0%} (Holm); an interval that excludes 0 without a mark may be chance."
        )
    return notes
