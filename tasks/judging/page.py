"""A calibration as a page that people read."""

from collections.abc import Mapping
from typing import Any

from tasks.judging.calibration import Calibration
from tasks.orchestrating.artifacts import markdown_table
from tasks.statistics.agreement import Agreement
from tasks.statistics.estimate import Estimate


def calibration_row(calibration: Calibration) -> dict[str, Any]:
    """Returns a calibration as a line of a table."""
    found = calibration.agreement
    return {
        "judge": calibration.metric,
        "fit": "yes" if calibration.fit else "no",
        "kappa": f"{found.kappa:.2f} [{found.low:.2f}, {found.high:.2f}]",
        "alike": f"{found.alike:.0%}, a constant {found.base_rate:.0%}",
        "noise floor": f"{calibration.noise.smallest_difference(calibration.labels):.3f} at {calibration.labels} rows",
        "order": _interval(calibration.position),
        "length": _interval(calibration.length),
        "people's mean": _mean(calibration),
        "labels": calibration.labels,
        "version": calibration.version,
    }


def calibration_page(calibration: Calibration) -> str:
    """Returns a calibration as Markdown: first whether it may be relied on, then why."""
    found, noise = calibration.agreement, calibration.noise
    state = "may be relied on" if calibration.fit else "is unfit"
    reasons = "".join(f"- {reason}\n" for reason in calibration.unfit + calibration.biases)
    floors = [
        {"rows": rows, "smallest difference": f"{noise.smallest_difference(rows):.3f}"} for rows in (20, 50, 100, 500)
    ]
    return (
        f"# Judge {calibration.metric} {state}\n\n{reasons}\n"
        f"Version {calibration.version}, model {calibration.model}, {calibration.labels} labels, of which it rated "
        f"{calibration.coverage:.0%}.\n\n"
        f"## With people\n\n"
        f"Kappa {found.kappa:.2f} [{found.low:.2f}, {found.high:.2f}]: 1 is full agreement, 0 is chance. The same "
        f"score as people in {found.alike:.0%}; always saying {found.common} would reach {found.base_rate:.0%}. Off by "
        f"{found.error:.2f} points (root mean square), a constant by {found.constant_error:.2f}; on average "
        f"{found.lenient:+.2f} points above people.\n\n{_confusion(found)}\n\n"
        f"## With itself\n\n"
        f"{noise.reruns} ratings of each of {noise.rows} answers differ by {noise.deviation:.3f} points (standard "
        f"deviation). Between two evaluations, a smaller difference than this is noise:\n\n{markdown_table(floors)}\n\n"
        f"## Order and length\n\n"
        f"- order of the texts: {_interval(calibration.position) or 'not measured, the prompt fixes it'}\n"
        f"- length of the answer: {_interval(calibration.length) or 'not told apart from what people like'}\n\n"
        f"## What people would say on average\n\n"
        f"{_mean(calibration) or 'Not known: too few answers of evaluations with this judge have labels.'}\n"
    )


def _mean(calibration: Calibration) -> str:
    found, gain = calibration.people, calibration.gain
    if found is None or found.value is None or gain is None:
        return ""
    return (
        f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}] over {found.n} answers ({found.method}; the judge "
        f"alone {found.judge_alone:.2f}); people alone would have needed {gain:.1f} times as many labels"
    )


def _confusion(found: Agreement) -> str:
    rows: list[Mapping[str, Any]] = [
        {"people say": label, **{f"judge {score}": n for score, n in zip(found.scale, line, strict=True)}}
        for label, line in zip(found.scale, found.confusion, strict=True)
    ]
    return markdown_table(rows)


def _interval(bias: Estimate | None) -> str:
    if bias is None or bias.value is None:
        return ""
    return f"{bias.value:+.2f} [{bias.low:+.2f}, {bias.high:+.2f}]"
