"""Requests that show what a metric of a window says."""

from tasks.scoring.score import Metric
from tasks.serving.record import RecordStore
from tasks.serving.served import Served
from tasks.watching.window import Window

_AT_MOST = 3


def examples_of(window: Window, store: RecordStore, metric: Metric) -> tuple[str, ...]:
    """Returns the worst requests of a metric, each as `question → answer`; up to three, the worst first.

    They are whole: half an address or half a key would be taken for neither when they are made presentable.

    Args:
        window: the requests and their scores.
        store: holds their texts.
        metric: its direction says what is worse.
    """
    frame = window.scores if metric.name in window.scores.columns else window.rows
    if metric.name not in frame.columns:
        return ()
    values = frame[metric.name].dropna().sort_values(ascending=metric.direction == "higher", kind="stable")
    ids = [str(window.rows["row_id"].loc[at]) for at in values.index[:_AT_MOST]]
    found = {each.served.id: each.served for each in store.named(ids)}
    return tuple(_shown(found[each]) for each in ids if each in found)


def _shown(served: Served) -> str:
    question = " ".join(served.messages[-1].content.split()) if served.messages else ""
    return f"{question} → {served.answer.text or served.answer.cause}"
