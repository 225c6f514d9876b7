"""What monitoring finds as what alerts are raised of: once for a champion, until it is over."""

from collections.abc import Callable, Sequence

from tasks.alerting.found import Found
from tasks.orchestrating.events import FOUND, LIMIT_BROKEN
from tasks.watching.compare import Comparison, Finding
from tasks.watching.signals import Signal, Unmeasured


def found_in(
    comparison: Comparison, candidate: str, examples: Callable[[Finding], tuple[str, ...]], link: str
) -> list[Found]:
    """Returns the limits that are certainly broken; new ones start augment by the event `LIMIT_BROKEN`.

    A window is longer than the pause between two looks at it, so the same fault is seen many times, by the same key.

    Args:
        comparison: of a window that was judged.
        candidate: digest of the champion; under another one the same limit is news again.
        examples: returns requests that show a finding.
        link: the window in MLflow.
    """
    return [
        Found(
            key=_key(finding, candidate),
            severity="error",
            title=f"{finding.limit} does not hold (candidate {candidate[:8]})",
            reason=f"{finding.reason}; {comparison.reason}",
            examples=examples(finding),
            link=link,
            candidate=candidate,
            event=LIMIT_BROKEN,
        )
        for finding in comparison.broken
    ]


def unjudged(comparison: Comparison, candidate: str) -> tuple[str, ...]:
    """Returns the keys of limits of which nothing can be said: missing data is neither news nor the end of it."""
    return tuple(_key(finding, candidate) for finding in comparison.findings if not finding.measured)


def signalled(signals: Sequence[Signal], candidate: str, reason: str, link: str) -> list[Found]:
    """Returns changes, drift, new topics and spent budgets; each starts what waits for the event of its kind.

    An error budget is the app's, whoever answers: a release neither ends its alert nor makes it another.

    Args:
        signals: what a look came to.
        candidate: digest of the champion.
        reason: what the look saw, in words.
        link: the window in MLflow.
    """
    return [
        Found(
            key=_signal_key(each, candidate),
            severity="error" if each.severity == "critical" else "warning",
            title=each.words,
            reason=reason,
            examples=each.examples,
            link=link,
            candidate="" if each.kind == "budget" else candidate,
            event=FOUND[each.kind],
        )
        for each in signals
    ]


def unmeasured_keys(unmeasured: Sequence[Unmeasured], candidate: str) -> tuple[str, ...]:
    """Returns the keys of the alerts that stay as they are after a look that could not measure these."""
    return tuple(_signal_key(each, candidate) for each in unmeasured)


def _signal_key(of: Signal | Unmeasured, candidate: str) -> str:
    return of.key if of.kind == "budget" else f"{of.key} · {candidate[:8]}"


def _key(finding: Finding, candidate: str) -> str:
    return f"{finding.limit} · {candidate[:8]}"
