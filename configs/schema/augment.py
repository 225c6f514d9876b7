"""What `augment` may change when a gate says no."""

from math import prod
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from configs.schema.base import Frozen
from configs.schema.retrieval import Chunker, Found, Rerank, SearchKind


class _Move(Found):
    """What every move has: how the model is asked."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    """Short name, shown in run names and pages."""
    prompt: str | None = None
    """Prompt to use instead of the exploration's best."""
    meta_prompt: str | None = None
    """Meta-prompt to put before it, by its name; none where not set."""
    top_k: int = Field(0, ge=0, le=20)
    """Chunks of the documents put into the prompt; 0 for none."""
    examples: int = Field(0, ge=0, le=20)
    """Few-shot examples put before the question."""
    chunker: Chunker | None = None
    """Chunks of another kind than the app's."""
    chunk_words: int | None = Field(None, ge=8, le=2000)
    """Chunks of another length than the app's."""
    chunk_tokens: int | None = Field(None, ge=8, le=8192)
    """The same in tokens, where the chunker is `tokens`."""


class Recipe(_Move):
    """One change: a whole recipe, so that the order of moves does not matter to what each one is."""

    kind: Literal["recipe"] = "recipe"
    """`recipe`, which need not be written."""


RetrievalMetric = Literal["hit_rate", "recall", "mrr", "ndcg"]

_MOST_SETTINGS = 500


class Grid(Frozen):
    """Values of which every combination is tried; an empty list leaves a knob as the move, or the app, has it."""

    chunker: tuple[Chunker, ...] = ()
    """Kinds of chunk."""
    chunk_words: tuple[Annotated[int, Field(ge=8, le=2000)], ...] = ()
    """Lengths of a chunk."""
    chunk_tokens: tuple[Annotated[int, Field(ge=8, le=8192)], ...] = ()
    """Lengths of a chunk in tokens; they matter to the chunker `tokens` alone."""
    search: tuple[SearchKind, ...] = ("vectors", "lexical", "hybrid")
    """Kinds of search."""
    top_k: tuple[Annotated[int, Field(ge=1, le=20)], ...] = (1, 3)
    """Chunks put into the prompt."""
    fusion_constant: tuple[Annotated[int, Field(ge=1, le=1000)], ...] = ()
    """Constants of the fusion; they matter to `hybrid` alone."""
    rerank: tuple[Rerank | None, ...] = ()
    """Rerankers; null for what the move, or the app, says."""
    min_score: tuple[Annotated[float, Field(ge=-1, le=1)] | None, ...] = ()
    """Least similarities; null for what the move, or the app, says, -1 for none."""
    named_only: tuple[bool, ...] = ()
    """Whether passages must hold the names in the question."""
    min_statement_score: tuple[Annotated[float, Field(ge=-1, le=1)] | None, ...] = ()
    """Least similarities of a passage's best statement; null for what the move, or the app, says, -1 for none."""
    statements: tuple[Annotated[int, Field(ge=1, le=100)] | None, ...] = ()
    """Statements shown of a passage; null for what the move, or the app, says."""

    @property
    def size(self) -> int:
        """How many combinations there are."""
        return prod(max(1, len(getattr(self, name))) for name in type(self).model_fields)


class SearchRetrieval(_Move):
    """A search over how documents are cut and found, by retrieval metrics first and model calls last."""

    kind: Literal["search_retrieval"]
    """`search_retrieval`."""
    over: Grid = Grid()
    """What is tried; what is not listed there stays as the move says it."""
    metric: RetrievalMetric = "ndcg"
    """What the settings are ranked by before a model is called: of rows that have supporting documents; a row that is
    not answerable counts 1 where nothing is shown to it, else 0."""
    metric_k: int = Field(5, ge=1, le=100)
    """Passages that the ranked metrics look at: how well an index finds says more than the few that are shown."""
    finalists: int = Field(4, ge=1, le=32)
    """Settings that the model is asked with: the best by that metric, then by halves as rows are added."""
    first_rows: int = Field(8, ge=1)
    """Rows that all finalists are asked first; each further round asks twice as many, and half of the settings."""

    @model_validator(mode="after")
    def _no_more_than_can_be_read(self) -> "SearchRetrieval":
        if self.over.size > _MOST_SETTINGS:
            raise ValueError(f"`over` makes {self.over.size} settings; at most {_MOST_SETTINGS} are tried: list fewer")
        return self


class Caps(Frozen):
    """Hard caps of one move; those of the app's `budget` hold besides. What they cut off leaves the best so far."""

    calls: int | None = Field(None, ge=1)
    """Model calls at most."""
    price: float | None = Field(None, ge=0)
    """US dollars at most."""
    tokens: int | None = Field(None, ge=1)
    """Tokens at most, sent and generated."""


class SearchPrompt(_Move):
    """A search over instructions, meta-prompts and few-shot examples by successive halving.

    Many arms are asked few rows, the best half of them twice as many, and so on. The rows are those of `train` and
    `examples`, never those of a gate. `prompt`, `meta_prompt` and `top_k` are where it begins.
    """

    kind: Literal["search_prompt"]
    """`search_prompt`."""
    examples: int = Field(0, ge=0, le=20)
    """Few-shot examples at most: besides none, sets of 1, 2, 4 and so on are tried."""
    sets: int = Field(2, ge=1, le=20)
    """Sets of examples that are tried of each size: spread over answerable and unanswerable rows, answerable ones
    alone, then drawn at random."""
    orders: int = Field(1, ge=1, le=10)
    """Orders that each set is tried in."""
    prompts: tuple[str, ...] = ()
    """Names of prompts that are tried besides `prompt`."""
    instructions: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    """Texts that are tried in place of the prompt's system message."""
    meta_prompts: tuple[str, ...] = ()
    """Names of meta-prompts that are tried besides `meta_prompt`."""
    proposer: str | None = None
    """Capable model that proposes further instructions, by its name."""
    proposals: int = Field(4, ge=1, le=50)
    """Instructions that it proposes at most."""
    by: Literal["asking", "gepa", "metaprompt"] = "asking"
    """How it proposes: asked once for each, or by an optimiser of MLflow's (the extra `optimize`), which looks at what
    the app answers and gives one instruction."""
    metric_calls: int = Field(100, ge=1)
    """Rows that such an optimiser has answered at most, over all that it tries."""
    arms: int = Field(16, ge=2, le=500)
    """Combinations that are tried at most: first those that differ in one thing from where it begins, then others
    drawn at random."""
    first_rows: int = Field(12, ge=1)
    """Rows that every arm is asked."""
    rows: int = Field(200, ge=1)
    """Rows that an arm is asked at most."""
    objective: dict[str, Annotated[float, Field(gt=0)]] = Field({})
    """What is to be high: weights over metrics, each counted in its own direction. `explore.rank_by` alone where not
    set."""
    penalty: float = Field(1.0, ge=0)
    """Weight of what is missing to the bounds of the sample gate, each as a share of its metric's range, so that no
    metric is bought with harm or with abstention."""
    seed: int = 7
    """Seed of what is drawn."""
    budget: Caps = Caps()
    """Hard caps of the search."""

    @model_validator(mode="after")
    def _optimisers_need_a_proposer(self) -> "SearchPrompt":
        if self.by != "asking" and self.proposer is None:
            raise ValueError(f"`by: {self.by}` needs a `proposer`: name a capable model")
        return self


class FineTune(_Move):
    """Weights fitted to the app's training rows, which are asked as this move says."""

    kind: Literal["finetune"]
    """`finetune`."""
    steps: int | None = Field(None, ge=1, le=100_000)
    """Steps at most; as `finetune.steps` says where not set."""
    learning_rate: float | None = Field(None, gt=0, le=1)
    """As `finetune.learning_rate` says where not set."""
    rank: int | None = Field(None, ge=1, le=256)
    """As `finetune.lora.rank` says where not set."""
    unanswerable: float | None = Field(None, ge=0, le=1)
    """As `finetune.unanswerable` says where not set."""
    seed: int | None = Field(None, ge=0)
    """As `finetune.seed` says where not set."""


def _recipe_unless_said(move: Any) -> Any:
    return {"kind": "recipe", **move} if isinstance(move, dict) else move


Move = Annotated[
    Annotated[Recipe | SearchRetrieval | SearchPrompt | FineTune, Field(discriminator="kind")],
    BeforeValidator(_recipe_unless_said),
]


class Augment(Frozen):
    """What `augment` may do when a gate says no."""

    moves: tuple[Move, ...] = ()
    """Of those that fit the likely cause, the cheapest is tried first, one a round."""
    look_at: int = Field(8, ge=0, le=200)
    """Failing rows of a refused candidate that are looked at to find the likely cause; each takes three calls at most.
    0 for none."""
