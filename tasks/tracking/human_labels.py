"""People's labels in MLflow: the feedback that they gave to the traces of evaluations, in its UI or through its API."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from configs.loading import LoadedApp
from tasks.judging.judge import Judge
from tasks.judging.labels import Label, as_label, kept_labels, read_labels
from tasks.tracking.connection import connect, experiment_of
from tasks.tracking.sending import found_traces
from tasks.tracking.traces import ANSWER, ROW

if TYPE_CHECKING:
    from mlflow.entities import Assessment

    from tasks.results.store import Store

_OF_EVALUATIONS = "metadata.`lifecycle.kind` = 'evaluation'"


def labels_of(loaded: LoadedApp, store: "Store", judges: Collection[Judge]) -> tuple[Label, ...]:
    """Returns every label of an app: those of its file, then MLflow's, then those that were given in the terminal.

    Args:
        loaded: the app.
        store: its results.
        judges: whose metrics people have labelled; without any, MLflow is not asked.

    Raises:
        DataError: a label is no whole number, or a file cannot be read.
        StackError: MLflow does not answer.
    """
    if not judges:
        return ()
    named = loaded.app.labels
    of_file = read_labels(loaded.path(named)) if named is not None else ()
    return (*of_file, *human_labels(loaded.app.name, [judge.name for judge in judges]), *kept_labels(store))


def human_labels(app: str, metrics: Collection[str]) -> tuple[Label, ...]:
    """Returns what people have said of an app's answers under the names of metrics, the oldest first.

    Args:
        app: name of the app.
        metrics: names of the metrics; feedback under other names is passed over.

    Raises:
        DataError: a label is no whole number.
        StackError: MLflow does not answer.
    """
    with connect() as client:
        found = [
            _label(each, info.trace_id, info.trace_metadata)
            for info in found_traces(client, experiment_of(client, app), _OF_EVALUATIONS)
            for each in info.assessments
            if each.name in metrics and _is_a_persons(each)
        ]
    return tuple(sorted(found, key=lambda label: label.at))


def _is_a_persons(assessment: "Assessment") -> bool:
    feedback = assessment.feedback
    is_valid = getattr(assessment, "valid", None) is not False  # one that was corrected is kept, and says so
    return assessment.source.source_type == "HUMAN" and feedback is not None and feedback.value is not None and is_valid


def _label(assessment: "Assessment", trace_id: str, metadata: dict[str, str]) -> Label:
    where = f"MLflow trace {trace_id}"
    return Label(
        row_id=metadata.get(ROW, ""),
        metric=assessment.name,
        value=as_label(assessment.feedback.value, f"{where}, feedback {assessment.name}"),
        answer=metadata.get(ANSWER, ""),
        who=assessment.source.source_id or "",
        at=datetime.fromtimestamp((assessment.create_time_ms or 0) / 1000, UTC).isoformat(),
        where=where,
    )
