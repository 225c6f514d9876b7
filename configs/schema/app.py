"""An application under the lifecycle: what `app.yaml` holds."""

from typing import Annotated

from pydantic import Field, model_validator

from configs.schema.alerts import AlertChannel
from configs.schema.augment import Augment
from configs.schema.base import Frozen
from configs.schema.curate import Curate
from configs.schema.dataset import Datasets
from configs.schema.finetune import Finetune
from configs.schema.gate import Gates
from configs.schema.guards import Guards
from configs.schema.harvest import Harvest
from configs.schema.release import Release
from configs.schema.retrieval import Retrieval
from configs.schema.scorer import ScorerConfig
from configs.schema.serve import Serve
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

    curate: Schedule | None = None
    """What production was asked since is curated."""
    evaluate: Schedule | None = None
    """The champion is asked again, in a new epoch: a provider's silent change shows."""
    monitor: Schedule | None = None
    """The served requests are scored."""
    harvest: Schedule | None = None
    """Requests for people to look at are picked, and what people have said of them becomes rows."""
    finetune: Schedule | None = None
    """The first fine-tuning move is made again; with the same rows and settings nothing is trained."""


class Limit(Frozen):
    """A limit on what is served. Exactly one of the three bounds is set."""

    metric: str
    """A metric that needs no reference, or `error_rate`, `abstention_rate`, `vote_down_rate`."""
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


class Sample(Frozen):
    """Which served requests a model is asked about."""

    share: float = Field(1.0, gt=0, le=1)
    """Share of the requests that scorers which ask a model rate, and whose texts are embedded. A request is in the
    sample by its id alone: the sample is one of every hour, topic and flag, and a later look changes nothing."""


class Change(Frozen):
    """How changes of metrics are found."""

    every: int = Field(20_000, ge=100)
    """On average there is one false alarm in so many requests at most, all metrics together."""


class Drift(Frozen):
    """How it is found that other questions are asked, or other answers given."""

    embedding_model: str | None = None
    """Model that embeds questions and answers; where not set that of `retrieval`, and without one their words are
    compared."""
    requests: int = Field(200, ge=50, le=1000)
    """Requests that are compared at once with those before them."""
    every: int = Field(100, ge=10)
    """On average there is one false alarm in so many comparisons at most, questions and answers together."""


class ErrorBudget(Frozen):
    """What may go wrong in a stretch of time."""

    metric: str
    """A metric from 0 to 1 of which less is better, such as `error_rate`, `vote_down_rate`, `pii_leak`."""
    at_most: float = Field(gt=0, lt=1)
    """Share of the requests that may be bad."""
    over_days: int = Field(28, ge=1, le=366)
    """Days that the budget is for."""


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
    sample: Sample = Sample()
    """Which requests a model is asked about."""
    change: Change = Change()
    """How changes of metrics are found."""
    drift: Drift = Drift()
    """How drift of questions and answers is found."""
    budgets: tuple[ErrorBudget, ...] = ()
    """What may go wrong."""


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
    curate: Curate = Curate()
    """What datasets are curated of, and how."""
    augment: Augment = Augment()
    """What may be changed when a gate says no."""
    finetune: Finetune = Finetune()
    """How weights are fitted to the training rows."""
    monitor: Monitor = Monitor()
    """How what is served is watched."""
    harvest: Harvest = Harvest()
    """Which served requests people look at, and what their labels start."""
    serve: Serve = Serve()
    """How the champion is served."""
    alerts: tuple[AlertChannel, ...] = ()
    """Where to tell what is wrong; every alert is a Prefect event besides."""
    release: Release = Release()
    """Rules of releasing."""
    guards: Guards = Guards()
    """What the endpoint looks for in requests and answers."""
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
    def _only_a_model_is_passed_anything(self) -> "App":
        if self.target.kind != "prompt" and (self.serve.passes or self.serve.fallback):
            raise ValueError(
                f"`serve.passes` and `serve.fallback` are about a model that is asked, which a target of kind "
                f"`{self.target.kind}` is not; leave them out"
            )
        return self

    @model_validator(mode="after")
    def _a_teacher_has_documents(self) -> "App":
        if self.curate.synthetic and self.retrieval is None:
            raise ValueError("`curate.synthetic` writes rows from documents; name them under `retrieval.documents`")
        return self

    @model_validator(mode="after")
    def _a_leak_is_of_a_prompt(self) -> "App":
        if self.target.kind != "prompt" and any(guard.kind == "leak" for guard in self.guards.output):
            raise ValueError("`guards.output`: `leak` knows the system message of a target of kind `prompt` alone")
        return self

    @model_validator(mode="after")
    def _answers_that_exist_are_not_repeated(self) -> "App":
        if self.target.kind == "answers" and self.repeats > 1:
            raise ValueError("a target of kind `answers` has one answer a row; leave `repeats` at 1")
        return self

    @model_validator(mode="after")
    def _an_address_is_one_channel(self) -> "App":
        names = [channel.url_env for channel in self.alerts]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"`alerts` names {twice} twice; an address is one channel")
        return self
