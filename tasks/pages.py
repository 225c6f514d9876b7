"""Pages for people: Markdown of an evaluation's verdict and of a turn of the loop; the difference comes first."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tasks.gating.verdict import Verdict
from tasks.orchestrating.artifacts import markdown_table
from tasks.results.evaluation import Evaluation
from tasks.results.finding import evaluation_before
from tasks.statistics.estimate import Estimate
from tasks.statistics.estimates import paired_difference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelines.loop import Looped
    from tasks.scoring.score import Metric
    from tasks.workspace import Workspace

_CONFIDENCE = 0.95
_ROWS_SHOWN = 5


def estimate_rows(
    evaluation: Evaluation, beside: Evaluation | None, metrics: "Mapping[str, Metric]", *, slices: bool = False
) -> list[dict[str, Any]]:
    """Returns one row a metric: the difference from the champion first, then both values with their intervals.

    Args:
        evaluation: of the candidate.
        beside: of the champion, None where there is none.
        metrics: every metric by name.
        slices: the rows of each slice's scored metrics of quality, honesty and harm, instead of those over all rows.
    """
    other = beside if beside is not None and beside.candidate.digest != evaluation.candidate.digest else None
    rows: list[dict[str, Any]] = []
    for estimate in evaluation.estimates:
        metric = metrics[estimate.metric]
        if (estimate.slice is not None) is not slices or estimate.quantile is not None:
            continue
        if slices and (estimate.value is None or metric.dimension in ("cost", "latency")):
            continue
        row: dict[str, Any] = {"dimension": metric.dimension, "metric": _name(estimate, metric)}
        if other is not None:
            difference = paired_difference(evaluation, other, metric, _CONFIDENCE, estimate.slice)
            champion = _find(other.estimates, estimate)
            row |= {"difference": interval(difference), "candidate": interval(estimate), "champion": interval(champion)}
        else:
            row |= {"value": interval(estimate)}
        rows.append(row | {"n": estimate.n, "coverage": round(estimate.coverage, 3), "better": metric.direction})
    return rows


def interval(estimate: Estimate | None) -> str:
    """Returns `value [low, high]`, "" where nothing was measured; where people have corrected a judge, also its own."""
    if estimate is None or estimate.value is None or estimate.low is None or estimate.high is None:
        return ""
    alone = "" if estimate.judge_alone is None else f" (the judge alone {estimate.judge_alone:.3g})"
    return f"{estimate.value:.3g} [{estimate.low:.3g}, {estimate.high:.3g}]{alone}"


def verdict_page(
    workspace: "Workspace",
    evaluation: Evaluation,
    beside: Evaluation | None,
    verdict: Verdict | None,
    changed: Sequence[str],
    run: str,
) -> str:
    """Returns the page of one evaluation: the verdict and its reasons, what differs from the champion, what changed."""
    head = f"# {verdict.decision} at the {verdict.gate} gate" if verdict else "# No gate stands before this data"
    parts = [head, f"{evaluation.candidate.label} on {workspace.name}/{evaluation.split}, epoch {evaluation.epoch}."]
    if changed:
        parts.append(f"**Changed since the epoch before:** {', '.join(changed)}")
    if verdict:
        rows = [{"rule": r.rule, "decision": str(r.decision), "reason": r.reason} for r in verdict.rules]
        parts += ["## Rules", markdown_table(rows)]
    parts += ["## Estimates", markdown_table(estimate_rows(evaluation, beside, workspace.metrics))]
    if slices := estimate_rows(evaluation, beside, workspace.metrics, slices=True):
        parts += ["## Slices", markdown_table(slices)]
    failed = evaluation.rows[evaluation.rows["outcome"] != "ok"]
    if len(failed):
        causes = failed["cause"].value_counts()
        parts.append("## Rows without an answer")
        parts.append("\n".join(f"- {count} × {cause}" for cause, count in causes.items()))
    columns = ["row_id", "question", "answer", "reference"]
    shown = [{name: row[name] for name in columns} for row in evaluation.whole_rows(first=_ROWS_SHOWN)]
    parts += ["## Answers", markdown_table(shown), f"[every row in MLflow]({run})"]
    return "\n\n".join(parts) + "\n"


def changes_since(workspace: "Workspace", evaluation: Evaluation) -> tuple[str, ...]:
    """Returns the metrics whose paired difference from the epoch before excludes zero: a silent change shows here.

    Cost and latency are left out: they move with the machine.
    """
    before = evaluation_before(workspace.store, evaluation)
    saved = {each.id: each.saved for each in workspace.store.list()}
    # A round that was asked after this one is no round before it.
    if before is None or saved[before.id] > saved[evaluation.id]:
        return ()
    found = []
    compared = {n: m for n, m in workspace.metrics.items() if m.dimension not in ("cost", "latency")}
    # That some metric changed is an "or": each is tested at a share of the level (Bonferroni).
    confidence = 1 - (1 - _CONFIDENCE) / max(1, len(compared))
    for name, metric in compared.items():
        difference = paired_difference(evaluation, before, metric, confidence)
        if difference.low is not None and difference.high is not None and not difference.low <= 0 <= difference.high:
            found.append(f"{name} {difference.value:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}]")
    return tuple(found)


def loop_page(looped: "Looped") -> str:
    """Returns the page of one turn: how it ended, each gate with its reason, each arrow, and what it cost."""
    gates = [{"gate": v["gate"], "candidate": v["label"], "verdict": v["reason"]} for v in looped.verdicts]
    arrows = [{"from": a.origin, "to": a.to, "candidate": a.candidate, "why": a.reason} for a in looped.arrows]
    numbers = [
        {"metric": e.metric, "value": interval(e), "n": e.n}
        for e in looped.estimates
        if e.slice is None and e.quantile is None
    ]
    parts = [
        f"# {looped.headline}",
        "## Gates",
        markdown_table(gates),
        "## Arrows",
        markdown_table(arrows),
        f"## Champion {looped.champion_label}",
        markdown_table(numbers),
        "## Cost",
        f"{looped.calls.get('made', 0)} calls made, {looped.calls.get('reused', 0)} reused, ${looped.price:.4f}, "
        f"{looped.seconds:.0f} s.",
    ]
    if looped.hypothesis:
        parts += ["## Hypothesis", f"**{looped.hypothesis['decision']}** {looped.hypothesis['reason']}"]
    parts += ["## Links", "\n".join(f"- {name}: {address}" for name, address in looped.links.items())]
    return "\n\n".join(parts) + "\n"


def _name(estimate: Estimate, metric: "Metric") -> str:
    where = f" where {estimate.slice}" if estimate.slice else ""
    return f"{estimate.metric}{' (heuristic)' if metric.heuristic else ''}{where}"


def _find(estimates: Sequence[Estimate], like: Estimate) -> Estimate | None:
    return next((e for e in estimates if e.metric == like.metric and e.slice == like.slice), None)
