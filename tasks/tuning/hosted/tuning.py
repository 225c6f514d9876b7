"""Fine-tuning at a provider's: estimated and capped, sent, followed, and found again after any crash."""

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from configs.errors import ConfigurationError, EndpointError
from configs.schema.hosted import HostedTuning
from configs.schema.model import OpenAIModel
from tasks.calling.answer import Usage
from tasks.calling.endpoint import endpoint_model
from tasks.calling.failures import CallFailure, FailureKind
from tasks.calling.fine_tuning import FineTuning, JobRequest
from tasks.calling.polling import Polling
from tasks.calling.provider import NotMadeFailure
from tasks.calling.spend import Bill, BudgetUsedUp
from tasks.candidate import HostedModel
from tasks.data.chat_lines import chat_lines_of
from tasks.identity import digest
from tasks.joining import joined
from tasks.progress import say
from tasks.tuning.example import TrainingExample
from tasks.tuning.hosted.expected import check_price, expected
from tasks.tuning.hosted.remembered import Finished, JobFile, KeptCheckpoint, Remembered
from tasks.tuning.hosted.watching import Watching
from tasks.tuning.hosted.work import Files, Work
from tasks.tuning.tuned import Tuned

if TYPE_CHECKING:
    from openai.types.fine_tuning import FineTuningJob

    from tasks.workspace import Workspace

FOLDER = "hosted-tuning"
"""Under the folder of all state; a file a job."""

_CHANGES_NOTHING = {"model", "price", "checkpoint", "interrupted", "most_tokens"}


async def tuned_by_provider(
    workspace: "Workspace",
    examples: Sequence[TrainingExample],
    held_out: Sequence[TrainingExample],
    settings: HostedTuning,
    polling: Polling = Polling(),  # noqa: B008 a tuple
) -> Tuned:
    """Returns what a provider's job has made of a model.

    The same examples and settings are one job, wherever and however often this is called: killed at any moment, the
    same call goes on following it, and pays for none twice. A second process that does the same waits for the first.
    Once the job has succeeded, nothing is asked any more.

    Args:
        workspace: the app; `spend` is its ledger.
        examples: what is trained on; at least ten.
        held_out: what the provider measures the loss on; () for nothing.
        settings: the job's.
        polling: how long to wait between two looks.

    Raises:
        ConfigurationError: the model cannot be tuned there, or has no price of training.
        DataError: a provider would not take the examples, or the disk is full.
        BudgetUsedUp: it could pass a cap, before anything was sent; or the minutes were over.
        EndpointError: the job failed or was cancelled, or the endpoint cannot be asked for long.
    """
    model = _tunable(workspace, settings.model)
    cost = expected(workspace, examples, settings)
    files = Files(chat_lines_of(examples), chat_lines_of(held_out))
    mark = mark_of(model, files.training, files.validation, settings)
    folder = workspace.home / FOLDER
    async with joined(folder, mark):
        work = Work(workspace, model, settings, cost, files, mark, FineTuning(model, polling), JobFile(folder, mark))
        return (await _finished(work)).tuned(settings.checkpoint)


def mark_of(model: OpenAIModel, training: bytes, validation: bytes, settings: HostedTuning) -> str:
    """Names a job by what it is made of: what the model's name stands for, examples, and the settings that count."""
    parameters = settings.model_dump(mode="json", exclude=_CHANGES_NOTHING, exclude_none=True)
    return digest(["hosted", endpoint_model("", model), parameters, training.decode(), validation.decode()])


async def cancel_job(workspace: "Workspace", model: str, job: str) -> str:
    """Cancels a job at the endpoint of a model, and returns what it is now: `cancelled`, or how it had ended.

    Raises:
        ConfigurationError: the model is none of a provider's.
        CallFailure: the endpoint cannot be asked, or knows no such job.
    """
    return (await FineTuning(_tunable(workspace, model)).cancel(job)).status


async def _finished(work: Work) -> Finished:
    remembered = work.file.read()
    if remembered is not None and remembered.finished is not None:
        work.spend.reuse()
        say(f"{work.label}: {remembered.finished.adapter.model} was made of the same before")
        await work.clean(remembered)
        return remembered.finished
    begun = remembered or Remembered(mark=work.mark, at=time.time(), expected_price=work.cost.price)
    if not begun.job:
        begun = await _found(work, begun)
    with work.held(begun) as bill:
        if not begun.job:
            begun = await _made(work, begun, resumed=remembered is not None)
        return await _followed(work, begun, bill)


async def _found(work: Work, begun: Remembered) -> Remembered:
    """Looks for a job that a killed command, or another machine, has made; where there is none, checks the caps."""
    job = await work.endpoint.look_for(work.mark, begun.training_file)
    if job:
        say(f"{work.label}: job {job} is of the same examples and settings")
        return work.file.note(begun, job=job)
    check_price(work.workspace, work.settings, work.cost)
    say(f"{work.label}: {work.cost}")
    return begun


async def _made(work: Work, begun: Remembered, *, resumed: bool) -> Remembered:
    """Sends the files and makes the job; what the provider has said is written down before anything else is done."""
    endpoint, file = work.endpoint, work.file
    if not resumed:
        file.remember(begun)
    try:
        if not begun.training_file:
            sent = await endpoint.upload(f"lifecycle-{work.mark}.jsonl", work.files.training, doubtful=resumed)
            begun = file.note(begun, training_file=sent)
        if work.files.validation and not begun.validation_file:
            name = f"lifecycle-{work.mark}-held-out.jsonl"
            begun = file.note(
                begun, validation_file=await endpoint.upload(name, work.files.validation, doubtful=resumed)
            )
        job = await endpoint.create(
            JobRequest(
                mark=work.mark,
                training_file=begun.training_file,
                validation_file=begun.validation_file,
                parameters=_parameters(work.settings),
                suffix=work.settings.suffix,
                seed=work.settings.seed,
            )
        )
    except NotMadeFailure:
        await work.give_up(begun)
        raise
    return file.note(begun, job=job)


async def _followed(work: Work, begun: Remembered, bill: Bill) -> Finished:
    with Watching(work.endpoint, work.label) as watching:
        try:
            job = await work.endpoint.ended(begun.job, watching.see, work.spend.time_is_up)
        except asyncio.CancelledError:
            await work.interrupted(begun, watching, bill)
            raise
        except CallFailure as failure:
            if failure.kind is not FailureKind.NOT_FOUND:
                raise
            raise EndpointError(
                f"{work.endpoint.callee}: answered 404, it knows job {begun.job} no more; delete {work.file.path} to "
                f"tune anew"
            ) from None
        if job is None:
            said = await work.interrupted(begun, watching, bill)
            raise BudgetUsedUp(f"{work.spend.time_is_up()}; {said}")
        price = work.paid(job, watching.share)
        bill.usage, bill.price = Usage(), price
        if job.status == "succeeded" and job.fine_tuned_model:
            return await _kept(work, begun, job, watching, price)
    await work.give_up(begun)
    if job.status == "cancelled":
        raise EndpointError(
            f"{work.endpoint.callee}: fine-tuning job {job.id} was cancelled after step {watching.steps}; "
            f"run again to begin another"
        )
    raise work.endpoint.refusal(job)


async def _kept(work: Work, begun: Remembered, job: "FineTuningJob", watching: Watching, price: float) -> Finished:
    kept = [
        KeptCheckpoint(
            step=each.step_number,
            adapter=HostedModel(model=each.fine_tuned_model_checkpoint, job=job.id),
            held_out=each.metrics.full_valid_loss,
        )
        for each in await work.endpoint.checkpoints(job.id)
    ]
    facts = {
        "steps": float(watching.steps),
        "trained_tokens": float(job.trained_tokens or 0),
        "price": price,
        "expected_price": begun.expected_price,
        "seconds": float((job.finished_at or job.created_at) - job.created_at),
    }
    finished = Finished(
        adapter=HostedModel(model=str(job.fine_tuned_model), job=job.id),
        losses=watching.losses,
        checkpoints=tuple(kept),
        facts=facts,
    )
    rubbish = tuple(file for file in (begun.training_file, begun.validation_file) if file)
    await work.clean(work.file.note(begun, finished=finished, rubbish=rubbish))
    say(f"{work.label}: made {finished.adapter.model}, ${price:.4f}")
    return finished


def _parameters(settings: HostedTuning) -> dict[str, int | float]:
    """Returns the hyper-parameters in the API's words; what is not there is the provider's to choose."""
    chosen = {
        "n_epochs": settings.epochs,
        "batch_size": settings.batch,
        "learning_rate_multiplier": settings.learning_rate_multiplier,
    }
    return {name: value for name, value in chosen.items() if value is not None}


def _tunable(workspace: "Workspace", name: str) -> OpenAIModel:
    model = workspace.loaded.models.get(name)
    if model is None or model.kind != "openai" or model.task != "chat":
        fitting = sorted(
            other for other, each in workspace.loaded.models.items() if each.kind == "openai" and each.task == "chat"
        )
        raise ConfigurationError(
            f"app {workspace.name}: {name!r} is no chat model of kind `openai`, which a provider could tune; known are "
            f"{', '.join(fitting) or 'none'}"
        )
    return model
