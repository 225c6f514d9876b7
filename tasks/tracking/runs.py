"""What the stages record in MLflow: one run a validation, evaluation, exploration, window or page."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from configs.loading import LoadedApp
from tasks.candidate import Candidate
from tasks.data.row import Dataset
from tasks.gating.verdict import Verdict
from tasks.identity import digest
from tasks.results.evaluation import Evaluation
from tasks.results.frames import metrics_in
from tasks.scoring.score import Metric
from tasks.tracking.connection import connect
from tasks.tracking.facts import candidate_parameters, estimate_metrics, linked_prompt
from tasks.tracking.plots import cost_against_quality, leaderboard_plot, ranks_over_stretches, score_distributions
from tasks.tracking.recording import Content, Place, RecordedRun, as_json, discard_begun, record_run
from tasks.tracking.traces import write_traces

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tasks.data.report import ValidationReport
    from tasks.gating.hypothesis import HypothesisVerdict
    from tasks.watching.compare import Comparison
    from tasks.watching.looking import Looked
    from tasks.watching.window import Window

TABLE_ROWS = 2000
"""Rows of an evaluation that its table shows; the results store holds them all."""

_SHOWN = ("row_id", "question", "reference", "answer", "outcome", "cause")


def record_validation(loaded: LoadedApp, report: "ValidationReport", datasets: Sequence[Dataset]) -> RecordedRun:
    """Records what was checked about an app's datasets, once a report.

    Raises:
        StackError: MLflow does not answer or refuses it.
    """

    def content() -> Content:
        checks = [check.model_dump(mode="json") for check in report.checks]
        return Content(
            name=f"validate · {'passed' if report.passed else 'failed'}",
            tags={"lifecycle.passed": str(report.passed).lower()},
            metrics={"checks": len(checks), "failed": sum(not check["passed"] for check in checks)},
            datasets=datasets,
            tables={"checks.json": checks},
            texts={"validation.json": as_json(report.model_dump(mode="json"))},
        )

    return record_run(loaded.app.name, "validation", digest(report), content)


def about_evaluation(candidate: Candidate, split: str, epoch: str) -> tuple[str, dict[str, str]]:
    """Returns the name and the tags of an evaluation's run, known before anything is asked."""
    return (
        f"{candidate.label} · {split}",
        {
            "mlflow.runType": "genai_evaluate",
            "lifecycle.candidate": candidate.digest,
            "lifecycle.split": split,
            "lifecycle.epoch": epoch,
            **linked_prompt(candidate),
        },
    )


def record_evaluation(
    loaded: LoadedApp, evaluation: Evaluation, dataset: Dataset, metrics: Mapping[str, Metric]
) -> RecordedRun:
    """Records an evaluation with its rows as traces, once an evaluation.

    Args:
        loaded: the app.
        evaluation: what is recorded.
        dataset: what was asked.
        metrics: every metric of the app, by name.

    Raises:
        StackError: MLflow does not answer, refuses it, or did not keep all traces.
    """
    candidate = evaluation.candidate

    def more(place: Place) -> dict[str, str]:
        written = write_traces(place.client, place.experiment_id, place.run_id, place.started_ms, evaluation, metrics)
        return {"lifecycle.traces": written}

    def content() -> Content:
        distributions = score_distributions(evaluation, metrics)
        name, tags = about_evaluation(candidate, evaluation.split, evaluation.epoch)
        expected = evaluation.expected.model_dump() if evaluation.expected else {}
        outcomes = {f"rows.{outcome}": float(count) for outcome, count in evaluation.outcomes.items()}
        return Content(
            name=name,
            tags=tags,
            parameters={
                **candidate_parameters(candidate),
                "split": evaluation.split,
                "dataset": evaluation.dataset,
                "epoch": evaluation.epoch,
                "evaluation": evaluation.id,
                "prices_as_of": loaded.prices_as_of,
                **{f"expected_{name}": value for name, value in expected.items()},
            },
            metrics=estimate_metrics(evaluation.estimates) | outcomes,
            datasets=[dataset],
            tables={
                "rows.json": [_with_scores(row) for row in evaluation.whole_rows(first=TABLE_ROWS)],
                "estimates.json": [estimate.model_dump(mode="json") for estimate in evaluation.estimates],
            },
            texts={"candidate.json": as_json(candidate.model_dump(mode="json"))},
            figures={"scores.png": distributions} if distributions else {},
            more=more,
        )

    recorded = record_run(loaded.app.name, "evaluation", evaluation.id, content, evaluation.identity)
    if evaluation.identity != evaluation.id:
        # Where the same rows had failed before, their run was there already, and the one begun now is another.
        discard_begun(loaded.app.name, "evaluation", evaluation.identity)
    return recorded


def record_verdict(loaded: LoadedApp, run: RecordedRun, verdict: Verdict, page: str) -> None:
    """Adds a gate's verdict to the run of the evaluation it was made on: as tags and as artifacts.

    Args:
        loaded: the app.
        run: of the evaluation.
        verdict: what is added.
        page: the verdict's page, as HTML.

    Raises:
        StackError: MLflow does not answer or refuses it.
    """
    from mlflow.entities import RunTag

    name, written = f"lifecycle.gate.{verdict.gate}", f"lifecycle.verdict.{verdict.gate}"
    content = verdict.model_dump(mode="json")
    with connect() as client:
        if client.get_run(run.run_id).data.tags.get(written) == digest(content):
            return
        client.log_text(run.run_id, as_json(content), f"verdict-{verdict.gate}.json")
        client.log_text(run.run_id, page, f"verdict-{verdict.gate}.html")
        tags = {name: str(verdict.decision), f"{name}.reason": verdict.short[:5000], "lifecycle.app": loaded.app.name}
        # Last, so that what is tagged as written is written.
        tags[written] = digest(content)
        client.log_batch(run.run_id, tags=[RunTag(key, value) for key, value in tags.items()])


def record_exploration(
    loaded: LoadedApp,
    board: Sequence[Evaluation],
    rows: Sequence[Mapping[str, Any]],
    hypothesis: "HypothesisVerdict | None",
    metrics: Mapping[str, Metric],
) -> RecordedRun:
    """Records an exploration: its leaderboard, its plots and what became of its hypothesis.

    Args:
        loaded: the app.
        board: the evaluations, best first.
        rows: the leaderboard's rows, in the same order.
        hypothesis: judged, None where there was none.
        metrics: every metric of the app, by name.

    Raises:
        StackError: MLflow does not answer or refuses it.
    """
    judged = hypothesis.model_dump(mode="json") if hypothesis else None

    def content() -> Content:
        quality = metrics[loaded.app.explore.rank_by]
        best = board[0]
        return Content(
            name=f"explore · {len(board)} candidates · best {best.candidate.label}",
            tags={"lifecycle.best": best.candidate.digest, "lifecycle.epoch": best.epoch},
            parameters={
                "rank_by": quality.name,
                "candidates": len(board),
                "best": best.candidate.digest,
                "hypothesis": hypothesis.statement if hypothesis else None,
                "judgement": str(hypothesis.decision) if hypothesis else None,
            },
            metrics=estimate_metrics(best.estimates),
            tables={"leaderboard.json": rows},
            texts={"hypothesis.json": as_json(judged)} if judged else {},
            figures=_exploration_figures(board, quality, metrics),
        )

    key = digest([[evaluation.id for evaluation in board], judged])
    return record_run(loaded.app.name, "exploration", key, content)


def record_window(
    loaded: LoadedApp,
    candidate: Candidate,
    window: "Window",
    comparison: "Comparison",
    looked: "Looked | None" = None,
) -> RecordedRun:
    """Records a window of served requests, what its limits say, and what was found beside them.

    Args:
        loaded: the app.
        candidate: who answered.
        window: what was served.
        comparison: what the limits say of it.
        looked: what was found beside them; None where nothing was looked for.

    Raises:
        StackError: MLflow does not answer or refuses it.
    """

    def content() -> Content:
        state = "limits broken" if comparison.broken else "within limits" if comparison.judged else "not judged"
        findings = [
            {
                "limit": each.limit,
                "broken": each.broken,
                "reason": each.reason,
                "served": str(each.served or ""),
                "released": str(each.released or ""),
            }
            for each in comparison.findings
        ]
        return Content(
            name=f"monitor · {candidate.label} · {state}",
            tags={"lifecycle.candidate": candidate.digest, "lifecycle.state": state, **linked_prompt(candidate)},
            parameters={"candidate": candidate.digest, "since": window.since, "until": window.until},
            metrics={"requests": window.requests, "gone": window.gone, **estimate_metrics(window.estimates)},
            tables={
                "limits.json": findings,
                "estimates.json": [estimate.model_dump(mode="json") for estimate in window.estimates],
                **({"signals.json": [signal._asdict() for signal in looked.signals]} if looked else {}),
            },
            figures=_drift_figures(looked) if looked else {},
        )

    key = digest([window.candidate, window.since.isoformat(), window.until.isoformat()])
    return record_run(loaded.app.name, "window", key, content)


def record_operations(run: RecordedRun, page: str) -> None:
    """Adds an app's operations page to the run of a window: it is drawn when what was found in the window is told.

    Args:
        run: of the window.
        page: as HTML.

    Raises:
        StackError: MLflow does not answer or refuses it.
    """
    with connect() as client:
        client.log_text(run.run_id, page, "operations.html")


def record_page(loaded: LoadedApp, title: str, page: str) -> str:
    """Records a Markdown page, such as a release's, and returns the address of its run.

    Raises:
        StackError: MLflow does not answer or refuses it.
    """
    content = Content(name=title, texts={"page.md": page}, tags={"mlflow.note.content": page[:5000]})
    return record_run(loaded.app.name, "page", digest([title, page]), lambda: content).url


def _with_scores(row: dict[str, Any]) -> dict[str, Any]:
    """Returns a row as people compare them: its scores beside its answer."""
    columns = [*_SHOWN, *(name for name in row if name.startswith("slice."))]
    return {name: row[name] for name in columns} | {name: row[f"score.{name}"] for name in metrics_in(row)}


def _drift_figures(looked: "Looked") -> "dict[str, Figure]":
    figure = ranks_over_stretches({each.what: each.ranks for each in looked.drifted})
    return {} if figure is None else {"drift.png": figure}


def _exploration_figures(
    board: Sequence[Evaluation], quality: Metric, metrics: Mapping[str, Metric]
) -> "dict[str, Figure]":
    figures = {
        "leaderboard.png": leaderboard_plot(board, quality),
        "price-against-quality.png": cost_against_quality(board, quality, metrics["price"]),
        "tokens-against-quality.png": cost_against_quality(board, quality, metrics["output_tokens"]),
        "latency-against-quality.png": cost_against_quality(board, quality, metrics["latency_total"]),
    }
    return {name: figure for name, figure in figures.items() if figure is not None}
