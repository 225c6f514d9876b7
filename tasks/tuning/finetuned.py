"""A candidate whose model is fitted to the app's training rows, on this machine or by a provider."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from configs.errors import DataError
from configs.schema.augment import FineTune
from configs.settings import settings as machine
from tasks.augmenting.recipe import augmented
from tasks.calling.adapters import adapter_fields
from tasks.candidate import Candidate, LoraAdapter
from tasks.progress import bar, say
from tasks.tracking.tuning import FollowedLoss, record_finetune
from tasks.tuning.base import base_of, content_digest
from tasks.tuning.candidate import FinetunedCandidate
from tasks.tuning.comparing import LEAST, Agreement, agreement, keep_agreement, kept_agreement, served_tokens
from tasks.tuning.elsewhere import tuned_elsewhere
from tasks.tuning.examples import training_material
from tasks.tuning.libraries import check_libraries
from tasks.tuning.making import Made, Told, Work, make_adapter

if TYPE_CHECKING:
    from tasks.workspace import Workspace

Watch = Callable[[Told], Awaitable[None]]


async def finetune_candidate(
    workspace: "Workspace", base: Candidate, move: FineTune, watch: Watch | None = None
) -> FinetunedCandidate:
    """Fits a candidate's model to the app's training rows, asked as a move says, and has it served.

    With the same base, examples and settings nothing is trained a second time; what was killed goes on. An adapter that
    the server does not answer with as the trained model does becomes no candidate.

    Args:
        workspace: the app.
        base: gives model and parameters, and the prompt where the move names none; an adapter of its own is left out.
        move: how rows are asked, and what of the app's `finetune` it sets itself.
        watch: told how far the training is.

    Raises:
        ConfigurationError: torch is not installed, or the base or the training rows are not there.
        DataError: nothing can be learnt from the rows, memory or disk would not do, or the served adapter is not the
            trained one.
        StackError: MLflow or the embedded server does not answer.
        LifecycleError: a provider's job failed, or could pass a cap.
    """
    settings = workspace.loaded.app.finetune.of(move)
    if settings.hosted is not None:
        return await tuned_elsewhere(workspace, base, move, settings, settings.hosted)
    check_libraries()
    tuned = base_of(workspace.loaded, base.model)
    plain = Candidate.model_validate(
        {**base.model_dump(exclude={"adapter"}), "model": tuned.model, "endpoint_model": tuned.identity}
    )
    material = await training_material(workspace, plain, move, settings)
    content = await asyncio.to_thread(content_digest, tuned)
    data = material.data | ({"base": content} if content else {})
    about = {"app": workspace.name, "parent": base.digest, "move": move.name, "data": data}
    work = Work(tuned, material.examples, settings, about, material.where)
    made = await _made(workspace, work, move.name, watch)
    asked = await augmented(workspace, plain, move)
    adapter = LoraAdapter(digest=made.card.digest, base=tuned.identity)
    candidate = Candidate.model_validate({**asked.model_dump(), "adapter": adapter, "parent": base.digest})
    served = await _compared(workspace, work, adapter, made)
    run = record_finetune(candidate, work.identity, made.card, served.share if served else None)
    return FinetunedCandidate(candidate, made.card, served, run.url)


async def _made(workspace: "Workspace", work: Work, move: str, watch: Watch | None) -> Made:
    """Trains with a bar, a curve in MLflow, and whatever else watches."""
    follow = FollowedLoss(workspace.name, work.identity, f"finetune · {move}")
    with bar(f"fine-tune · {move}", _steps(work)) as shown:
        done = 0

        async def tell(told: Told) -> None:
            nonlocal done
            for _ in range(told.step - done):
                shown.advance(", ".join(f"{each.side} {each.value:.3f}" for each in told.new[-2:]))
            done = told.step
            await follow(told.new, last=told.step == told.steps)
            if watch is not None:
                await watch(told)

        made = await make_adapter(work, workspace.home, tell)
        await follow((), last=True)
    return made


def _steps(work: Work) -> int:
    from tasks.tuning.order import steps_of
    from tasks.tuning.splitting import split

    return steps_of(len(split(work.examples, work.settings.held_out, work.settings.seed).train), work.settings)


async def _compared(workspace: "Workspace", work: Work, adapter: LoraAdapter, made: Made) -> Agreement | None:
    """Compares the served model with the trained one on a few rows, once.

    Raises:
        DataError: they are not the same.
    """
    config = workspace.loaded.models[work.base.model]
    if config.kind != "embedded":
        say(f"{work.base.model} serves adapter {adapter.digest} under a name of its own: it is not compared")
        return None
    folder = work.folder(workspace.home)
    if kept := kept_agreement(folder, adapter.digest):
        return kept

    async def lora() -> Sequence[dict[str, float]]:
        found: Sequence[dict[str, float]] = (await adapter_fields(config, adapter))["lora"]
        return found

    theirs = await served_tokens(made.rows, machine().chat_url.removesuffix("/v1"), lora)
    found = agreement(made.best, theirs)
    if found.share < LEAST:
        raise DataError(
            f"adapter {adapter.digest}: the served model thinks the trained one's token likeliest at only "
            f"{found.same} of {found.tokens} tokens; its conversion is wrong for this base: it becomes no candidate"
        )
    keep_agreement(folder, adapter.digest, found)
    return found
