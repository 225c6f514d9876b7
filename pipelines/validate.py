"""Validate: no dataset enters unless it keeps its contract."""

from prefect import flow

from configs.errors import DataError
from configs.loading import LoadedApp
from configs.schema.base import Frozen
from pipelines.parameters import App, Changes
from pipelines.run_names import run_name
from tasks.data.validation import ValidationReport, validated
from tasks.orchestrating.artifacts import artifact_key, table
from tasks.orchestrating.step import step
from tasks.retrieval.documents import read_documents
from tasks.tracking.runs import record_validation
from tasks.workspace import Workspace, open_workspace


class Validated(Frozen):
    """What `validate` found."""

    app: str
    passed: bool
    datasets: dict[str, str]
    """Digest of each dataset by name."""
    checks: int
    warnings: tuple[str, ...]
    """Checks that failed without stopping the line."""
    links: dict[str, str]


@flow(name="validate", flow_run_name=run_name("validate"))
async def validate(app: App = "outfitter", changes: Changes = []) -> Validated:  # noqa: B006 a form's default
    """Reads every dataset of an app and checks it against a suite of expectations.

    Schema, empty cells, unique ids, value sets, lengths, supporting documents that exist, and no row shared between
    sample, full, examples and train. A failing check stops the line and names the rows.

    Args:
        app: Name or path of the app.
        changes: Changes of the configuration for this run only, as key=value.
    """
    with open_workspace(app, tuple(changes)) as workspace:
        report = await step("check the datasets", lambda: checked(workspace))
        recorded = await step("record in MLflow", lambda: _recorded(workspace, report))
        rows = [check.model_dump() for check in sorted(report.checks, key=lambda check: check.passed)]
        await table(artifact_key(workspace.name, "validation"), rows, f"{len(rows)} checks of {workspace.name}'s data")
        stop_unless_passed(report)
        return Validated(
            app=workspace.name,
            passed=report.passed,
            datasets=report.datasets,
            checks=len(report.checks),
            warnings=tuple(f"{c.dataset}: {c.message}" for c in report.checks if not c.passed),
            links={"mlflow": recorded},
        )


async def checked(workspace: Workspace) -> ValidationReport:
    """Reads and checks all datasets of a workspace; the report of unchanged files is found again."""
    loaded = workspace.loaded
    retrieval, trained_on = loaded.app.retrieval, loaded.app.finetune.documents
    documents = _ids(loaded, retrieval.documents) if retrieval else None
    training = _ids(loaded, trained_on) if trained_on else None
    return validated(loaded, list(workspace.datasets.values()), documents, workspace.home / "validations", training)


def _ids(loaded: LoadedApp, documents: str) -> frozenset[str]:
    return frozenset(document.id for document in read_documents(loaded.path(documents)))


def stop_unless_passed(report: ValidationReport) -> None:
    """Stops the line at a critical failure.

    Raises:
        DataError: names the first failing check, its rows, and how many more there are.
    """
    failing = [check for check in report.checks if not check.passed and check.severity == "critical"]
    if not failing:
        return
    first = failing[0]
    rows = f" (rows {', '.join(first.rows)})" if first.rows else ""
    more = f"; {len(failing) - 1} more checks failed" if len(failing) > 1 else ""
    raise DataError(f"{first.dataset}: {first.message}{rows}{more}; mend the file and run validate again")


async def _recorded(workspace: Workspace, report: ValidationReport) -> str:
    return record_validation(workspace.loaded, report, list(workspace.datasets.values())).url
