"""Explore: prompts × models × parameters on the sample data, and a hypothesis judged."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from prefect import flow

from configs.errors import ConfigurationError, EndpointError
from pipelines.parameters import App, Changes
from pipelines.run_names import run_name
from pipelines.spent import Spent
from pipelines.validate import checked, stop_unless_passed
from tasks.candidate import Candidate, Prompt
from tasks.candidates import check_prompts, explored, meta_prompt_named, read_prompts
from tasks.evaluating.asking import Asking
from tasks.evaluating.evaluate import check_answered, evaluate_candidate
from tasks.gating.hypothesis import HypothesisVerdict, judge_hypothesis
from tasks.leaderboard import leaderboard, ranked
from tasks.orchestrating.artifacts import (
    artifact_key,
    link,
    markdown,
    markdown_table,
    progress_artifact,
    table,
)
from tasks.orchestrating.naming import name_candidate
from tasks.orchestrating.step import step
from tasks.progress import say
from tasks.results.evaluation import Evaluation
from tasks.results.marks import mark
from tasks.scoring.catalogue import check_columns
from tasks.tracking.following import Following
from tasks.tracking.prompts import prompt_versions, register_prompt
from tasks.tracking.runs import record_evaluation, record_exploration
from tasks.workspace import Workspace, open_workspace


class Explored(Spent):
    """What `explore` found."""

    app: str
    best: str
    label: str
    leaderboard: tuple[dict[str, Any], ...]
    failed: dict[str, str]
    """Candidates that answered no row, by label, and why; they are not on the leaderboard."""
    hypothesis: dict[str, Any] | None
    links: dict[str, str]


@flow(name="explore", flow_run_name=run_name("explore"))
async def explore(app: App = "outfitter", changes: Changes = []) -> Explored:  # noqa: B006 a form's default
    """Asks every combination of prompt, model and parameters the sample data and ranks them.

    Prompts are the app's files, and versions that were edited in MLflow's prompt registry since. The hypothesis of the
    configuration is judged by the interval of the paired difference.

    Args:
        app: Name or path of the app.
        changes: Changes of the configuration for this run only, as key=value.
    """
    with open_workspace(app, tuple(changes), asks=True) as workspace:
        report = await step("check the datasets", lambda: checked(workspace))
        stop_unless_passed(report)
        sample = workspace.dataset("sample")
        prompts, meta_prompts = await step("register the prompts", lambda: _registered(workspace))
        check_prompts((*prompts, *meta_prompts), sample)
        check_columns(workspace.scorers, sample.columns)
        evaluations, failed = await _all_evaluated(workspace, explored(workspace.loaded, prompts, meta_prompts))
        configured = workspace.loaded.app
        enough = configured.gates.sample.min_coverage
        board = ranked(evaluations, configured.explore.rank_by, workspace.metrics, enough)
        best = board[0].candidate
        mark(workspace.store, "best", best)
        await name_candidate(best.digest)
        hypothesis = _judged(workspace, evaluations, failed)
        rows = leaderboard(board, workspace.metrics)
        run = await step("record in MLflow", lambda: _recorded(workspace, board, rows, hypothesis))
        await _publish(workspace, rows, failed, hypothesis, run)
        return Explored(
            app=workspace.name,
            best=best.digest,
            label=best.label,
            leaderboard=tuple(rows),
            failed=failed,
            hypothesis=hypothesis.model_dump(mode="json") if hypothesis else None,
            links={"mlflow": run},
            **workspace.spend.as_dict(),
        )


class _Registered(NamedTuple):
    """What is tried: prompts, and meta-prompts before them."""

    prompts: tuple[Prompt, ...]
    meta_prompts: tuple[Prompt, ...]


async def _registered(workspace: Workspace) -> _Registered:
    loaded, key = workspace.loaded, "key `explore.meta_prompts`"
    meta_prompts = [meta_prompt_named(loaded, name, key) for name in loaded.app.explore.meta_prompts]
    return _Registered(_in_registry(workspace, read_prompts(loaded)), _in_registry(workspace, meta_prompts))


def _in_registry(workspace: Workspace, files: Iterable[Prompt]) -> tuple[Prompt, ...]:
    """Registers prompts of files, and adds the versions a person has made of them in MLflow since."""
    found: list[Prompt] = []
    for prompt in files:
        registered = register_prompt(workspace.name, prompt)
        newer = prompt_versions(workspace.name, prompt.name, edited_after=registered.version)
        contents = {each.digest for each in found}
        found += [each for each in (registered, *newer) if each.digest not in contents]
    return tuple(found)


async def _all_evaluated(
    workspace: Workspace, candidates: tuple[Candidate, ...]
) -> tuple[list[Evaluation], dict[str, str]]:
    """Returns the evaluations, and by label why a candidate has none: one dead endpoint does not end an exploration.

    Raises:
        EndpointError: no candidate answered.
    """
    evaluations: list[Evaluation] = []
    failed: dict[str, str] = {}
    for candidate in candidates:
        try:
            evaluations.append(await _evaluated(workspace, candidate))
        except EndpointError as error:
            failed[candidate.label] = str(error)
            say(f"left out: {error}")
    if not evaluations:
        raise EndpointError(next(iter(failed.values())))
    return evaluations, failed


async def _evaluated(workspace: Workspace, candidate: Candidate) -> Evaluation:
    sample, questions = workspace.dataset("sample"), workspace.asked_dataset("sample")

    async def asked() -> Evaluation:
        watch = progress_artifact(artifact_key(workspace.name, "explore", "progress"))
        asking = Asking(watch=watch, follow=Following(workspace.metrics))
        evaluation = await evaluate_candidate(workspace, candidate, questions, asking)
        check_answered(evaluation)
        record_evaluation(workspace.loaded, evaluation, sample, workspace.metrics)
        return evaluation

    return await step(f"ask · {candidate.label}", asked)


def _judged(workspace: Workspace, evaluations: list[Evaluation], failed: dict[str, str]) -> HypothesisVerdict | None:
    hypothesis = workspace.loaded.app.explore.hypothesis
    if hypothesis is None:
        return None
    bare = (e for e in reversed(evaluations) if e.candidate.meta_prompt is None)
    of_prompt = {e.candidate.prompt.name: e for e in bare if e.candidate.prompt}
    for name in (hypothesis.treatment, hypothesis.control):
        if name not in of_prompt and failed:
            say(f"hypothesis not judged: no candidate with the prompt {name} answered")
            return None
        if name not in of_prompt:
            raise ConfigurationError(
                f"{workspace.loaded.folder / 'app.yaml'}: key `explore.hypothesis` names the prompt {name!r}; "
                f"known are {', '.join(sorted(of_prompt))}"
            )
    verdict = judge_hypothesis(
        hypothesis, of_prompt[hypothesis.treatment], of_prompt[hypothesis.control], workspace.metrics
    )
    say(f"hypothesis {verdict.decision}: {verdict.reason}")
    return verdict


async def _recorded(
    workspace: Workspace,
    board: list[Evaluation],
    rows: list[dict[str, Any]],
    hypothesis: HypothesisVerdict | None,
) -> str:
    return record_exploration(workspace.loaded, board, rows, hypothesis, workspace.metrics).url


async def _publish(
    workspace: Workspace,
    rows: list[dict[str, Any]],
    failed: dict[str, str],
    hypothesis: HypothesisVerdict | None,
    run: str,
) -> None:
    name = workspace.name
    await table(artifact_key(name, "leaderboard"), rows, f"Leaderboard of {name} on the sample data")
    judged = f"**{hypothesis.decision}** {hypothesis.reason}\n\n" if hypothesis else ""
    statement = workspace.loaded.app.explore.hypothesis
    text = f"# Exploration of {name}\n\n" + (f"> {statement.statement}\n\n{judged}" if statement else "")
    left_out = [{"left out": label, "because": cause} for label, cause in failed.items()]
    text += "\n\n".join(part for part in (markdown_table(rows), markdown_table(left_out)) if part)
    await markdown(artifact_key(name, "exploration"), text, "Leaderboard and hypothesis")
    await link(artifact_key(name, "exploration", "mlflow"), run, "The exploration in MLflow")
