"""Loop: one whole turn of the lifecycle, both of its "no" arrows included."""

import time
from typing import Annotated, Any, Literal, NamedTuple

from prefect import flow
from pydantic import Field

from configs.schema.base import Frozen
from configs.settings import settings
from pipelines.augment import Augmented, augment
from pipelines.deploy import Deployed, deploy
from pipelines.evaluate import Evaluated, evaluate
from pipelines.explore import Explored, explore
from pipelines.govern import Governed, govern
from pipelines.monitor import Monitored, monitor
from pipelines.parameters import App, Changes, Data
from pipelines.run_names import run_name
from pipelines.spent import Spent
from pipelines.validate import Validated, validate
from tasks.choosing import chosen
from tasks.joining import joined
from tasks.orchestrating.artifacts import artifact_key, markdown
from tasks.orchestrating.naming import name_candidate
from tasks.pages.loop import loop_page
from tasks.progress import say
from tasks.releasing.log import release_log
from tasks.results.finding import find_evaluation
from tasks.statistics.estimate import Estimate
from tasks.turn import Turn, open_turn, turn_id
from tasks.workspace import Workspace, open_workspace

End = Literal["released", "on trial", "satisfied", "bound reached", "released before"]
"""`on trial`: what passed waits for a person's word, or users meet it bit by bit. `released before`: it was released by
this turn once, and has been rolled back or replaced since."""

_LARGEST_FIRST: tuple[Data, ...] = ("full", "sample")


class Arrow(Frozen):
    """One arrow of the picture that was taken."""

    origin: str
    to: str
    candidate: str
    reason: str


class Looped(Frozen):
    """One turn of the loop: what was decided, what serves now, and what it cost."""

    app: str
    turn: str
    epoch: str
    end: End
    champion: str
    champion_label: str
    verdicts: tuple[dict[str, Any], ...]
    arrows: tuple[Arrow, ...]
    estimates: tuple[Estimate, ...]
    """The champion's, on the largest data it was asked."""
    hypothesis: dict[str, Any] | None
    monitored: dict[str, Any]
    calls: dict[str, int]
    serving: dict[str, int]
    tokens: dict[str, int]
    price: float
    seconds: float
    links: dict[str, str]

    @property
    def headline(self) -> str:
        """The turn in one line."""
        return f"{self.app}: {self.end}; {self.champion_label} is champion"

    @property
    def exit_code(self) -> int:
        """3 where the bound was reached with nothing better, else 0."""
        return 3 if self.end == "bound reached" else 0


@flow(name="loop", flow_run_name=run_name("loop"))
async def loop(
    app: App = "outfitter",
    max_rounds: Annotated[int | None, Field(ge=1, le=20)] = None,
    changes: Changes = [],  # noqa: B006 a form's default
) -> Looped:
    """Turns the whole lifecycle once: validate, explore, augment, two gates, deploy, monitor, govern.

    The exploration's best is evaluated first; each "no" of a gate goes back to augment, until a candidate passes both
    gates or the bound on rounds is reached. Whatever was finished before is not done again.

    Args:
        app: Name or path of the app.
        max_rounds: Rounds of augment at most; the configuration's where empty.
        changes: Changes of the configuration for this run only, as key=value.
    """
    started = time.monotonic()
    with open_workspace(app, tuple(changes), asks=True) as workspace:
        async with joined(workspace.locks, f"loop-{workspace.name}") as waited:
            if waited:
                say("joined a run of the same loop that was under way")
            validated = await validate(app, changes)
            explored = await explore(app, changes)
            turn = await _begin(app, changes, validated, explored)
            kept = await _kept(workspace, app, changes, explored, turn)
            bound = max_rounds or workspace.loaded.app.loop.max_rounds
            rounds = await _rounds(app, changes, explored, turn, bound)
            monitored = await monitor(app, play_production=True, changes=changes)
            governed = await govern(app, changes=changes)
            seconds = time.monotonic() - started
            looped = _looped(workspace, turn, explored, kept, rounds, monitored, governed, seconds)
            await name_candidate(looped.champion)
            await markdown(artifact_key(workspace.name, "loop"), loop_page(looped), looped.headline)
            return looped


async def _begin(app: str, changes: list[str], validated: Validated, explored: Explored) -> Turn:
    """Opens the turn; an app without a champion is given one first, so that there is something to compare with."""
    with open_workspace(app, tuple(changes)) as workspace:
        candidates = tuple(str(row["candidate"]) for row in explored.leaderboard)
        identity = turn_id(workspace.loaded, validated.datasets, candidates, workspace.epoch)
        committed = release_log(workspace.name).committed()
        if committed is None:
            await deploy(
                app, explored.best, bootstrap=True, why="first champion: the exploration's best", changes=changes
            )
            committed = release_log(workspace.name).committed()
        return open_turn(workspace.store.folder, identity, committed.candidate if committed else explored.best)


async def _kept(
    workspace: Workspace, app: str, changes: list[str], explored: Explored, turn: Turn
) -> tuple[Evaluated, ...]:
    """Measures a champion that is a file of the user's on the full data, whatever the sample gate will say of it.

    Once the file is changed nobody can ask it any more, and its successors are compared with it.
    """
    if workspace.loaded.app.target.kind not in ("python", "answers") or explored.best != turn.baseline:
        return ()
    return (await evaluate(app, turn.baseline, "full", against=turn.baseline, changes=changes),)


class _Round(NamedTuple):
    """One candidate's way through the gates."""

    evaluations: tuple[Evaluated, ...]
    refused_by: str | None
    """The gate that said no; None where both passed."""
    deployed: Deployed | None = None
    """Its release; None where there was none."""
    made: Augmented | None = None
    """The move that made it; None for the exploration's best."""


async def _rounds(app: str, changes: list[str], explored: Explored, turn: Turn, bound: int) -> tuple[_Round, ...]:
    """Takes the exploration's best, then one change a round, through the gates until a candidate passes both.

    Each change is chosen by why the candidate before was refused, among those that this turn has not tried, so that a
    turn that is run again takes the same ones. One that makes a candidate which has been through the gates already is
    no round.
    """
    rounds = [await _through_gates(app, changes, explored.best, turn)]
    moves: list[str] = []
    while rounds[-1].refused_by is not None and len(rounds) <= bound:
        refused = rounds[-1].evaluations[0].candidate
        made = await augment(app, of=refused, beside=list(moves), changes=changes)
        if made.candidate is None or made.move is None:
            break
        moves.append(made.move)
        say(f'"no" at the {rounds[-1].refused_by} gate → augment: {made.move}')
        if made.candidate in {each.evaluations[0].candidate for each in rounds}:
            say(f"{made.move} makes {made.label} again: not asked twice")
            continue
        passed = await _through_gates(app, changes, made.candidate, turn)
        rounds.append(passed._replace(made=made))
    return tuple(rounds)


async def _through_gates(app: str, changes: list[str], candidate: str, turn: Turn) -> _Round:
    """Evaluates a candidate on the sample data and, if the sample gate lets it, on the full data.

    INCONCLUSIVE at the sample gate buys the full rows: `evaluate` on the full data decides both gates again.
    """
    sample = await evaluate(app, candidate, "sample", against=turn.baseline, changes=changes)
    if sample.verdict == "FAIL":
        return _Round((sample,), refused_by="sample")
    full = await evaluate(app, candidate, "full", against=turn.baseline, changes=changes)
    refused_by = next((gate for gate in ("sample", "release") if full.gates[gate] != "PASS"), None)
    if refused_by or candidate == turn.baseline:
        return _Round((sample, full), refused_by)
    deployed = await deploy(app, candidate, against=turn.baseline, changes=changes)
    return _Round((sample, full), refused_by, deployed)


def _arrows(rounds: tuple[_Round, ...]) -> tuple[Arrow, ...]:
    arrows: list[Arrow] = []
    for each in rounds:
        last = each.evaluations[-1]
        if each.made:
            arrows.append(Arrow(origin="augment", to="sample data", candidate=last.label, reason=each.made.why))
        if len(each.evaluations) > 1:
            arrows.append(Arrow(origin="sample gate", to="full data", candidate=last.label, reason="worth the test"))
        if each.refused_by:
            # On the full data `reason` is the release gate's; the sample gate was decided again on all rows.
            again = each.refused_by == "sample" and last.data == "full"
            reason = f"{last.gates['sample']} on the sample and full rows together" if again else last.reason
            arrows.append(Arrow(origin=f"{each.refused_by} gate", to="augment", candidate=last.label, reason=reason))
        else:
            to = "deploy" if each.deployed else "the champion is good enough"
            arrows.append(Arrow(origin="release gate", to=to, candidate=last.label, reason=last.reason))
    return tuple(arrows)


def _end(rounds: tuple[_Round, ...], champion: str) -> End:
    if rounds[-1].refused_by:
        return "bound reached"
    deployed = rounds[-1].deployed
    if deployed is None:
        return "satisfied"
    if deployed.stage != "released":
        return "on trial"
    return "released" if deployed.candidate == champion else "released before"


def _looped(
    workspace: Workspace,
    turn: Turn,
    explored: Explored,
    kept: tuple[Evaluated, ...],
    rounds: tuple[_Round, ...],
    monitored: Monitored,
    governed: Governed,
    seconds: float,
) -> Looped:
    evaluations = [evaluation for each in rounds for evaluation in each.evaluations]
    champion = chosen(workspace, "champion")
    data = (workspace.asked_dataset(split).digest for split in _LARGEST_FIRST)
    found = (find_evaluation(workspace.store, champion.digest, dataset, workspace.epoch) for dataset in data)
    measured = next((evaluation for evaluation in found if evaluation), None)
    stages: list[Spent] = [explored, *kept, *evaluations, *(each.made for each in rounds if each.made)]
    return Looped(
        app=workspace.name,
        turn=turn.id,
        epoch=workspace.epoch,
        end=_end(rounds, champion.digest),
        champion=champion.digest,
        champion_label=champion.label,
        verdicts=tuple(_verdict_row(evaluation) for evaluation in evaluations),
        arrows=_arrows(rounds),
        estimates=measured.estimates if measured else (),
        hypothesis=explored.hypothesis,
        monitored=monitored.model_dump(mode="json", exclude={"serving"}),
        calls=_summed([stage.calls for stage in stages]),
        serving=_summed([monitored.serving, *(each.deployed.serving for each in rounds if each.deployed)]),
        tokens=_summed([stage.tokens for stage in stages]),
        price=sum(stage.price for stage in stages),
        seconds=round(seconds, 1),
        links={
            "exploration": explored.links["mlflow"],
            "evaluation": evaluations[-1].links["mlflow"],
            "prefect": settings().prefect_ui,
            "mlflow": settings().mlflow_uri,
            "endpoint": settings().endpoint_url,
            "page": governed.page,
        },
    )


def _verdict_row(evaluation: Evaluated) -> dict[str, Any]:
    gate = "sample" if evaluation.data == "sample" else "release"
    return {
        "gate": gate,
        "verdict": evaluation.verdict,
        "candidate": evaluation.candidate,
        "label": evaluation.label,
        "reason": evaluation.reason,
        "rules": evaluation.rules,
        "gates": evaluation.gates,
    }


def _summed(counts: list[dict[str, int]]) -> dict[str, int]:
    keys = dict.fromkeys(key for count in counts for key in count)
    return {key: sum(count.get(key, 0) for count in counts) for key in keys}
