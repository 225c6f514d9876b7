"""How a simulated endpoint behaves: how fast, how many at once, what it answers and how it fails."""

from collections.abc import Sequence
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
    others: tuple[str, ...] = ()
    """Further answers; which of all is given follows from `chosen_by`."""
    chosen_by: Literal["request", "longest"] = "request"
    """`request`: each as often, by the seed and the whole request, so that a repeated question with another seed may be
    answered otherwise. `longest`: the answer whose number is that of the longest block of the last message, blocks
    being parted by empty lines; the last answer where there are more blocks."""
    where: Literal["last", "prompt"] = "last"
    """Looked for in the last user message, or in all messages."""


class Fault(Frozen):
    """A way to fail.

    In the middle of a stream, `torn` breaks the connection, `cut` ends the stream as if it were whole, `half_json`
    sends half a piece; a reply in one piece is half its JSON in all three. `empty` ends a reply that never began,
    `html` is a web page with status 200, `hang` never answers and ends when the client goes away. In a batch, `hang`
    is a line that timed out, and what breaks a reply is a server error.
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
    """Decides which requests the faults fall on and how long each takes."""
    models: tuple[str, ...] = ("simulated",)
    """Names under `/v1/models`; any name is answered."""
    latency_s: float = Field(0.0, ge=0)
    """Median of the seconds to the first token, passed inside a slot."""
    latency_sigma: float = Field(0.0, ge=0, le=5)
    """Sigma of the log-normal factor around the median; drawn from the seed and the request, as the faults are."""
    per_token_s: float = Field(0.0, ge=0)
    """Seconds of each further token; where 0, a stream is written at once."""
    slots: int = Field(64, ge=1)
    """Requests answered at once; the others wait."""
    reject_above_slots: bool = False
    """True: the others are answered 429 instead."""
    hang_holds_slot: bool = False
    """Whether a request that hangs on purpose takes a slot until its client goes away."""
    requests_per_minute: float | None = Field(None, gt=0)
    """Requests admitted a minute, of chats and embeddings together; without a limit where not set."""
    tokens_per_minute: float | None = Field(None, gt=0)
    """Tokens admitted a minute, those of the prompt and of the answer; without a limit where not set."""
    burst: int | None = Field(None, ge=1)
    """Requests that a full bucket admits at once; those of a minute where not set. The bucket of tokens is as much of a
    minute as the bucket of requests."""
    rate_limit_headers: bool = False
    """Whether replies say what is left of the limits, and how long a rejected request should wait."""
    rules: tuple[Rule, ...] = ()
    """The first rule that applies answers. Else the answer is the first document of the prompt with its id behind it,
    or the last user message where the prompt shows no document."""
    faults: tuple[Fault, ...] = ()
    """Tried in order."""
    api_key: str | None = None
    """Where set, requests without this key are answered 401."""
    response_format: bool = True
    """False: a request with a `response_format` is answered 400."""
    usage: bool = True
    """Whether tokens are reported."""
    streams: bool = True
    """False: a request for a stream is answered in one piece, as some endpoints do."""
    dimensions: int = Field(64, ge=2, le=4096)
    """Length of the embeddings."""
    keep_requests: int = Field(10_000, ge=0)
    """Bodies of chat requests that are kept, the newest."""
    batch_s: float = Field(0.2, ge=0)
    """Seconds from the creation of a batch to its end."""
    batch_expire_share: float = Field(0.0, ge=0, le=1)
    """Share of the lines of a batch that expire instead of being answered."""
    tuning_s: float = Field(0.2, ge=0)
    """Seconds from the creation of a fine-tuning job to its end."""
    tuning_failure: str = ""
    """Where set, what every fine-tuning job fails with half-way."""
    api_faults: tuple[Fault, ...] = ()
    """As `faults`, of requests about files, batches and fine-tuning jobs: `contains` is looked for in the method and
    the path (`POST /v1/fine_tuning/jobs`). What breaks a reply breaks it after the request was carried out."""
    api_latency_s: float = Field(0.0, ge=0)
    """Seconds that each of those requests takes."""


def read_behaviour(path: Path) -> Behaviour:
    """Reads a behaviour from YAML.

    Raises:
        ConfigurationError: the file is missing or holds what is not allowed.
    """
    try:
        return _checked(yaml.safe_load(path.read_text(encoding="utf-8-sig")) or {}, str(path))
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}; mend the name") from None
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{path}: not valid YAML: {getattr(error, 'problem', error)}") from None


def with_settings(behaviour: Behaviour, settings: Sequence[str]) -> Behaviour:
    """Returns a behaviour with some keys set anew.

    Args:
        behaviour: what is changed.
        settings: texts `key=value`; the value is YAML, so `faults=[{kind: torn, share: 0.1}]` is one too.

    Raises:
        ConfigurationError: a text is not of that form, a key is unknown, or a value is not allowed.
    """
    changes = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals:
            raise ConfigurationError(f"--set {setting}: no value; write `--set key=value`")
        try:
            changes[key] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise ConfigurationError(f"--set {setting}: not valid YAML: {getattr(error, 'problem', error)}") from None
    return _checked({**behaviour.model_dump(), **changes}, "--set")


def _checked(values: object, where: str) -> Behaviour:
    try:
        return Behaviour.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "(top level)"
        raise ConfigurationError(f"{where}: key `{key}`: found {first['input']!r}; {first['msg']}") from None
