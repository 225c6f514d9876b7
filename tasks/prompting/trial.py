"""A trial of a search: what one arm reached on the rows of one step."""

from typing import Any, NamedTuple

from tasks.calling.answer import Outcome
from tasks.candidate import Candidate
from tasks.leaderboard import shown_interval
from tasks.results.evaluation import Evaluation


class Trial(NamedTuple):
    """One arm on the rows of one step.

    Attributes:
        arm: its number; 0 is where the search began.
        rung: number of the step, from 1.
        evaluation: of its rows.
        value: what the search makes high; minus infinity where too few rows were answered and scored.
    """

    arm: int
    rung: int
    evaluation: Evaluation
    value: float

    @property
    def whole(self) -> bool:
        """False where the budget has cut rows off: then it is compared with nothing."""
        return self.evaluation.outcomes[Outcome.SKIPPED] == 0

    @property
    def candidate(self) -> Candidate:
        """What was asked."""
        return self.evaluation.candidate


def trial_row(trial: Trial, metrics: tuple[str, ...]) -> dict[str, Any]:
    """Returns a trial as people read it: what the arm is made of, and each metric with its interval."""
    candidate = trial.candidate
    prompts = {"prompt": candidate.prompt, "meta_prompt": candidate.meta_prompt}
    shown = {name: f"{each.name} v{each.version}" if each else "" for name, each in prompts.items()}
    return {
        "rung": trial.rung,
        "arm": trial.arm,
        **shown,
        "examples": ", ".join(example.row_id for example in candidate.examples),
        "rows": len(trial.evaluation.rows),
        "objective": round(trial.value, 4) if trial.whole else "cut off by the budget",
        **{name: shown_interval(trial.evaluation, name) for name in metrics},
        "candidate": candidate.digest,
    }
