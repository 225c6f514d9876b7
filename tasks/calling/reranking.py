"""Reranking: a question and passages → how relevant each is, by a model that reads both together; journaled.

`/v1/rerank` as vLLM, llama.cpp's server, Jina and Cohere answer it: `{model, query, documents}` →
`{results: [{index, relevance_score}]}`.
"""

import asyncio
import json
import math
from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any, NamedTuple

from configs.errors import ConfigurationError
from configs.loading import LoadedApp
from configs.schema.model import OpenAIModel
from configs.settings import settings
from tasks.calling.answer import Usage
from tasks.calling.connecting import open_session
from tasks.calling.endpoint import api_key, callee_of, endpoint_model, retries_of
from tasks.calling.failures import CallFailure, failure_of, failure_of_status, said_by, torn
from tasks.calling.limits.limiter import model_limiter
from tasks.calling.pricing import most, price_needed, price_of
from tasks.calling.retrying import with_retries
from tasks.calling.spend import Bill, Spend
from tasks.identity import digest
from tasks.journal.journal import Journal


class _Reply(NamedTuple):
    scores: tuple[float, ...]
    usage: Usage


def rerank_identity(loaded: LoadedApp, model: str) -> str:
    """Returns what a reranking model's name stands for.

    Raises:
        ConfigurationError: it is no reranking model.
    """
    return endpoint_model(model, _rerank_model(loaded, model))


async def rerank(
    question: str,
    texts: Sequence[str],
    *,
    loaded: LoadedApp,
    model: str,
    journal: Journal | None,
    epoch: str,
    spend: Spend | None = None,
    user: str = "",
) -> tuple[float, ...]:
    """Returns how relevant each text is to a question, in the texts' order; what the numbers mean is the model's own.

    Args:
        question: what was asked.
        texts: what is ordered; at least one.
        loaded: the app.
        model: name of a reranking model.
        journal: where finished calls are looked up and kept; None to ask without.
        epoch: round of asking.
        spend: ledger that counts the call.
        user: id of the person whose question it is; "" for nobody.

    Raises:
        CallFailure: the endpoint gave no usable scores.
        BudgetUsedUp: `spend` allows no further call.
        ConfigurationError: it is no reranking model, or has no price while `spend` caps it.
    """
    config = _rerank_model(loaded, model)
    key = digest(["rerank", endpoint_model(model, config), question, list(texts), epoch])
    price = price_needed(loaded, model) if spend is not None else None
    limiter = model_limiter(config, journal.path.parent if journal is not None else settings().folder())

    async def request() -> _Reply:
        async with limiter.slot():
            at_most = most([question, *texts], 0, price)
            with spend.request(at_most) if spend is not None else nullcontext(Bill()) as bill:
                found = await _request(config, question, texts)
                bill.usage, bill.price = found.usage, price_of(found.usage, price) if price else None
        limiter.used(found.usage.input)
        return found

    async with journal.in_flight.alone([key]) if journal is not None else nullcontext():
        record = journal.get(key, user) if journal is not None else None
        if record is not None:
            return tuple(record["scores"])
        tried = await with_retries(partial(request), retries_of(config), limiter.sleep)
        if journal is not None:
            kept = {"scores": list(tried.value.scores), "usage": list(tried.value.usage)}
            journal.put(key, epoch, model, kept, "embedding", user)
        return tried.value.scores


def _rerank_model(loaded: LoadedApp, name: str) -> OpenAIModel:
    config = loaded.models.get(name)
    if config is None or config.kind != "openai" or config.task != "rerank":
        known = ", ".join(sorted(key for key, model in loaded.models.items() if model.task == "rerank"))
        raise ConfigurationError(
            f"{name!r} is no reranking model; known are {known or 'none'}; define one with `task: rerank` in "
            f"models.yaml"
        )
    return config


async def _request(config: OpenAIModel, question: str, texts: Sequence[str]) -> _Reply:
    callee = callee_of(config)
    address = f"{config.base_url.rstrip('/')}/rerank"
    body = {"model": config.model, "query": question, "documents": list(texts), "top_n": len(texts)}
    try:
        async with asyncio.timeout(config.timeout_s):
            session = await open_session(address)
            headers = {"authorization": f"Bearer {api_key(config)}"}
            async with session.post(address, json=body, headers=headers, allow_redirects=False) as response:
                content = await response.read()
                status, told = response.status, {key.lower(): value for key, value in response.headers.items()}
    except CallFailure:
        raise
    except Exception as error:  # whatever an endpoint answers, it is the endpoint's failure
        raise failure_of(error, callee) from None
    reply = _json(content)
    if status >= 300:
        raise failure_of_status(status, told, said_by(reply), callee)
    scores = _scores(reply, len(texts))
    if scores is None:
        raise torn(f"gave no relevance score for each of {len(texts)} passages", callee)
    usage = reply.get("usage") or {}
    return _Reply(scores, Usage(input=int(usage.get("total_tokens") or usage.get("prompt_tokens") or 0)))


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None


def _scores(reply: Any, count: int) -> tuple[float, ...] | None:
    """Returns the scores in the passages' order; None where the reply is not what it should be."""
    try:
        found = {int(each["index"]): float(each["relevance_score"]) for each in reply["results"]}
        scores = tuple(found[at] for at in range(count))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return scores if all(map(math.isfinite, scores)) else None
