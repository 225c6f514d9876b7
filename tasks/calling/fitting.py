"""What the embedded embedding model can read: letters taken apart as its vocabulary has them, and no more than fits.

llama.cpp keeps only the first part of a composed letter (a Korean syllable is three), and refuses texts above its
batch; BERT's own tokenizer takes letters apart and cuts.
"""

import unicodedata

from configs.settings import settings

_TOKENS = 510
"""Of the model's 512, two mark the beginning and the end. A token is one character or more."""


async def fitting(text: str) -> str:
    """Returns the text as the model reads it: decomposed, and cut where it would hold more than 510 tokens.

    Raises:
        httpx.HTTPError: the model's server does not answer.
    """
    decomposed = unicodedata.normalize("NFD", text)
    while len(decomposed) > _TOKENS and (tokens := await _tokens(decomposed)) > _TOKENS:
        decomposed = decomposed[: len(decomposed) * _TOKENS // tokens]
    return decomposed


async def _tokens(text: str) -> int:
    import httpx

    address = f"{settings().embedding_url.removesuffix('/v1')}/tokenize"
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        response = await client.post(address, json={"content": text})
        response.raise_for_status()
        return len(response.json()["tokens"])
