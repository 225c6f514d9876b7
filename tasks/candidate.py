"""A candidate: everything that decides what an application answers. Immutable; its digest is its identity."""

from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field

from configs.schema.app import Parameters
from configs.schema.base import Frozen
from configs.schema.target import Target
from tasks.identity import digest

_HOW_IT_IS_CALLED = {"timeout_s", "retries", "concurrency"}
"""Keys of a target that change no answer."""


class TemplateMessage(Frozen):
    """One message of a prompt: a role and a Jinja2 template."""

    role: str
    template: str


class Prompt(Frozen):
    """A prompt as a candidate holds it: content first, and where the registry keeps it."""

    name: str
    """Name of the prompt, without the app's."""
    messages: tuple[TemplateMessage, ...]
    """The template."""
    version: int | None = None
    """Version in MLflow's prompt registry, where it has been registered."""

    @property
    def digest(self) -> str:
        """Names the template's content, whatever its version is called."""
        return digest([message.model_dump() for message in self.messages])


class RerankChoice(Frozen):
    """How a candidate orders the first passages anew."""

    kind: Literal["sentences", "endpoint"]
    """By their sentences' similarity, or by a reranking model."""
    of: int = Field(ge=2)
    """Passages that are ordered anew."""
    model: str | None = None
    """Name of the reranking model in the configuration."""
    endpoint_model: str | None = None
    """What that name stood for."""


class RetrievalChoice(Frozen):
    """How a candidate retrieves. What is not set is not done, or by vectors."""

    index: str
    """Digest of the index: documents, chunking and embedding model."""
    top_k: int = Field(ge=1)
    """Chunks put into the prompt."""
    embedding: str | None = None
    """What the embedding model's name stood for: questions must be embedded with the model that made the index."""
    search: Literal["lexical", "hybrid"] | None = None
    """By words (BM25), or by the fused ranks of vectors and words; by vectors where not set."""
    fusion_constant: int | None = None
    """Constant of reciprocal-rank fusion, where the search is hybrid."""
    rerank: RerankChoice | None = None
    """Orders the first passages anew."""
    min_score: float | None = None
    """Passages whose similarity to the question is below this are not shown."""
    named_only: bool | None = None
    """True where a passage is shown only if it holds the names in the question."""
    min_statement_score: float | None = None
    """Passages none of whose statements is so similar to what is asked of them are not shown."""
    statements: int | None = None
    """So many statements of a passage are shown, those nearest to what is asked."""
    otherwise: str | None = None
    """Answered, without asking the model, where no passage is shown."""

    @property
    def plain(self) -> bool:
        """Whether the nearest chunks are shown as they are found: nothing else is set."""
        least = (self.min_score, self.min_statement_score)
        return not any((self.search, self.rerank, self.named_only, self.statements)) and least == (None, None)

    @property
    def told(self) -> str:
        """How it is done, for people: `hybrid, top 3, least similarity 0.4`."""
        fused = f" with constant {self.fusion_constant}" if self.fusion_constant else ""
        parts = [f"{self.search or 'vectors'}{fused}", f"top {self.top_k}"]
        parts += [f"first {self.rerank.of} reranked by {self.rerank.model or self.rerank.kind}"] if self.rerank else []
        parts += [f"least similarity {self.min_score:g}"] if self.min_score is not None else []
        parts += ["names must match"] if self.named_only else []
        least = self.min_statement_score
        parts += [f"least similarity of a statement {least:g}"] if least is not None else []
        parts += [f"{self.statements} statements of each"] if self.statements else []
        parts += [f"otherwise {self.otherwise!r}"] if self.otherwise else []
        return ", ".join(parts)


class Example(Frozen):
    """A solved row that a candidate shows before the question."""

    row_id: str
    columns: dict[str, Any]
    """The row's columns, for the template."""
    documents: tuple[str, ...]
    """Texts of the chunks shown with it, as retrieved for its question."""
    answer: str


class LoraAdapter(Frozen):
    """Low-rank weights that are added to a model's own, kept in the folder of adapters under their digest."""

    kind: Literal["lora"] = "lora"
    digest: str
    """Names the weights, the configuration they need and the base they belong to."""
    base: str
    """The model that it was trained on, as `endpoint_model` says it of that model."""


class HostedModel(Frozen):
    """A model that a provider has tuned and serves under a name of its own."""

    kind: Literal["hosted"] = "hosted"
    model: str
    """Name under which the provider's endpoint knows it."""
    job: str
    """Id of the provider's job that made it."""


Adapter = Annotated[LoraAdapter | HostedModel, Field(discriminator="kind")]


class Candidate(Frozen):
    """Prompts × model × parameters × retrieval × examples × adapter, or a target of the user's."""

    app: str
    target: Target
    prompt: Prompt | None = None
    meta_prompt: Prompt | None = None
    """Rules that stand before the prompt's own system message."""
    model: str | None = None
    """Name of the model in the configuration."""
    endpoint_model: str | None = None
    """What that name stood for: the endpoint's own model name, or the digest of the embedded weights."""
    parameters: Parameters | None = None
    retrieval: RetrievalChoice | None = None
    examples: tuple[Example, ...] = ()
    adapter: Adapter | None = None
    """What fine-tuning has made of the model."""
    code: str | None = None
    """Digest of the user's file, for targets `python` and `answers`."""
    move: str | None = None
    """The move of `augment` that made it; no part of its identity."""
    parent: str | None = None
    """Digest of the candidate it was made from; no part of its identity."""

    @cached_property
    def digest(self) -> str:
        """Names what the candidate answers with: two candidates that would ask the same have the same digest.

        What is not set is no part of it, so that a field that candidates get later renames none of those there are.
        """
        beside = {"move", "parent", "prompt", "meta_prompt", "target"}
        content = self.model_dump(mode="json", exclude=beside, exclude_none=True)
        if self.meta_prompt is not None:
            content["meta_prompt"] = self.meta_prompt.digest
        target = self.target.model_dump(mode="json", exclude=_HOW_IT_IS_CALLED)
        return digest({**content, "target": target, "prompt": self.prompt.digest if self.prompt else None})

    @property
    def prompts(self) -> tuple[Prompt, ...]:
        """Its meta-prompt and its prompt, as far as it has them."""
        return tuple(prompt for prompt in (self.meta_prompt, self.prompt) if prompt is not None)

    @property
    def label(self) -> str:
        """A name for people: prompt, meta-prompt, model, move and the digest's beginning."""
        asked = self.prompt.name if self.prompt else self.target.kind
        if self.meta_prompt is not None:
            asked = f"{asked} under {self.meta_prompt.name}"
        parts = [asked, self.model or "", self.move or ""]
        return " · ".join([part for part in parts if part] + [self.digest[:8]])
