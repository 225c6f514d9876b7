"""The fine-tuning jobs of an endpoint: the requests about them, and how they come to their end."""

import asyncio
from math import ceil

from aiohttp import web

from infra.simulator.endpoint import Endpoint
from infra.simulator.errors import Problem, json_response
from infra.simulator.files import Files, StoredFile
from infra.simulator.learning import Learner, Lesson, Recall
from infra.simulator.paging import page_of
from infra.simulator.replies import json_object
from infra.simulator.tuning_file import InvalidFile, check_purpose, lessons_of
from infra.simulator.tuning_job import ENDED, TuningJob, job_of

_STEPS = 10


class TuningJobs:
    """Keeps jobs and answers the requests about them.

    A job validates its files in the first tenth of `tuning_s`, waits in the queue for another and runs in the rest,
    whoever asks about it meanwhile. Each epoch ends with a checkpoint: it answers as the last one does, but knows only
    as much of the file, from its beginning, as its share of the epochs.
    """

    def __init__(self, endpoint: Endpoint, files: Files) -> None:
        self._endpoint = endpoint
        self._files = files
        self._kept: dict[str, TuningJob] = {}
        self._running: set[asyncio.Task[None]] = set()

    async def create(self, request: web.Request) -> web.Response:
        """`POST /v1/fine_tuning/jobs`."""
        job = job_of(json_object(await request.read()))
        training = self._file(job.training_file, "training_file")
        validation = self._file(job.validation_file, "validation_file") if job.validation_file else None
        self._kept[job.id] = job
        self._endpoint.statistics.tuning_jobs += 1
        job.say(f"Created fine-tuning job: {job.id}")
        job.say("Validating training file: " + training.id)
        running = asyncio.create_task(self._run(job, training, validation))
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        return json_response(job.described())

    async def page(self, request: web.Request) -> web.Response:
        """`GET /v1/fine_tuning/jobs`, those alone whose metadata the query names as `metadata[key]=value`."""
        asked = {key[9:-1]: value for key, value in request.query.items() if key.startswith("metadata[")}
        fitting = [job for job in self._kept.values() if asked.items() <= dict(job.metadata or {}).items()]
        return page_of(request, [job.described() for job in fitting])

    async def retrieve(self, request: web.Request) -> web.Response:
        """`GET /v1/fine_tuning/jobs/{id}`."""
        return json_response(self._job(request).described())

    async def cancel(self, request: web.Request) -> web.Response:
        """`POST /v1/fine_tuning/jobs/{id}/cancel`."""
        job = self._job(request)
        if job.status in ENDED:
            raise Problem(400, f"Cannot cancel a job with status '{job.status}'.", "invalid_request_error")
        job.reach("cancelled", "The job was cancelled.")
        return json_response(job.described())

    async def events(self, request: web.Request) -> web.Response:
        """`GET /v1/fine_tuning/jobs/{id}/events`."""
        return page_of(request, self._job(request).events)

    async def checkpoints(self, request: web.Request) -> web.Response:
        """`GET /v1/fine_tuning/jobs/{id}/checkpoints`."""
        return page_of(request, self._job(request).checkpoints)

    async def close(self) -> None:
        """Ends what still runs."""
        for running in list(self._running):
            running.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _job(self, request: web.Request) -> TuningJob:
        job_id = request.match_info["id"]
        if job_id not in self._kept:
            raise Problem(404, f"Could not find fine tune: {job_id}", "fine_tune_not_found")
        return self._kept[job_id]

    def _file(self, file_id: str, param: str) -> StoredFile:
        try:
            file = self._files.get(file_id)
        except Problem:
            raise Problem(400, f"Invalid '{param}': no such file: {file_id}") from None
        check_purpose(file, param)
        return file

    async def _run(self, job: TuningJob, training: StoredFile, validation: StoredFile | None) -> None:
        step_s = self._endpoint.behaviour.tuning_s / _STEPS
        await asyncio.sleep(step_s)
        param = "training_file"
        try:
            lessons = lessons_of(training)
            param = "validation_file"
            held_out = lessons_of(validation, fewest=1) if validation else []
        except InvalidFile as invalid:
            if job.status not in ENDED:
                job.fail(invalid.code, str(invalid), param)
            return
        if job.status not in ENDED:
            job.reach("queued", "Files validated, moving job to queued state")
        await asyncio.sleep(step_s)
        if job.status not in ENDED:
            job.reach("running", "Fine-tuning job started")
        await self._train(job, lessons, [lesson.answer for lesson in held_out], step_s)

    async def _train(self, job: TuningJob, lessons: list[Lesson], held_out: list[str], step_s: float) -> None:
        epochs, batch = job.choose(len(lessons))
        an_epoch = ceil(len(lessons) / batch)
        learner, done, total = Learner(), 0, epochs * an_epoch
        for part in range(1, _STEPS - 1):
            await asyncio.sleep(step_s)
            for step in range(done + 1, total * part // (_STEPS - 2) + 1):
                if job.status in ENDED:
                    return
                at = (step - 1) % an_epoch * batch
                answers = [lesson.answer for lesson in lessons[at : at + batch]]
                metrics = _look(learner, answers, held_out, batch, step, whole=step % an_epoch == 0)
                learner.learn(answers)
                told = {"step": step, "total_steps": total, **metrics}
                job.say(f"Step {step}/{total}: training loss={metrics['train_loss']:.2f}", told)
                if step % an_epoch == 0:
                    known = lessons[: ceil(len(lessons) * step / total)]
                    name = job.name(None if step == total else step)
                    self._endpoint.tuned[name] = Recall(known)
                    job.keep(step, name, metrics)
                done = step
                await asyncio.sleep(0)
            if job.status not in ENDED and self._endpoint.behaviour.tuning_failure and part * 2 >= _STEPS - 2:
                job.fail("server_error", self._endpoint.behaviour.tuning_failure, None)
        if job.status in ENDED:
            return
        job.fine_tuned_model = job.name()
        job.trained_tokens = epochs * sum(lesson.tokens for lesson in lessons)
        job.say(f"New fine-tuned model created: {job.fine_tuned_model}")
        job.reach("succeeded", "The job has successfully completed")


def _look(
    learner: Learner, answers: list[str], held_out: list[str], batch: int, step: int, *, whole: bool
) -> dict[str, float]:
    """Returns the metrics of a step, before it is learnt."""
    train = learner.losses(answers)
    found = {"train_loss": train.loss, "train_mean_token_accuracy": train.accuracy}
    if held_out:
        at = (step - 1) * batch % len(held_out)
        some = learner.losses(held_out[at : at + batch])
        found |= {"valid_loss": some.loss, "valid_mean_token_accuracy": some.accuracy}
    if held_out and whole:
        full = learner.losses(held_out)
        found |= {"full_valid_loss": full.loss, "full_valid_mean_token_accuracy": full.accuracy}
    return found
