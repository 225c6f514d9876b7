"""Whether the served model is the trained one: teacher-forced, token by token of known answers.

The server is given the very token ids that the model was trained with, and each answer so far; at each of its tokens
the likeliest next one is compared with the in-process model's. Scores cannot show what this does: an adapter whose q
and k are in the wrong order still answers nearly as well.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from configs.errors import EndpointError
from tasks.tuning.tokens import Tokens
from tasks.writing import write_whole

if TYPE_CHECKING:
    import httpx

LEAST = 0.9
"""Share of equal tokens below which an adapter was converted wrongly; docs/finetuning.md has what right ones reach."""
_AT_ONCE = 4
_PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Before each further try of a row: another process may have the server started anew, which takes seconds."""
_KEPT = "served.json"

Lora = Callable[[], Awaitable[Sequence[dict[str, float]]]]
"""Says adapters by the server's ids with their scales, as `/completion` takes them; asked for each row, since a server
that was started anew gives other ids."""


class Agreement(NamedTuple):
    """How often two models think the same token likeliest.

    Attributes:
        same: tokens at which they do.
        tokens: tokens compared.
        rows: rows that they are of.
    """

    same: int
    tokens: int
    rows: int

    @property
    def share(self) -> float:
        """Of the tokens, 0 to 1."""
        return self.same / self.tokens


async def served_tokens(rows: Sequence[Tokens], address: str, lora: Lora) -> list[tuple[int, ...]]:
    """Returns the likeliest token at each token of each row's answer, as llama.cpp's server has it.

    A row is asked again, a few times, where the server is away meanwhile, or comes back with other adapters.

    Args:
        rows: prompts and answers.
        address: of the server, without `/v1`.
        lora: says the adapters to answer with.

    Raises:
        EndpointError: the server does not answer, or not in this way.
        LifecycleError: whatever `lora` raises else.
    """
    import httpx

    slots = asyncio.Semaphore(_AT_ONCE)
    async with httpx.AsyncClient(base_url=address, timeout=120, trust_env=False) as client:

        async def row(tokens: Tokens) -> tuple[int, ...]:
            async with slots:
                for pause in _PAUSES_S:
                    try:
                        return await _row(client, tokens, lora)
                    except EndpointError:
                        await asyncio.sleep(pause)
                return await _row(client, tokens, lora)

        return list(await asyncio.gather(*(row(tokens) for tokens in rows)))


def agreement(one: Sequence[Sequence[int]], other: Sequence[Sequence[int]]) -> Agreement:
    """Returns how often two models agree, given their likeliest tokens row by row."""
    pairs = [pair for mine, theirs in zip(one, other, strict=True) for pair in zip(mine, theirs, strict=True)]
    return Agreement(sum(mine == theirs for mine, theirs in pairs), len(pairs), len(one))


def keep_agreement(folder: Path, adapter: str, found: Agreement) -> None:
    """Keeps what was compared, for as long as the same server serves the same adapter.

    Args:
        folder: of the training.
        adapter: digest of what was served.
        found: how often both agreed.

    Raises:
        DataError: the disk is full or refuses to be written.
    """
    write_whole(folder / _KEPT, json.dumps({"of": _compared(adapter), "agreement": found}).encode())


def kept_agreement(folder: Path, adapter: str) -> Agreement | None:
    """Returns what was kept, None where that was of another adapter or another release of the server."""
    try:
        content = json.loads((folder / _KEPT).read_bytes())
        return Agreement(*content["agreement"]) if content["of"] == _compared(adapter) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _compared(adapter: str) -> list[str]:
    return [adapter, version("xllamacpp")]


async def _row(client: "httpx.AsyncClient", tokens: Tokens, lora: Lora) -> tuple[int, ...]:
    asked = await lora()
    found = [await _next(client, [*tokens.prompt, *tokens.answer[:at]], asked) for at in range(len(tokens.answer))]
    if await lora() != asked:
        raise EndpointError(
            f"the server at {client.base_url} was started with other adapters while it was compared; run again"
        )
    return tuple(found)


async def _next(client: "httpx.AsyncClient", prompt: list[int], lora: Sequence[dict[str, float]]) -> int:
    import httpx

    body = {
        "prompt": prompt,
        "n_predict": 1,
        "temperature": 0,
        "n_probs": 1,
        "cache_prompt": True,
        "return_tokens": True,
        "lora": list(lora),
    }
    try:
        reply = (await client.post("/completion", json=body)).raise_for_status().json()
        return int(reply["completion_probabilities"][0]["id"])
    except (httpx.HTTPError, KeyError, IndexError, TypeError, ValueError) as error:
        raise EndpointError(
            f"the server at {client.base_url} says no likeliest token ({type(error).__name__}); "
            f"is it llama.cpp's, and up?"
        ) from None
