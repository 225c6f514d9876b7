"""MLflow's prompt optimisers (`mlflow.genai.optimize_prompts`) with our engine under them.

MLflow gives the method, GEPA (Agrawal et al. 2025) or a rewrite in one pass, and takes two functions: one that answers
a row with the instruction of the moment, one that asks the model which reflects. Both are calls of our engine, so that
journal, budget, prices and limits hold, and a run that was killed goes on.
"""

import asyncio
import json
import logging
import os
import re
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast

from configs.schema.augment import SearchPrompt
from tasks.calling.answer import Answer, Outcome
from tasks.calling.asking import ask
from tasks.calling.spend import BudgetUsedUp
from tasks.candidate import Candidate, Prompt, TemplateMessage
from tasks.data.row import Message, Row
from tasks.evaluating.under_way import how_asked
from tasks.progress import say
from tasks.prompting.proposing import (
    Proposal,
    check_proposer,
    instruction_of,
    proposer,
    usable,
    with_instruction,
)
from tasks.scoring.scoring import score_all
from tasks.tracking.connection import connect, experiment_of
from tasks.tracking.prompts import registry_name

if TYPE_CHECKING:
    from mlflow.genai.optimize.optimizers import BasePromptOptimizer

    from tasks.prompting.search.objective import Objective
    from tasks.workspace import Workspace

T = TypeVar("T")
_log = logging.getLogger(__name__)
_REFLECTION = Prompt(name="reflection", messages=(TemplateMessage(role="user", template="{{ question }}"),))
_FENCE = re.compile(r"^```(?:json)?\s*|\s*```$")


async def optimised(
    workspace: "Workspace", start: Candidate, move: SearchPrompt, rows: Sequence[Row], objective: "Objective"
) -> tuple[Proposal, ...]:
    """Lets an optimiser of MLflow's rewrite a prompt's instruction, and returns what came of it, the best first.

    Where the budget ends it, what was found by then is returned.

    Args:
        workspace: the app; its ledger is the search's.
        start: whose prompt is rewritten.
        move: names the optimiser and the proposer.
        rows: what it may ask.
        objective: what it is to make high, row by row.

    Raises:
        ConfigurationError: the extra `optimize` is not installed, or the proposer cannot be asked.
        StackError: MLflow does not answer or refuses it.
    """
    check_proposer(workspace.loaded, move)
    work = _Work(workspace, start, move, {row.id: row for row in rows}, objective, asyncio.get_running_loop())
    try:
        found = await asyncio.to_thread(_optimise, work)
    except asyncio.CancelledError:
        work.ended = "it was interrupted"  # a thread cannot be cancelled: it asks nothing any more
        raise
    if work.ended:
        say(f"{move.by}: {work.ended}")
    now = instruction_of(work.prompt)
    new = [each for each in found if each.text != now and usable(each.text, now)]
    say(f"{move.by}: {len(new)} instructions, by {move.proposer}")
    return tuple(dict.fromkeys(new))[: move.proposals]


@dataclass
class _Work:
    """What an optimiser works with, from a thread of its own.

    Attributes:
        loop: where the engine runs.
        ended: why nothing more is asked, "" while it is.
    """

    workspace: "Workspace"
    start: Candidate
    move: SearchPrompt
    rows: dict[str, Row]
    objective: "Objective"
    loop: asyncio.AbstractEventLoop
    ended: str = ""
    history: list[tuple[float, Proposal]] = field(default_factory=list)

    @property
    def prompt(self) -> Prompt:
        return cast("Prompt", self.start.prompt)

    def answer(self, row: Row, instruction: str) -> dict[str, Any]:
        """Returns what a row is answered under an instruction, and what that is worth; nothing where it is no use."""
        if self.ended:
            return {"answer": "", "objective": 0.0, "why": self.ended}
        if not usable(instruction, instruction_of(self.prompt)):
            why = "the text is no template with just the variables of the present one"
            return {"answer": "", "objective": 0.0, "why": why}
        return self._in_loop(self._answered(row, instruction))

    def reflect(self, text: str) -> str:
        """Asks the proposer.

        Raises:
            BudgetUsedUp: it may not be asked any more, or does not answer.
        """
        if self.ended:
            raise BudgetUsedUp(self.ended)
        loaded = self.workspace.loaded
        row = Row("reflection", (Message("user", text),), columns={"question": text})
        answer = self._in_loop(self._one(proposer(loaded, self.move, _REFLECTION), row))
        if answer.outcome is not Outcome.OK:
            self.ended = answer.cause
            raise BudgetUsedUp(answer.cause)
        return answer.text

    def _in_loop(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    async def _answered(self, row: Row, instruction: str) -> dict[str, Any]:
        prompt = with_instruction(self.prompt, instruction)
        answer = await self._one(self.start.model_copy(update={"prompt": prompt}), row)
        if answer.outcome is not Outcome.OK:
            self.ended = answer.cause if answer.outcome is Outcome.SKIPPED else self.ended
            return {"answer": "", "objective": 0.0, "why": answer.cause}
        workspace = self.workspace
        scores = await score_all([row], [answer], workspace.scorers, workspace.means)
        said = {each.metric: each for each in scores if each.value is not None}
        about = [f"{name} {each.value:g}{f' ({each.why})' if each.why else ''}" for name, each in said.items()]

        def value(name: str) -> float | None:
            return said[name].value if name in said else None

        return {"answer": answer.text, "objective": self.objective.of_row(value), "why": "; ".join(about)}

    async def _one(self, candidate: Candidate, row: Row) -> Answer:
        answers: list[Answer] = []

        async def told(_: int, __: Row, answer: Answer) -> None:
            answers.append(answer)

        await ask(candidate, [row], told, **how_asked(self.workspace, candidate))
        return answers[0]


def _optimise(work: _Work) -> list[Proposal]:
    import mlflow
    from mlflow.entities import Feedback
    from mlflow.genai import optimize_prompts
    from mlflow.genai.scorers import scorer

    app = work.start.app
    with connect() as client, _without_traces():
        mlflow.set_tracking_uri(client.tracking_uri)
        mlflow.set_experiment(experiment_id=experiment_of(client, app))
        name = registry_name(app, f"{work.prompt.name}.instruction")
        version = client.register_prompt(name, instruction_of(work.prompt), tags={"lifecycle.source": "optimiser"})
        # Once loaded it comes from MLflow's cache, and starts no further thread.
        mlflow.genai.load_prompt(version.uri)
        _wait_for_links()

        def answered(row_id: str, question: str) -> dict[str, Any]:  # noqa: ARG001 what the reflecting model sees
            # MLflow puts the instruction of the moment in place of the version's own.
            return work.answer(work.rows[row_id], str(version.template))

        @scorer(name="objective")  # type: ignore[untyped-decorator]
        def rated(outputs: Any) -> Feedback:
            # MLflow makes a text of what went wrong in `answered`.
            if not isinstance(outputs, dict):
                return Feedback(value=0.0, rationale=str(outputs))
            return Feedback(value=outputs["objective"], rationale=outputs["why"])

        result = optimize_prompts(
            predict_fn=answered,
            train_data=[
                {
                    "inputs": {"row_id": row.id, "question": row.question},
                    "expectations": {"expected_response": row.reference},
                }
                for row in work.rows.values()
            ],
            prompt_uris=[version.uri],
            optimizer=_OPTIMISERS[work.move.by](work),
            scorers=[rated],
            enable_tracking=False,
        )
        best = Proposal(str(result.optimized_prompts[0].template))
    ordered = sorted(work.history, key=lambda each: -each[0])
    return [proposal for _, proposal in ordered] or [best]


def _wait_for_links() -> None:
    """Waits for the threads in which MLflow notes the experiment of a prompt that was registered or loaded.

    They import, which takes the lock of MLflow's import hooks; the first evaluation of an optimiser holds it and
    imports too, and the two can wait for each other for ever.
    """
    for thread in threading.enumerate():
        if thread.name.startswith("link_prompt_to_experiment"):
            thread.join()


def _gepa(work: _Work) -> "BasePromptOptimizer":
    from gepa.proposer.reflective_mutation.reflection_lm import StatelessReflectionLM
    from mlflow.genai.optimize.optimizers import GepaPromptOptimizer

    def said(prompt: Any) -> str:
        return work.reflect(prompt if isinstance(prompt, str) else "\n\n".join(each["content"] for each in prompt))

    return GepaPromptOptimizer(
        reflection_model=f"openai:/{work.move.proposer}",
        max_metric_calls=work.move.metric_calls,
        gepa_kwargs={
            "reflection_strategy": StatelessReflectionLM(said),
            "stop_callbacks": [lambda _: bool(work.ended)],
            "callbacks": [_Following(work)],
            "logger": _Quiet(),
            "seed": work.move.seed,
            # The reflecting model out of budget is an end and no error.
            "raise_on_exception": False,
        },
    )


def _metaprompt(work: _Work) -> "BasePromptOptimizer":
    from mlflow.genai.optimize.optimizers import MetaPromptOptimizer

    class Asked(MetaPromptOptimizer):  # type: ignore[misc]
        def _call_reflection_model(self, meta_prompt: str, enable_tracking: bool = True) -> dict[str, str]:  # noqa: ARG002
            found: dict[str, str] = json.loads(_FENCE.sub("", work.reflect(meta_prompt).strip()))
            return found

    return Asked(reflection_model=f"openai:/{work.move.proposer}")


_OPTIMISERS: dict[str, Callable[[_Work], Any]] = {"gepa": _gepa, "metaprompt": _metaprompt}


class _Following:
    """Keeps what GEPA has tried on all rows, and what each was made of."""

    def __init__(self, work: _Work) -> None:
        self._work = work
        self._texts: dict[int, str] = {}

    def on_valset_evaluated(self, event: dict[str, Any]) -> None:
        """Takes an instruction that was asked all rows; the first is the prompt's own."""
        (text,) = event["candidate"].values()
        parents = [self._texts[at] for at in event["parent_ids"] if at in self._texts]
        self._texts[event["candidate_idx"]] = text
        if parents and not self._work.ended:
            self._work.history.append((event["average_score"], Proposal(text, parents[0])))


class _Quiet:
    def log(self, message: str) -> None:
        """Logs what GEPA would print."""
        _log.debug("%s", message)


@contextmanager
def _without_traces() -> Iterator[None]:
    """Keeps MLflow from writing a trace for each row: our table has them."""
    name = "MLFLOW_GENAI_EVAL_SKIP_TRACE_VALIDATION"
    before = os.environ.get(name)
    os.environ[name] = "true"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
