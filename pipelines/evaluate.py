"""Evaluate: a candidate on data of one size, beside the champion, and what the gate says of it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.runtime import flow_run
from pydantic import Field

from configs.errors import ConfigurationError
from pipelines.parameters import Address, App, CandidateName, Changes, Data, Epoch, ModelName
from pipelines.run_names import run_name
from pipelines.spent import Spent
from pipelines.validate import checked, stop_unless_passed
from tasks.candidate import Candidate
from tasks.candidates import asking_model, check_prompts
from tasks.choosing import chosen
from tasks.epochs import epoch_due
from tasks.evaluating.asking import Asking
from tasks.evaluating.deciding import evaluate_and_decide, gates_so_far
from tasks.gating.check import check_gates, check_slices
from tasks.gating.verdict import Verdict
from tasks.judging.judge import judges_of
from tasks.orchestrating.artifacts import artifact_key, link, markdown, progress_artifact, table
from tasks.orchestrating.events import ANSWERS_CHANGED, GATES_PASSED, SAMPLE_NOT_FAILED, emit
from tasks.orchestrating.naming import name_candidate
from tasks.orchestrating.step import step
from tasks.pages.changes import changes_since
from tasks.pages.compose import compose
from tasks.pages.estimates import estimate_rows
from tasks.pages.html import as_html
from tasks.pages.markdown import as_markdown
from tasks.pages.page import Page
from tasks.releasing.log import release_log
from tasks.results.evaluation import Evaluation
from tasks.scoring.catalogue import check_columns
from tasks.statistics.estimate import Estimate
from tasks.tracking.following import Following
from tasks.tracking.human_labels import labels_of
from tasks.tracking.recording import RecordedRun
from tasks.tracking.runs import record_evaluation, record_verdict
from tasks.workspace import Workspace, open_workspace


class Evaluated(Spent):
    """What `evaluate` measured and decided."""

    app: str
    candidate: str
    label: str
    data: str
    epoch: str
    evaluation: str
    champion: str | None
    verdict: str | None
    """PASS, FAIL or INCONCLUSIVE; None on data that no gate stands before."""
    reason: str
    gates: dict[str, str]
    """What each gate has said of the candidate so far."""
    rules: tuple[dict[str, Any], ...]
    estimates: tuple[Estimate, ...]
    rows: dict[str, int]
    outcomes: dict[str, int]
    """How many rows ended `ok`, `app_error`, `scorer_error` and `skipped`."""
    changed: tuple[str, ...]
    """Metrics that differ from the same candidate's evaluation in the epoch before."""
    links: dict[str, str]
    page: Page = Field(exclude=True, repr=False)
    """What people are shown of it."""

    @property
    def exit_code(self) -> int:
        """3 for FAIL, 4 for INCONCLUSIVE, else 0."""
        return {"FAIL": 3, "INCONCLUSIVE": 4}.get(self.verdict or "", 0)


@flow(name="evaluate", flow_run_name=run_name("evaluate", "data", "candidate"))
async def evaluate(
    app: App = "outfitter",
    candidate: CandidateName = "latest",
    data: Data = "sample",
    against: CandidateName = "champion",
    epoch: Epoch = "current",
    deferred: bool = False,
    only_failed: bool = False,
    base_url: Address = None,
    model: ModelName = None,
    announce: bool = False,
    changes: Changes = [],  # noqa: B006 a form's default
) -> Evaluated:
    """Asks a candidate the rows of a dataset, scores the answers in five dimensions, and lets the gate decide.

    The sample gate decides on the sample data, the release gate on the full data; one that stops early has candidate
    and champion asked only as many rows as it takes. What was asked before in the same epoch is not asked again; a new
    epoch asks everything anew and shows what has changed since the one before.

    Args:
        app: Name or path of the app.
        candidate: The latest candidate, the exploration's best, the champion, or a candidate's digest.
        data: The data to ask.
        against: What it is compared with; the champion, unless a digest is given.
        epoch: Stay in the current epoch, or open a new one and ask everything again.
        deferred: Ask through the endpoint's batch files, within a day and mostly at half the price.
        only_failed: Ask only the rows that came to nothing in the evaluation before.
        base_url: Address of an endpoint that is asked instead of the app's models.
        model: Name under which that endpoint knows its model.
        announce: Send the event of a gate that lets it on: after the sample's an automation asks the full data.
        changes: Changes of the configuration for this run only, as key=value.
    """
    due = epoch_due(flow_run.scheduled_start_time or datetime.now(UTC)) if epoch == "new" else None
    with open_workspace(app, tuple(changes), due, _endpoint(base_url, model), asks=True) as workspace:
        report = await step("check the datasets", lambda: checked(workspace))
        stop_unless_passed(report)
        check_gates(workspace.loaded.app, workspace.metrics)
        asked = chosen(workspace, candidate)
        if model:
            asked = asking_model(workspace.loaded, asked, model)
        await name_candidate(asked.digest)
        champion = _champion(workspace, against)
        dataset = workspace.asked_dataset(data)
        check_columns(workspace.scorers, dataset.columns)
        check_slices(workspace.loaded.app, dataset)
        check_prompts(asked.prompts, dataset)
        watch = progress_artifact(artifact_key(workspace.name, data, "progress"))
        labels = labels_of(workspace.loaded, workspace.store, judges_of(workspace.loaded))
        asking = Asking(deferred, only_failed, epoch == "new", watch, Following(workspace.metrics), labels)
        beside_whom = f" beside {champion.label}" if champion and champion.digest != asked.digest else ""
        evaluation, beside, verdict = await step(
            f"ask · {asked.label}{beside_whom}",
            lambda: evaluate_and_decide(workspace, asked, champion, dataset, asking),
        )
        gates = gates_so_far(workspace, evaluation, champion, beside, verdict, labels)
        run = await step("record in MLflow", lambda: _record(workspace, evaluation, beside))
        changed = changes_since(workspace, evaluation)
        if changed:
            emit(ANSWERS_CHANGED, workspace.name, {"candidate": asked.digest, "metrics": list(changed)})
        if announce and (event := _event_of(gates)):
            emit(event, workspace.name, {"candidate": asked.digest})
        gate = getattr(workspace.loaded.app.gates, verdict.gate) if verdict else None
        page = compose(
            evaluation,
            beside,
            workspace.metrics,
            rank_by=workspace.loaded.app.explore.rank_by,
            verdict=verdict,
            gate=gate,
            changed=changed,
            links={"every row in MLflow": run.url},
        )
        file = await step("publish the page", lambda: _publish(workspace, evaluation, beside, verdict, page, run))
        return Evaluated(
            app=workspace.name,
            candidate=asked.digest,
            label=asked.label,
            data=data,
            epoch=workspace.epoch,
            evaluation=evaluation.id,
            champion=beside.candidate.digest if beside else None,
            verdict=str(verdict.decision) if verdict else None,
            reason=verdict.short if verdict else "no gate stands before this data",
            gates=gates,
            rules=tuple(rule.model_dump(mode="json") for rule in verdict.rules) if verdict else (),
            estimates=evaluation.estimates,
            rows={"used": verdict.rows_used if verdict else len(evaluation.rows), "available": len(dataset.rows)},
            outcomes={str(outcome): count for outcome, count in evaluation.outcomes.items()},
            changed=changed,
            links={"mlflow": run.url, "page": file.as_uri()},
            page=page,
            **workspace.spend.as_dict(),
        )


def _event_of(gates: dict[str, str]) -> str | None:
    """Returns the event that makes an automation go on; a sample gate that cannot decide buys the full rows."""
    if "release" in gates:
        return GATES_PASSED if set(gates.values()) == {"PASS"} else None
    return SAMPLE_NOT_FAILED if gates.get("sample") in ("PASS", "INCONCLUSIVE") else None


def _champion(workspace: Workspace, against: str) -> Candidate | None:
    if against != "champion":
        return chosen(workspace, against)
    committed = release_log(workspace.name).committed()
    return workspace.store.load_candidate(committed.candidate) if committed else None


def _endpoint(base_url: str | None, model: str | None) -> tuple[str, str] | None:
    if (base_url is None) != (model is None):
        raise ConfigurationError("an endpoint needs both: its address (--base-url) and its model's name (--model)")
    return (base_url, model) if base_url and model else None


async def _record(workspace: Workspace, evaluation: Evaluation, beside: Evaluation | None) -> RecordedRun:
    """Writes both evaluations into MLflow; what is there already is left alone."""
    dataset = workspace.dataset(evaluation.split)
    if beside is not None and beside is not evaluation:
        record_evaluation(workspace.loaded, beside, dataset, workspace.metrics)
    return record_evaluation(workspace.loaded, evaluation, dataset, workspace.metrics)


async def _publish(
    workspace: Workspace,
    evaluation: Evaluation,
    beside: Evaluation | None,
    verdict: Verdict | None,
    page: Page,
    run: RecordedRun,
) -> Path:
    """Shows the page in both UIs, and returns its file beside the evaluation."""
    split, html = evaluation.split, as_html(page)
    name = f"verdict-{verdict.gate}.html" if verdict else "page.html"
    file = workspace.store.save_page(evaluation, name, html)
    if verdict is not None:
        record_verdict(workspace.loaded, run, verdict, html)
    await table(
        artifact_key(workspace.name, split, "estimates"),
        estimate_rows(evaluation, beside, workspace.metrics),
        f"{evaluation.candidate.label} on {workspace.name}/{split}",
    )
    await markdown(artifact_key(workspace.name, split, "verdict"), as_markdown(page), page.headline)
    await link(artifact_key(workspace.name, split, "mlflow"), run.url, "The evaluation in MLflow, row by row")
    return file
