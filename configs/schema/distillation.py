"""Distillation: a teacher's answers become what a student is trained on."""

from pydantic import Field, field_validator, model_validator

from configs.schema.base import Frozen
from configs.schema.dataset import Split


class Bound(Frozen):
    """A bound on one answer's score. Exactly one of the two is set."""

    metric: str
    """One of the app's metrics."""
    at_least: float | None = None
    """The answer is kept where its score is this or more."""
    at_most: float | None = None
    """The answer is kept where its score is this or less."""

    @model_validator(mode="after")
    def _one_bound(self) -> "Bound":
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("set exactly one of at_least, at_most")
        return self

    def holds(self, score: float) -> bool:
        """Returns whether a score is within the bound."""
        return score >= self.at_least if self.at_least is not None else score <= (self.at_most or 0.0)

    def __str__(self) -> str:
        return (
            f"{self.metric} below {self.at_least:g}"
            if self.at_least is not None
            else f"{self.metric} above {self.at_most:g}"
        )


class Distillation(Frozen):
    """A teacher answers rows, and the answers that pass the app's scorers become training examples."""

    teacher: str
    """Name of the chat model that answers, asked with the candidate's own prompt and retrieval."""
    terms: str = Field(min_length=10)
    """Under which licence or terms of use the teacher's answers may train another model, in words: a name, a version or
    a clause. Many providers forbid it; without these words nothing is distilled, and they stay with the dataset."""
    split: Split = "train"
    """Rows that are asked; `sample` and `full` are refused, since a student that has seen them proves nothing."""
    keep: tuple[Bound, ...] = Field(min_length=1)
    """What each answer must hold; a metric that does not apply to a row asks nothing of it, but one at least must."""

    @field_validator("terms")
    @classmethod
    def _are_said(cls, terms: str) -> str:
        if len(terms.split()) < 2:
            raise ValueError("say under which terms the teacher's answers may train a model, in more than one word")
        return terms

    @field_validator("split")
    @classmethod
    def _is_not_evaluated(cls, split: Split) -> Split:
        if split in ("sample", "full"):
            raise ValueError(f"`{split}` is what candidates are judged on; distil rows of another split, such as train")
        return split
