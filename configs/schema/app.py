"""An application under the lifecycle: what `app.yaml` holds."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from configs.schema.augment import Augment
from configs.schema.base import Frozen
from configs.schema.dataset import Datasets
from configs.schema.finetune import Finetune
from configs.schema.gate import Gates
from configs.schema.retrieval import Retrieval
from configs.schema.scorer import ScorerConfig
from configs.schema.target import Target


class Parameters(Frozen):
    """One named set of model parameters."""

    name: str = Field("default", pattern=r"^[a-z0-9][a-z0-9-]*$")
    """Short name, shown on the leaderboard."""
    temperature: float | None = Field(0.0, ge=0, le=2)
    """0 is greedy; the endpoint's default where null, as models that accept no other want it."""
    top_p: float | None = Field(None, gt=0, le=1)
    """Nucleus sampling; the endpoint's default where not set."""
    max_tokens: int = Field(64, ge=1, le=32768)
    """Tokens of an answer at most."""
    seed: int | None = 7
    """Seed sent with each call."""
    stop: tuple[str, ...] = ()
    """Texts at which the answer ends."""

    def of_repeat(self, repeat: int) -> "Parameters":
        """Returns those of a further answer to the same question: with another seed, where one is sent at all."""
        if not repeat or self.seed is None:
            return self
        return self.model_copy(update={"seed": self.seed + repeat})


class Hypothesis(Frozen):
    """One sentence and one expected difference, written before an exploration and judged after it."""

    statement: str = Field(min_length=10)
    """What is believed, in one sentence."""
    metric: str
    """Metric that decides."""
    treatment: str
    """Prompt that is believed to be better."""
    control: str
    """Prompt it is compared with."""
    expected_difference: float = Field(gt=0)
    """Expected improvement, treatment over control, in the metric's own direction."""


class Explore(Frozen):
    """How the exploration's best is chosen."""

    rank_by: str
    """Metric of the leaderboard's order."""
    meta_prompts: tuple[str, ...] = ()
    """Names of meta-prompts under which every prompt is tried as well, besides without any."""
    hypothesis: Hypothesis | None = None
    """The exploration's hypothesis."""


class Budget(Frozen):
    """Hard caps of one command. What they cut off ends as `skipped`."""

    calls: int = Field(5000, ge=1)
    """Model calls at most."""
    price: float = Field(1.0, ge=0)
    """US dollars at most."""
    tokens: int | None = Field(None, ge=1)
    """Tokens at most, sent and generated; any number where not set."""
    minutes: float | None = Field(None, gt=0)
    """Minutes at most: then calls in flight are stopped; any number where not set."""
    reuse_days: float | None = Field(None, gt=0)
    """Days for which answers are reused; then a new epoch opens and everything is asked again. For ever where not
    set."""
    seconds_per_row: float = Field(600, gt=0)
    """Seconds that one row may take, all its tries and waits included."""
    unpriced: tuple[str, ...] = ()
    """Models without a price that may be asked all the same: their calls count as free."""


class Schedule(Frozen):
    """When a stage runs by itself."""

    cron: str = Field(pattern=r"^\S+ \S+ \S+ \S+ \S+$")
    """Five cron fields."""
    timezone: str = "UTC"
    """Time zone of those fields."""


class Schedules(Frozen):
    """Stages that run by themselves."""

    evaluate: Schedule | None = None
    """The champion is asked again, in a new epoch: a provider's silent change shows."""
    monitor: Schedule | None = None
    """The served requests are scored."""
    finetune: Schedule | None = None
    """The first fine-tuning move is made again; with the same rows and settings nothing is trained."""


class Limit(Frozen):
    """A limit on what is served. Exactly one of the three bounds is set."""

    metric: str
    """A metric that needs no reference, or `error_rate`, `abstention_rate`."""
    at_least: float | None = None
    """Broken where the whole interval is below this."""
    at_most: float | None = None
    """Broken where the whole interval is above this."""
    drop_at_most: float | None = Field(None, ge=0)
    """Broken where the metric is certainly worse than at the release by more than this."""

    @model_validator(mode="after")
    def _one_bound(self) -> "Limit":
        if sum(bound is not None for bound in (self.at_least, self.at_most, self.drop_at_most)) != 1:
            raise ValueError("set exactly one of at_least, at_most, drop_at_most")
        return self


class Monitor(Frozen):
    """How the served requests are watched."""

    window_minutes: int = Field(1440, ge=1)
    """Length of the window that a run looks at."""
    min_requests: int = Field(20, ge=1)
    """Below this many requests a window is not judged."""
    trace_share: float = Field(1.0, ge=0, le=1)
    """Share of the served requests that become MLflow traces; flagged ones always do."""
    limits: tuple[Limit, ...] = ()
    """What must hold."""


class Release(Frozen):
    """Rules of releasing."""

    moved_by_hand: Literal["refuse", "warn"] = "refuse"
    """The alias `champion` moved by hand in MLflow to a candidate that passed no gate: moved back (`refuse`), or served
    with a warning (`warn`)."""


class Loop(Frozen):
    """Bounds of one turn of the loop."""

    max_rounds: int = Field(3, ge=1, le=20)
    """Rounds of augment and gates at most."""


Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,40}$")]


class App(Frozen):
    """One generative-AI application under the lifecycle."""

    name: Name
    """Short name; also the MLflow experiment, the registered model and the endpoint's model name."""
    description: str
    """What the application is for, in a sentence."""
    target: Target
    """What the app runs."""
    prompts: tuple[str, ...] = ()
    """`.prompty` files, relative to `app.yaml`."""
    meta_prompts: tuple[str, ...] = ()
    """Rules on safety, grounding and format that stand before a prompt's own system message where a move, a search or
    `explore.meta_prompts` asks for them: `.prompty` files or plain text, relative to `app.yaml`."""
    models: tuple[str, ...] = ()
    """Names from `configs/models.yaml` or from a `models.yaml` beside `app.yaml`."""
    parameters: tuple[Parameters, ...] = (Parameters(),)
    """Sets of parameters that an exploration tries."""
    datasets: Datasets
    """The app's data."""
    retrieval: Retrieval | None = None
    """The app's documents."""
    scorers: tuple[ScorerConfig, ...] = Field(min_length=1)
    """Quality, honesty and harm; cost and latency are always measured."""
    repeats: int = Field(1, ge=1, le=100)
    """Answers that an evaluation asks for to each row, each with a seed of its own where one is sent: for `pass_at_k`
    and `pass_hat_k`. The answers to one row count as one observation."""
    labels: str | None = None
    """People's labels, by which `calibrate` measures the judges: JSONL, CSV or Parquet with `row_id`, `metric` and
    `label`, relative to `app.yaml`."""
    gates: Gates
    """The two decisions."""
    explore: Explore
    """How the first best is found."""
    augment: Augment = Augment()
    """What may be changed when a gate says no."""
    finetune: Finetune = Finetune()
    """How weights are fitted to the training rows."""
    monitor: Monitor = Monitor()
    """How what is served is watched."""
    release: Release = Release()
    """Rules of releasing."""
    loop: Loop = Loop()
    """Bounds of the loop."""
    budget: Budget = Budget()
    """Hard caps of one command."""
    schedules: Schedules = Schedules()
    """Stages that run by themselves."""

    @model_validator(mode="after")
    def _prompt_target_is_complete(self) -> "App":
        if self.target.kind == "prompt" and not (self.prompts and self.models):
            raise ValueError("a target of kind `prompt` needs `prompts` and `models`")
        return self

    @model_validator(mode="after")
    def _answers_that_exist_are_not_repeated(self) -> "App":
        if self.target.kind == "answers" and self.repeats > 1:
            raise ValueError("a target of kind `answers` has one answer a row; leave `repeats` at 1")
        return self
