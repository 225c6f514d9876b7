"""Curate: rows of datasets, files and production become one clean dataset, of which no split gives another away."""

from typing import Any, Literal

from prefect import flow

from pipelines.parameters import App, Changes
from pipelines.run_names import run_name
from pipelines.spent import Spent
from tasks.curating.balance import balance_of, few_in_words
from tasks.curating.curation import Curation, counted
from tasks.curating.describing import page_of
from tasks.curating.gathering import Gathered, gather
from tasks.curating.made import Made, made_of, save_made
from tasks.curating.rows import curate_rows
from tasks.curating.versions import LATEST
from tasks.orchestrating.artifacts import artifact_key, link, markdown, table
from tasks.orchestrating.step import step
from tasks.progress import say
from tasks.tracking.curations import record_curation
from tasks.workspace import Workspace, open_workspace


class Curated(Spent):
    """What `curate` made."""

    app: str
    verdict: Literal["PASS", "FAIL"]
    """FAIL where the app's own splits give each other away, or what was made breaks the contract of its data."""
    reason: str
    version: str | None
    """Digest of the curated version; None where it was blocked."""
    splits: dict[str, str]
    """Digest of each split's rows."""
    rows: dict[str, int]
    """Rows of each split."""
    funnel: tuple[dict[str, Any], ...]
    """Rows left after each step, from the sources to the result."""
    apart: dict[str, int]
    """Rows set apart, by reason."""
    balance: dict[str, dict[str, int]]
    """Rows of each class in each split."""
    warning: str
    """Classes of few rows, in one line; "" where there are none."""
    contamination: tuple[dict[str, Any], ...]
    """Rows of the app's own splits that give each other away."""
    personal_data: int
    """Findings of personal data that were taken out."""
    synthetic: dict[str, Any]
    """What became of the teacher's rows."""
    folder: str
    """Where the version's files are; "" where it was blocked."""
    links: dict[str, str]

    @property
    def exit_code(self) -> int:
        """3 for FAIL, else 0."""
        return 3 if self.verdict == "FAIL" else 0


@flow(name="curate", flow_run_name=run_name("curate"))
async def curate(app: App = "outfitter", changes: Changes = []) -> Curated:  # noqa: B006 a form's default
    """Makes a clean dataset of the app's datasets, of further files and of what production was asked.

    Personal data is taken out, unsafe, unanswered and repeated rows are set apart with their reasons, the rest is
    split by cluster. Splits of the app that give each other away stop it. The result is a version of its own.

    Args:
        app: Name or path of the app.
        changes: Changes of the configuration for this run only, as key=value.
    """
    with open_workspace(app, tuple(changes), asks=True) as workspace:
        gathered = await step("gather the rows", lambda: _gathered(workspace))
        done = await step("clean and split", lambda: curate_rows(workspace, gathered))
        made = await step("check what was made", lambda: _checked(workspace, gathered, done))
        manifest = made.manifest
        version = save_made(workspace, made, LATEST)
        if done.taught.remark:
            say(done.taught.remark)
        verdict: Literal["PASS", "FAIL"] = "PASS" if version else "FAIL"
        say(f"curate {verdict}: {made.reason}")
        balance = balance_of(done.items) if version else {}
        warning = few_in_words(balance)
        if warning:
            say(f"warning: {warning}")
        page = page_of(workspace.name, done, verdict, made.reason, version.digest if version else None)
        run = await step("record in MLflow", lambda: _recorded(workspace, made, page, verdict))
        await _publish(workspace, done, page, run)
        return Curated(
            app=workspace.name,
            verdict=verdict,
            reason=made.reason,
            version=version.digest if version else None,
            splits=manifest.splits if version else {},
            rows=manifest.rows if version else {},
            funnel=tuple(done.funnel),
            apart=counted(done.apart),
            balance=balance,
            warning=warning,
            contamination=tuple(leak.as_row() for leak in done.leaks),
            personal_data=done.redacted,
            synthetic=manifest.synthetic | ({"remark": done.taught.remark} if done.taught.remark else {}),
            folder=str(version.folder) if version else "",
            links={"mlflow": run},
            **workspace.spend.as_dict(),
        )


async def _gathered(workspace: Workspace) -> Gathered:
    return gather(workspace)


async def _checked(workspace: Workspace, gathered: Gathered, done: Curation) -> Made:
    return made_of(workspace, gathered, done)


async def _recorded(workspace: Workspace, made: Made, page: str, verdict: str) -> str:
    manifest = made.manifest.model_dump(mode="json")
    return record_curation(workspace.loaded, made.done, verdict, page, made.datasets, made.report, manifest).url


async def _publish(workspace: Workspace, done: Curation, page: str, run: str) -> None:
    name = workspace.name
    await table(artifact_key(name, "curation", "funnel"), done.funnel, f"From the sources of {name} to its rows")
    if done.leaks:
        leaks = [leak.as_row() for leak in done.leaks]
        await table(artifact_key(name, "curation", "contamination"), leaks, "Rows that give each other away")
    await markdown(artifact_key(name, "curation"), page, "What was curated, and what was set apart")
    await link(artifact_key(name, "curation", "mlflow"), run, "The curation in MLflow")
