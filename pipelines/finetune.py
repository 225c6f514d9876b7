"""Finetune: fit the model's weights to the app's training rows, and yield a candidate that the gates decide on."""

import time

from prefect import flow

from configs.errors import ConfigurationError
from configs.schema.augment import FineTune
from pipelines.parameters import App, Changes
from pipelines.run_names import run_name
from pipelines.spent import Spent
from tasks.candidate import Candidate
from tasks.candidates import check_prompts
from tasks.choosing import chosen
from tasks.orchestrating.artifacts import artifact_key, markdown, progress_artifact, table
from tasks.orchestrating.events import CANDIDATE_MADE, emit
from tasks.orchestrating.naming import name_candidate
from tasks.orchestrating.step import step
from tasks.progress import Progress
from tasks.results.marks import mark, marked
from tasks.tracking.prompts import with_registered
from tasks.tuning.candidate import FinetunedCandidate
from tasks.tuning.finetuned import finetune_candidate
from tasks.tuning.making import Told
from tasks.workspace import Workspace, open_workspace

_EVERY_S = 2.0


class Finetuned(Spent):
    """What `finetune` made."""

    app: str
    candidate: str
    """Digest of the new candidate."""
    label: str
    move: str
    adapter: str
    """Digest of the adapter."""
    base: str
    """What the adapter was trained on."""
    parent: str
    """Digest of the candidate that it was made from."""
    losses: tuple[tuple[int, str, float], ...]
    """Step, side (`train`, `held_out`) and loss of an answer's token."""
    rows: int
    """Rows that weights were fitted to."""
    rows_held_out: int
    steps: int
    seconds: float | None
    """Of the training, whenever it was; None where a provider does not say it, as of the next two."""
    rows_per_s: float | None
    peak_memory_mb: float | None
    served_same_tokens: float | None
    """Share of answers' tokens at which the served model agrees with the trained one; None where it cannot be asked."""
    links: dict[str, str]


@flow(name="finetune", flow_run_name=run_name("finetune", "move"))
async def finetune(
    app: App = "outfitter",
    move: str = "first",
    announce: bool = False,
    changes: Changes = [],  # noqa: B006 a form's default
) -> Finetuned:
    """Fits the weights of the exploration's best candidate to the app's training rows, and has the result served.

    A low-rank adapter is trained on this machine; a training that was killed goes on from its last checkpoint, and one
    that is done is not done again.

    Args:
        app: Name or path of the app.
        move: Name of a move of kind `finetune` from the configuration, or first for the first one.
        announce: Send the event that makes the automation evaluate the new candidate.
        changes: Changes of the configuration for this run only, as key=value.
    """
    with open_workspace(app, tuple(changes)) as workspace:
        chosen_move = _move(workspace, move)
        watch = _Watch(workspace.name, chosen_move.name)
        made = await step(f"fine-tune · {chosen_move.name}", lambda: _made(workspace, chosen_move, watch))
        mark(workspace.store, "latest", made.candidate)
        await name_candidate(made.candidate.digest)
        if announce:
            emit(CANDIDATE_MADE, workspace.name, {"candidate": made.candidate.digest, "move": chosen_move.name})
        curve = [each.model_dump() for each in made.card.losses]
        await table(artifact_key(workspace.name, "losses"), curve, "Loss of an answer's token, by step")
        await markdown(artifact_key(workspace.name, "finetune"), _page(made), "What was fitted")
        return _result(workspace, made)


class _Watch:
    """Shows in Prefect how far a training is."""

    def __init__(self, app: str, move: str) -> None:
        self._label = f"fine-tune · {move}"
        self._tell = progress_artifact(artifact_key(app, "finetune", "progress"))
        self._started = self._told = 0.0

    async def __call__(self, told: Told) -> None:
        now = time.monotonic()
        self._started = self._started or now
        if now - self._told < _EVERY_S and told.step < told.steps:
            return
        self._told, seconds = now, now - self._started
        await self._tell(Progress(self._label, told.step, told.steps, 0, seconds, None, 0.0))


async def _made(workspace: Workspace, move: FineTune, watch: _Watch) -> FinetunedCandidate:
    base = marked(workspace.store, "best") or chosen(workspace, "latest")
    made = await finetune_candidate(workspace, base, move, watch)
    return made._replace(candidate=_registered(workspace, made.candidate))


def _registered(workspace: Workspace, candidate: Candidate) -> Candidate:
    check_prompts(candidate.prompts, workspace.dataset("sample"))
    return with_registered(candidate)


def _move(workspace: Workspace, name: str) -> FineTune:
    moves = [move for move in workspace.loaded.app.augment.moves if isinstance(move, FineTune)]
    found = moves[:1] if name == "first" else [move for move in moves if move.name == name]
    if not found:
        known = ", ".join(move.name for move in moves) or "none"
        raise ConfigurationError(
            f"{workspace.loaded.folder / 'app.yaml'}: `augment.moves` has no move {name!r} of kind `finetune`; "
            f"known are {known}"
        )
    return found[0]


def _result(workspace: Workspace, made: FinetunedCandidate) -> Finetuned:
    card, facts = made.card, made.card.facts
    return Finetuned(
        app=workspace.name,
        candidate=made.candidate.digest,
        label=made.candidate.label,
        move=card.move,
        adapter=card.digest,
        base=card.base,
        parent=made.candidate.parent or "",
        losses=tuple((each.step, each.side, each.value) for each in card.losses),
        rows=int(facts["rows"]),
        rows_held_out=int(facts["rows_held_out"]),
        steps=int(facts["steps"]),
        seconds=facts.get("seconds"),
        rows_per_s=facts.get("rows_per_s"),
        peak_memory_mb=facts.get("peak_memory_mb"),
        served_same_tokens=made.served.share if made.served else None,
        links={"mlflow": made.url},
        **workspace.spend.as_dict(),
    )


def _page(made: FinetunedCandidate) -> str:
    card, facts = made.card, made.card.facts
    held_out = [each.value for each in card.losses if each.side == "held_out"]
    served = f"{made.served.same} of {made.served.tokens} tokens" if made.served else "cannot be compared"
    rows = {
        "digest": f"`{made.candidate.digest}`",
        "made from": f"`{made.candidate.parent}`",
        "base": card.base,
        "adapter": _adapter(made),
        "rows": f"{facts['rows']:.0f}, and {facts['rows_held_out']:.0f} held out",
        "steps": f"{facts['steps']:.0f}"
        + (f", the best after {facts['best_step']:.0f}" if "best_step" in facts else ""),
        "loss of what is held out": f"{held_out[0]:.3f} → {min(held_out):.3f}" if held_out else "nothing is held out",
        "training": _training(facts),
        "served as trained": served,
    }
    lines = "".join(f"| {name} | {value} |\n" for name, value in rows.items())
    return f"# {made.candidate.label}\n\n| | |\n| --- | --- |\n{lines}\n[MLflow]({made.url})\n"


def _adapter(made: FinetunedCandidate) -> str:
    adapter = made.candidate.adapter
    if adapter is not None and adapter.kind == "hosted":
        return f"{adapter.model}, by job {adapter.job}"
    return f"`{made.card.digest}`, rank {made.card.settings.lora.rank}"


def _training(facts: dict[str, float]) -> str:
    said = [f"{facts['seconds']:.0f} s"]
    said += [f"{facts['rows_per_s']:.1f} rows/s"] if "rows_per_s" in facts else []
    said += [f"{facts['peak_memory_mb']:.0f} MB"] if "peak_memory_mb" in facts else []
    said += [f"${facts['price']:.4f}"] if "price" in facts else []
    return ", ".join(said)
