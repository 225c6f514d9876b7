"""Deployments: every stage of every app in the Prefect UI, with a form, and on schedules from the configuration.

`python -m pipelines.deployments` serves them all from one process; each run is a process of its own.
"""

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from configs.loading import LoadedApp, app_names, load_app
from configs.settings import settings

if TYPE_CHECKING:
    from prefect.deployments.runner import RunnerDeployment
    from prefect.flows import Flow
    from prefect.schedules import Schedule

_RUNS_AT_ONCE = 2


def stages() -> "dict[str, Flow[..., Any]]":
    """Returns the flow of each stage, in the order of the lifecycle."""
    from pipelines.augment import augment
    from pipelines.calibrate import calibrate
    from pipelines.curate import curate
    from pipelines.deploy import deploy
    from pipelines.evaluate import evaluate
    from pipelines.explore import explore
    from pipelines.finetune import finetune
    from pipelines.govern import govern
    from pipelines.harvest import harvest
    from pipelines.loop import loop
    from pipelines.monitor import monitor
    from pipelines.validate import validate

    flows = (validate, explore, curate, augment, finetune, evaluate, calibrate, deploy, monitor, harvest, govern, loop)
    return {flow.name: flow for flow in flows}


def served_apps() -> tuple[str, ...]:
    """Returns the apps whose stages are deployed: those under `configs/apps`, and those that the stack serves."""
    known = app_names()
    return (*known, *(str(Path(name).absolute()) for name in settings().apps if name not in known))


async def deployments() -> "list[RunnerDeployment]":
    """Returns a deployment of each stage of each app, named `stage/app`."""
    found = []
    for name in served_apps():
        loaded = load_app(name)
        for stage, flow in stages().items():
            found.append(
                await flow.ato_deployment(
                    name=loaded.app.name,
                    description=str(flow.description).partition("Args:")[0].strip(),
                    tags=["lifecycle", loaded.app.name, stage],
                    parameters={"app": name},
                    schedules=_schedules(loaded, stage),
                )
            )
    return found


def _schedules(loaded: LoadedApp, stage: str) -> "list[Schedule]":
    """A scheduled evaluation asks the champion again, in a new epoch."""
    from prefect.schedules import Cron

    configured = dict(loaded.app.schedules).get(stage)
    if configured is None:
        return []
    parameters = {"candidate": "champion", "epoch": "new"} if stage == "evaluate" else {}
    return [Cron(configured.cron, timezone=configured.timezone, parameters=parameters, slug=stage)]


async def serve() -> None:
    """Registers deployments and automations with the Prefect server, then runs what is triggered until stopped.

    What was due several times while nobody ran it is run once.
    """
    from prefect.runner import Runner

    from tasks.orchestrating.automations import install
    from tasks.orchestrating.schedules import drop_missed, drop_schedule

    runner = Runner(name="lifecycle", limit=_RUNS_AT_ONCE, pause_on_shutdown=False, webserver=True)
    ids = {}
    for deployment in await deployments():
        stage = str(deployment.flow_name)
        ids[f"{stage}/{deployment.name}"] = id_ = await runner.aadd_deployment(deployment)
        if not deployment.schedules:
            await drop_schedule(id_, stage)
    await drop_missed(ids.values())
    await install(ids, [load_app(name).app for name in served_apps()])
    await runner.start()


if __name__ == "__main__":
    os.environ.setdefault("PREFECT_API_URL", settings().prefect_api)
    asyncio.run(serve())
