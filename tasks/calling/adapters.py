"""How an endpoint is asked to answer with an adapter: fields of the request, found out anew for each call.

The embedded server is asked for its adapters' ids each time (a millisecond): it may have been started anew with others
since the last call, and an id of before would then be another adapter's.
"""

import asyncio
from pathlib import Path
from typing import Any

from configs.errors import ConfigurationError
from configs.schema.model import ModelConfig
from tasks.calling.connecting import open_session
from tasks.calling.endpoint import base_url, callee_of
from tasks.calling.failures import failure_of, failure_of_status, torn
from tasks.candidate import Adapter, LoraAdapter


async def adapter_fields(model: ModelConfig, adapter: Adapter | None) -> dict[str, Any]:
    """Returns what a chat request says of the adapter, beyond its other fields.

    The embedded server is told so as well where none is meant: a request that says nothing of adapters goes on with
    what another's adapter has left in the server's cache (measured: 4 of 26 tokens others than the base's).

    Args:
        model: what is asked.
        adapter: the candidate's.

    Raises:
        CallFailure: the embedded server does not answer.
        LifecycleError: it cannot be made to hold the adapter.
    """
    if model.kind == "embedded" and model.task == "chat":
        if isinstance(adapter, LoraAdapter):
            return {"lora": [{"id": await _id(model, adapter), "scale": 1.0}]}
        held = await _ids(model)
        return {"lora": [{"id": min(held.values()), "scale": 0.0}]} if held else {}
    return named_fields(model, adapter)


def named_fields(model: ModelConfig, adapter: Adapter | None) -> dict[str, Any]:
    """Returns the same for an endpoint that serves an adapter under a name, as all but the embedded one do."""
    if adapter is None or model.kind == "embedded":
        return {}
    if isinstance(adapter, LoraAdapter):
        return {"model": model.adapter_name.replace("{adapter}", adapter.digest)}
    return {"model": adapter.model}


def check_base(adapter: Adapter | None, identity: str) -> None:
    """Refuses an adapter that was trained on something else than what it would be added to.

    Args:
        adapter: the candidate's.
        identity: what its model stands for.

    Raises:
        ConfigurationError: it was.
    """
    if isinstance(adapter, LoraAdapter) and adapter.base != identity:
        raise ConfigurationError(
            f"adapter {adapter.digest}: was trained on {adapter.base}, the model stands for {identity}; "
            f"restore the configuration, or run finetune on that model"
        )


async def _id(model: ModelConfig, adapter: LoraAdapter) -> int:
    from infra.stack.adapters import serve_adapter

    for _ in range(2):
        if (found := (await _ids(model)).get(adapter.digest)) is not None:
            return found
        await asyncio.to_thread(serve_adapter, adapter)
    raise torn(f"does not hold adapter {adapter.digest}", callee_of(model))


async def _ids(model: ModelConfig) -> dict[str, int]:
    """Returns the embedded server's id of each adapter, by the adapter's digest; none where it knows of no adapters."""
    callee, address = callee_of(model), base_url(model)
    try:
        async with asyncio.timeout(model.timeout_s):
            session = await open_session(address)
            async with session.get(f"{address.removesuffix('/v1')}/lora-adapters") as response:
                if response.status == 404:
                    return {}
                if response.status >= 400:
                    raise failure_of_status(response.status, response.headers, await response.text(), callee)
                return {Path(each["path"]).parent.name: int(each["id"]) for each in await response.json()}
    except Exception as error:  # whatever the server does, it is a call that failed
        raise failure_of(error, callee) from None
