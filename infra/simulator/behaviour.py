"""How a simulated endpoint behaves: how fast, how many at once, what it answers and how it fails."""

from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field, ValidationError

from configs.errors import ConfigurationError
from configs.schema.base import Frozen

FaultKind = Literal[
    "unauthorized",
    "not_found",
    "rate_limited",
    "server_error",
    "too_long",
    "html",
    "torn",
    "cut",
    "half_json",
    "empty",
    "hang",
]


class Rule(Frozen):
    """An answer to some prompts."""

    contains: str
    """Text that the prompt must contain; "" is in every prompt."""
    answer: str
    """The answer."""
    where: Literal["last", "prompt"] = "last"
    """Looked for in the last user message, or in all messages."""


class Fault(Frozen):
    """A way to fail.

    In the middle of a reply, `torn` breaks the connection, `cut` ends the reply as if it were whole, `half_json` sends
    half a piece. `empty` ends a reply that never began, `html` is a web page with status 200, `hang` never answers.
    """

    kind: FaultKind
    """What happens."""
    share: float = Field(1.0, ge=0, le=1)
    """Share of the requests it happens to; which ones follows from the seed, the request and how often it was sent."""
    times: int | None = Field(None, ge=0)
    """At most so many requests in all; without a bound where not set."""
    contains: str = ""
    """Only prompts or texts that contain this."""
    retry_after_s: float | None = Field(None, ge=0)
    """Seconds that the reply asks to wait (`rate_limited`, `server_error`)."""


class Behaviour(Frozen):
    """The whole behaviour of a simulated endpoint; the same behaviour answers the same."""

    seed: int = 7
    """Decides which requests a share of faults falls on."""
    models: tuple[str, ...] = ("simulated",)
    """Names under `/v1/models`; any name is answered."""
    latency_s: float = Field(0.0, ge=0)
    """Seconds to the first token."""
    per_token_s: float = Field(0.0, ge=0)
    """Seconds of each further token."""
    slots: int = Field(64, ge=1)
    """Requests answered at once; the others wait."""
    rules: tuple[Rule, ...] = ()
    """The first rule that applies answers. Else the answer is the first document of the prompt with its id behind it,
    or the last user message where the prompt shows no document."""
    faults: tuple[Fault, ...] = ()
    """Tried in order."""
    api_key: str | None = None
    """Where set, requests without this key are answered 401."""
    usage: bool = True
    """Whether tokens are reported."""
    streams: bool = True
    """False: a request for a stream is answered in one piece, as some endpoints do."""
    dimensions: int = Field(64, ge=2, le=4096)
    """Length of the embeddings."""


def read_behaviour(path: Path) -> Behaviour:
    """Reads a behaviour from YAML.

    Raises:
        ConfigurationError: the file is missing or holds what is not allowed.
    """
    try:
        return Behaviour.model_validate(yaml.safe_load(path.read_text(encoding="utf-8-sig")) or {})
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}; mend the name") from None
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{path}: not valid YAML: {getattr(error, 'problem', error)}") from None
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "(top level)"
        raise ConfigurationError(f"{path}: key `{key}`: found {first['input']!r}; {first['msg']}") from None
