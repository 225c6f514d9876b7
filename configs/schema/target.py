"""Targets: what an application runs. All kinds are evaluated, gated and watched alike."""

from typing import Annotated, Literal

from pydantic import Field

from configs.schema.base import Frozen


class PromptTarget(Frozen):
    """A prompt, a model and retrieval: ours to change, so the only kind that can be augmented."""

    kind: Literal["prompt"]
    """`prompt`."""


class PythonTarget(Frozen):
    """A function of the user's: `async` or not, called with the row's columns as keyword arguments."""

    kind: Literal["python"]
    """`python`."""
    callable: str = Field(pattern=r"^[^:]+\.py:[A-Za-z_][A-Za-z0-9_]*$")
    """`file.py:function`, the file relative to `app.yaml`. Returns the answer, or a
    mapping with `answer` and, where known, `context` (list of `{id, text}`)."""
    timeout_s: float = Field(60, gt=0)
    """Seconds one row may take."""
    concurrency: int = Field(4, ge=1, le=256)
    """Rows in flight at once."""


class HttpTarget(Frozen):
    """A service of the user's: one POST of the row's columns as JSON a row."""

    kind: Literal["http"]
    """`http`."""
    url: str = Field(pattern=r"^https?://[^@?#\s]+$")
    """Address that the row is posted to; no password and no query in it: a key goes by `api_key_env`."""
    answer: str = "answer"
    """Path to the answer in the JSON reply, keys and list positions parted by dots (`choices.0.message.content`)."""
    api_key_env: str | None = Field(None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    """Name of the environment variable that holds a bearer token."""
    timeout_s: float = Field(60, gt=0)
    """Seconds one row may take."""
    retries: int = Field(3, ge=0, le=10)
    """Further tries after a failure that a retry can mend."""
    concurrency: int = Field(8, ge=1, le=256)
    """Rows in flight at once."""


class AnswersTarget(Frozen):
    """Answers that already exist: a file of rows with an id and an answer."""

    kind: Literal["answers"]
    """`answers`."""
    path: str = Field(min_length=1)
    """JSONL, CSV or Parquet, relative to `app.yaml`."""
    column: str = "answer"
    """Column that holds the answer."""


Target = Annotated[PromptTarget | PythonTarget | HttpTarget | AnswersTarget, Field(discriminator="kind")]
