"""A candidate whose model a provider has fitted to the app's training rows."""

from typing import TYPE_CHECKING

from configs.schema.augment import FineTune
from configs.schema.finetune import Finetune
from configs.schema.hosted import HostedTuning
from tasks.augmenting.recipe import augmented
from tasks.calling.endpoint import endpoint_model
from tasks.candidate import Candidate
from tasks.candidates import asking_model
from tasks.identity import digest
from tasks.progress import say
from tasks.tracking.tuning import record_finetune
from tasks.tuning.adapters import Card, points_of
from tasks.tuning.candidate import FinetunedCandidate
from tasks.tuning.examples import training_material
from tasks.tuning.hosted.cards import keep_card
from tasks.tuning.hosted.tuning import tuned_by_provider
from tasks.tuning.splitting import split

if TYPE_CHECKING:
    from tasks.workspace import Workspace


async def tuned_elsewhere(
    workspace: "Workspace", base: Candidate, move: FineTune, settings: Finetune, hosted: HostedTuning
) -> FinetunedCandidate:
    """Has a provider fit a model to the app's training rows, asked as a move says.

    States of the model on the way that the provider kept are candidates of the app as well.

    Args:
        workspace: the app.
        base: gives parameters, and the prompt where the move names none.
        move: how rows are asked.
        settings: what is learnt.
        hosted: which model, by which job.

    Raises:
        ConfigurationError: the model cannot be tuned there, or the training rows are not there.
        DataError: a provider would not take the examples.
        BudgetUsedUp: the job could pass a cap; nothing was sent.
        EndpointError: the job failed, or the endpoint cannot be asked for long.
    """
    plain = asking_model(workspace.loaded, base.model_copy(update={"adapter": None}), hosted.model)
    material = await training_material(workspace, plain, move, settings)
    sides = split(material.examples, settings.held_out, settings.seed)
    tuned = await tuned_by_provider(workspace, sides.train, sides.held_out, hosted)
    asked = await augmented(workspace, plain, move)
    candidate = Candidate.model_validate({**asked.model_dump(), "adapter": tuned.adapter, "parent": base.digest})
    card = Card(
        digest=digest(tuned.adapter),
        base=endpoint_model(hosted.model, workspace.loaded.models[hosted.model]),
        app=workspace.name,
        parent=base.digest,
        move=move.name,
        data=material.data,
        settings=settings,
        losses=points_of(tuned.losses),
        facts={"rows": float(len(sides.train)), "rows_held_out": float(len(sides.held_out)), **tuned.facts},
    )
    keep_card(workspace.home, card)
    for checkpoint in tuned.checkpoints:
        if checkpoint.adapter == tuned.adapter:
            continue
        way = {"adapter": checkpoint.adapter, "move": f"{move.name}, step {checkpoint.step}"}
        state = candidate.model_copy(update=way)
        facts = card.facts | {"steps": float(checkpoint.step)}
        keep_card(workspace.home, card.model_copy(update={"digest": digest(checkpoint.adapter), "facts": facts}))
        workspace.store.save_candidate(state)
        say(f"step {checkpoint.step} is candidate {state.digest[:8]}")
    run = record_finetune(candidate, card.digest, card, None)
    return FinetunedCandidate(candidate, card, None, run.url)
