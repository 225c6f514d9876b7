"""Calibrate: what each judge of an app is worth, beside people and beside itself."""

from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

from prefect import flow
from pydantic import Field

from configs.errors import ConfigurationError, DataError, EndpointError
from pipelines.parameters import App, Changes
from pipelines.run_names import run_name
from pipelines.spent import Spent
from tasks.evaluating.by_people import mean_by_people
from tasks.judging.answered import stored_answers
from tasks.judging.calibrating import Calibrated
from tasks.judging.calibrating import calibrate as calibrate_judge
from tasks.judging.calibration import Calibration, save_calibration
from tasks.judging.judge import Judge, judges_of
from tasks.judging.labelled import LEAST, Found, find_labelled
from tasks.judging.labels import Label
from tasks.judging.page import calibration_page, calibration_row
from tasks.orchestrating.artifacts import artifact_key, markdown, table
from tasks.orchestrating.step import step
from tasks.progress import say
from tasks.scoring.asked import Means
from tasks.tracking.calibrations import record_calibration
from tasks.tracking.human_labels import labels_of
from tasks.workspace import Workspace, open_workspace


class Calibrations(Spent):
    """What `calibrate` measured."""

    app: str
    judges: tuple[dict[str, Any], ...]
    """Of each judge that was calibrated: whether it is fit, why not, agreement, noise floor and biases."""
    not_calibrated: dict[str, str]
    """Judges that could not be, and why; they stay unfit."""
    links: dict[str, str]


@flow(name="calibrate", flow_run_name=run_name("calibrate", "judge"))
async def calibrate(
    app: App = "outfitter",
    judge: Annotated[str, Field(min_length=1)] = "all",
    rows: Annotated[int, Field(ge=LEAST, le=5000)] = 200,
    reruns: Annotated[int, Field(ge=2, le=20)] = 3,
    changes: Changes = [],  # noqa: B006 a form's default
) -> Calibrations:
    """Compares the judges of an app with people's labels, with their own reruns, and with order and length turned.

    Labels come from the file that `labels` names, from people's feedback on traces in MLflow, and from `lifecycle
    label`. A judge that was not calibrated in exactly its present version, or does not agree with people, is unfit.

    Args:
        app: Name or path of the app.
        judge: Name of the judge's metric, or all of them.
        rows: Labelled answers to use at most, drawn at random.
        reruns: Times that each answer is rated to find the judge's own noise.
        changes: Changes of the configuration for this run only, as key=value.
    """
    with open_workspace(app, tuple(changes), asks=True) as workspace:
        judges = _chosen(workspace, judge)
        labels = await step("gather people's labels", lambda: _gathered(workspace, judges))
        found = _answers_of(workspace, judges, labels)
        done: dict[str, _Done] = {}
        refused: dict[str, str] = {}
        for each in judges:
            try:
                done[each.name] = await _one(workspace, each, found[each.name], labels, rows, reruns)
            except (DataError, EndpointError) as error:
                if len(judges) == 1:
                    raise
                refused[each.name] = str(error)
                say(f"not calibrated: {error}")
        if not done:
            raise DataError(next(iter(refused.values())))
        await _publish(workspace, [each.calibration for each in done.values()])
        return Calibrations(
            app=workspace.name,
            judges=tuple(_shown(each.calibration) for each in done.values()),
            not_calibrated=refused,
            links={name: each.link for name, each in done.items()},
            **workspace.spend.as_dict(),
        )


def _chosen(workspace: Workspace, name: str) -> tuple[Judge, ...]:
    judges = judges_of(workspace.loaded)
    file = workspace.loaded.folder / "app.yaml"
    if not judges:
        raise ConfigurationError(
            f"{file}: names no judge; a judge is a scorer with a model: {{name: groundedness, model: the-models-name}}"
        )
    chosen = tuple(each for each in judges if name in ("all", each.name))
    if not chosen:
        raise ConfigurationError(f"{file}: no judge {name!r}; known are {', '.join(each.name for each in judges)}")
    return chosen


async def _gathered(workspace: Workspace, judges: tuple[Judge, ...]) -> tuple[Label, ...]:
    return labels_of(workspace.loaded, workspace.store, judges)


def _answers_of(workspace: Workspace, judges: tuple[Judge, ...], labels: tuple[Label, ...]) -> dict[str, Found]:
    """Returns the labelled answers of each judge; the latest label of an answer counts, one in the terminal last."""
    ids = {label.row_id for label in labels}
    answers = list(stored_answers(workspace.store, workspace.asked_datasets, ids)) if labels else []
    return {each.name: find_labelled(each, labels, answers) for each in judges}


def _check_enough(workspace: Workspace, judge: Judge, found: Found) -> None:
    name = f"--app {workspace.name} --metric {judge.name}"
    if not found.labelled and not found.left_out:
        raise DataError(
            f"judge {judge.name}: no labels; name a file of them with `labels` in app.yaml (row_id, metric, label), "
            f"give feedback named {judge.name} in MLflow, or run `lifecycle label {name}`"
        )
    if len(found.labelled) < LEAST:
        raise DataError(f"judge {judge.name}: {found}; {LEAST} are needed; run `lifecycle label {name}` to give more")


class _Done(NamedTuple):
    """A calibration, and its page in MLflow."""

    calibration: Calibration
    link: str


async def _one(
    workspace: Workspace, judge: Judge, found: Found, labels: tuple[Label, ...], rows: int, reruns: int
) -> _Done:
    """Calibrates one judge, keeps what came of it and records it."""
    _check_enough(workspace, judge, found)
    say(f"{judge.name}: {found}")
    means = Means(workspace.loaded, workspace.journal, workspace.epoch, workspace.spend)

    async def measured() -> Calibrated:
        beside_people = await calibrate_judge(judge, found.labelled[:rows], means, reruns)
        mean = mean_by_people(workspace, judge, labels)
        if mean is None:
            return beside_people
        known = {"people": mean.estimate, "gain": mean.gain}
        return beside_people._replace(calibration=beside_people.calibration.model_copy(update=known))

    calibrated = await step(f"calibrate · {judge.name}", measured)
    save_calibration(workspace.store, calibrated.calibration)

    async def recorded() -> str:
        return record_calibration(workspace.loaded, judge, calibrated).url

    return _Done(calibrated.calibration, await step("record in MLflow", recorded))


def _shown(calibration: Calibration) -> dict[str, Any]:
    return {
        **calibration.model_dump(mode="json"),
        "fit": calibration.fit,
        "unfit": list(calibration.unfit),
        "biases": list(calibration.biases),
        "smallest_difference": calibration.noise.smallest_difference(calibration.labels),
    }


async def _publish(workspace: Workspace, done: Sequence[Calibration]) -> None:
    rows = [calibration_row(each) for each in done]
    await table(artifact_key(workspace.name, "judges"), rows, f"Judges of {workspace.name} beside people")
    for each in done:
        state = "fit" if each.fit else "unfit"
        key = artifact_key(workspace.name, "judge", each.metric)
        await markdown(key, calibration_page(each), f"Judge {each.metric}: {state}")
