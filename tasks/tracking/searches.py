"""Searches over prompts in MLflow: every arm, every step, every estimate, and which arm was kept."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any

from configs.loading import LoadedApp
from configs.schema.augment import SearchPrompt
from tasks.calling.spend import Spend
from tasks.candidate import Candidate
from tasks.data.row import Dataset
from tasks.identity import digest
from tasks.tracking.facts import candidate_parameters, linked_prompt
from tasks.tracking.recording import Content, RecordedRun, as_json, record_run

if TYPE_CHECKING:
    from tasks.prompting.trial import Trial


def record_search(
    loaded: LoadedApp,
    move: SearchPrompt,
    start: Candidate,
    found: Candidate,
    trials: "Sequence[Trial]",
    table: Sequence[Mapping[str, Any]],
    scored: Dataset,
    spend: Spend,
    *,
    cut_off: bool,
) -> RecordedRun:
    """Records a search, once.

    Args:
        loaded: the app.
        move: what was tried.
        start: where it began.
        found: the arm that was kept.
        trials: what every arm reached in every step.
        table: the same as people read it.
        scored: the rows that it scored on.
        spend: what this run of it took.
        cut_off: whether the budget ended it.

    Raises:
        StackError: MLflow does not answer or refuses it.
    """
    candidates = {trial.candidate.digest: trial.candidate for trial in trials}

    def value_of(candidate: Candidate) -> float | None:
        """Returns the value on the most rows that it was asked."""
        values = [trial.value for trial in trials if trial.candidate.digest == candidate.digest and trial.whole]
        return values[-1] if values and isfinite(values[-1]) else None

    def content() -> Content:
        state = "cut off by the budget" if cut_off else "finished"
        return Content(
            name=f"search · {move.name} · {len(candidates)} arms · best {found.label}",
            tags={
                "lifecycle.candidate": found.digest,
                "lifecycle.parent": str(found.parent),
                "lifecycle.state": state,
                **linked_prompt(found),
            },
            parameters={
                **candidate_parameters(found),
                "move": move.name,
                "began_with": start.digest,
                "by": move.by if move.proposer else None,
                "proposer": move.proposer,
                "seed": move.seed,
                "rows": len(scored.rows),
            },
            metrics={
                "objective": value_of(found),
                "objective.start": value_of(start),
                "arms": len(candidates),
                "rungs": max((trial.rung for trial in trials), default=0),
                "calls": spend.made,
                "tokens": spend.input_tokens + spend.output_tokens,
                "price": spend.price,
            },
            datasets=[scored],
            tables={"trials.json": table},
            texts={
                "move.json": as_json(move.model_dump(mode="json")),
                "arms.json": as_json([each.model_dump(mode="json") for each in candidates.values()]),
            },
        )

    key = digest([move, start.digest, [trial.evaluation.id for trial in trials]])
    return record_run(loaded.app.name, "search", key, content)
