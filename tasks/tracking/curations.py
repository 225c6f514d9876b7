"""Curations in MLflow: what went in, what each step left, what was set apart and why, and what the checks found."""

from collections.abc import Mapping, Sequence
from typing import Any

from configs.loading import LoadedApp
from tasks.curating.balance import balance_of, balance_rows
from tasks.curating.curation import Curation
from tasks.curating.describing import apart_rows
from tasks.data.report import ValidationReport
from tasks.data.row import Dataset
from tasks.identity import digest
from tasks.tracking.recording import Content, RecordedRun, as_json, record_run
from tasks.tracking.runs import TABLE_ROWS


def record_curation(
    loaded: LoadedApp,
    done: Curation,
    verdict: str,
    page: str,
    made: Sequence[Dataset],
    report: ValidationReport | None,
    manifest: Mapping[str, Any],
    stage: str = "curate",
) -> RecordedRun:
    """Records a curation, once a result; one that was blocked, too.

    Args:
        loaded: the app.
        done: what it came to.
        verdict: PASS or FAIL.
        page: its page, as Markdown.
        made: datasets of the splits; none where it was blocked.
        report: of the checks on them; None where it was blocked before.
        manifest: what describes it; its digest is the version's name.
        stage: that it is a result of.

    Raises:
        StackError: MLflow does not answer or refuses it.
    """

    def content() -> Content:
        checks = [check.model_dump(mode="json") for check in report.checks] if report else []
        tables: dict[str, Sequence[Mapping[str, Any]]] = {
            "funnel.json": done.funnel,
            "apart.json": apart_rows(done)[:TABLE_ROWS],
            "contamination.json": [leak.as_row() for leak in done.leaks[:TABLE_ROWS]],
            "classes.json": balance_rows(balance_of(done.items)) if not done.leaks else [],
            "checks.json": checks,
        }
        rows = {f"rows.{dataset.split}": float(len(dataset.rows)) for dataset in made}
        return Content(
            name=f"{stage} · {verdict} · {sum(len(dataset.rows) for dataset in made)} rows",
            tags={"lifecycle.verdict": verdict, "lifecycle.dataset": key, "mlflow.note.content": page[:5000]},
            parameters={
                "version": key if made else None,
                "seed": loaded.app.curate.seed,
                "embedding_model": loaded.app.curate.embedding_model,
                "teacher": loaded.app.curate.synthetic.teacher if loaded.app.curate.synthetic else None,
                **{f"digest.{dataset.split}": dataset.digest for dataset in made},
                **{f"source.{name}": value for name, value in manifest.get("sources", {}).items()},
            },
            metrics={
                "records": done.funnel[0]["rows"],
                "kept": sum(len(dataset.rows) for dataset in made),
                "set_apart": len(done.apart),
                "personal_data": done.redacted,
                "contaminated_pairs": len(done.leaks),
                "checks": len(checks),
                "checks_failed": sum(not check["passed"] for check in checks),
                **rows,
            },
            datasets=made,
            tables={name: lines for name, lines in tables.items() if lines},
            texts={"page.md": page, "curation.json": as_json(manifest)},
        )

    key = digest(manifest)
    return record_run(loaded.app.name, "curation", key, content)
