"""Models: anything that speaks the OpenAI protocol, or the weights that travel with the project."""

from typing import Annotated, Literal

from pydantic import Field

from configs.schema.base import Frozen


class EmbeddedModel(Frozen):
    """A model whose weights are installed with the project; the local stack serves it."""

    kind: Literal["embedded"]
    """`embedded`: no key and no network."""
    task: Literal["chat", "embedding"]
    """`chat` is SmolLM2-135M-Instruct, `embedding` is all-MiniLM-L6-v2."""
    concurrency: int = Field(4, ge=1, le=64)
    """Calls in flight at once."""
    timeout_s: float = Field(120, gt=0)
    """Seconds one call may take."""


class OpenAIModel(Frozen):
    """A model behind any OpenAI-compatible endpoint."""

    kind: Literal["openai"]
    """`openai`: OpenAI, Azure (v1), vLLM, Ollama, a gateway of your own."""
    task: Literal["chat", "embedding", "rerank"] = "chat"
    """What the model is asked for; `rerank` at `/v1/rerank`, as vLLM, llama.cpp and Jina answer it."""
    base_url: str = Field(pattern=r"^https?://[^@?#\s]+$")
    """Address of the endpoint, with its `/v1`; no password and no query in it: a key goes by `api_key_env`."""
    model: str = Field(min_length=1)
    """Name under which the endpoint knows the model."""
    adapter_name: str = Field("{adapter}", min_length=1)
    """Name under which the endpoint serves a candidate's low-rank adapter, such as vLLM's `--lora-modules` gives it;
    `{adapter}` stands for the adapter's digest."""
    api_key_env: str | None = Field(None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    """Name of the environment variable that holds the key; never the key itself."""
    max_tokens_key: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """Name of the bound on an answer's tokens; OpenAI's reasoning models want the second."""
    concurrency: int | None = Field(None, ge=1, le=512)
    """Calls in flight at once; where not set, as many as the endpoint is found to answer, 512 at most."""
    requests_per_minute: int | None = Field(None, ge=1)
    """Calls a minute at most; where not set, as many as the endpoint is found to accept."""
    tokens_per_minute: int | None = Field(None, ge=1)
    """Tokens a minute at most, sent and generated."""
    timeout_s: float = Field(60, gt=0)
    """Seconds one call may take."""
    retries: int = Field(3, ge=0, le=10)
    """Further tries after a failure that a retry can mend (5xx, torn reply, refused connection); a call that was turned
    away (429) gets three times as many, one that timed out only one."""


ModelConfig = Annotated[EmbeddedModel | OpenAIModel, Field(discriminator="kind")]


class Price(Frozen):
    """Price of a model, in US dollars per million tokens."""

    input: float = Field(ge=0)
    """Prompt tokens."""
    output: float = Field(ge=0)
    """Generated tokens."""
    cached_input: float | None = Field(None, ge=0)
    """Prompt tokens that the endpoint had cached; the price of `input` where not set."""
    deferred: float = Field(0.5, ge=0, le=1)
    """Share of the price that a deferred call costs."""
    training: float | None = Field(None, ge=0)
    """Tokens that the provider trains the model on, each once an epoch; without it nothing is trained there."""


class Prices(Frozen):
    """What `prices.yaml` holds."""

    as_of: str
    """Date of the prices, between quotes; shown with every amount of money."""
    models: dict[str, Price]
    """Price of each model, by its name in the configuration; a model that is not here has no known price."""
