"""Which adapters the embedded chat model holds: a list on disk that it reads when it starts.

llama.cpp loads adapters at its start alone, so that a new one means a restart of that part, which takes about a second;
calls in flight are tried again. Adapters are asked for by the ids that the running server itself gives, never by their
place in this list.
"""

import sys
from pathlib import Path

import httpx
from filelock import FileLock
from pydantic import Field, ValidationError

from configs.errors import DataError, StackError
from configs.schema.base import Frozen
from configs.schema.model import EmbeddedModel
from configs.settings import settings
from tasks.calling.endpoint import endpoint_model
from tasks.candidate import LoraAdapter
from tasks.tuning.adapters import GGUF, card_of, check_adapter
from tasks.writing import write_whole

_LIST = "served.json"


class Served(Frozen):
    """What the list holds."""

    slots: tuple[str, ...] = ()
    """Digests of the adapters, at places that they keep."""
    added: tuple[str, ...] = ()
    """The same, oldest first."""
    champions: dict[str, str] = Field({})
    """Digest of the adapter that an app's champion answers with, by app: never given up for another."""


def adapter_files() -> tuple[Path, ...]:
    """Returns the files of the adapters on the list that the embedded chat model can load."""
    folder, base = settings().folder("adapters"), _base()
    found = []
    for name in _read(folder).slots:
        try:
            fits = card_of(folder, name).base == base and (folder / name / GGUF).is_file()
        except DataError as error:
            sys.stderr.write(f"{error}\n")
            continue
        if fits:
            found.append(folder / name / GGUF)
    return tuple(found)


def serve_adapter(adapter: LoraAdapter, champion_of: str | None = None) -> None:
    """Has the embedded chat model hold an adapter; returns when it does.

    Where it is not on the list it takes a free place, or that of the one that was added first and is no champion's, and
    the part `chat` is started anew. Two processes at once, and a second call, are no harm.

    Args:
        adapter: a candidate's.
        champion_of: app whose champion answers with it from now on.

    Raises:
        DataError: the adapter is not on this machine, damaged, or another base's.
        StackError: the embedded chat model does not run here, or does not load it.
    """
    from infra.stack.supervision import restart

    folder = settings().folder("adapters")
    check_adapter(folder, adapter, _base())
    with FileLock(settings().folder("locks") / "adapters.lock"):
        before = _read(folder)
        after = with_adapter(before, adapter.digest, champion_of, settings().chat_adapters)
        if after != before:
            write_whole(folder / _LIST, after.model_dump_json(indent=2).encode())
        if adapter.digest in _loaded():
            return
        restart("chat")
        if adapter.digest not in _loaded():
            raise StackError(f"the embedded chat model did not load adapter {adapter.digest}; see `lifecycle status`")


def with_adapter(served: Served, name: str, champion_of: str | None, most: int) -> Served:
    """Returns the list with an adapter on it.

    Args:
        served: the list.
        name: digest of the adapter.
        champion_of: app whose champion it is; None where it is none.
        most: adapters at most; champions' stay even where they are more.
    """
    champions = {**served.champions, **({champion_of: name} if champion_of else {})}
    if name in served.slots:
        return served.model_copy(update={"champions": champions})
    slots, added = list(served.slots), list(served.added)
    goes = next((each for each in added if each not in champions.values()), None) if len(slots) >= most else None
    if goes is None:
        slots.append(name)
    else:
        slots[slots.index(goes)] = name
        added.remove(goes)
    return Served(slots=tuple(slots), added=(*added, name), champions=champions)


def _read(folder: Path) -> Served:
    try:
        return Served.model_validate_json((folder / _LIST).read_bytes())
    except (FileNotFoundError, ValidationError):
        # One that is damaged costs a restart for each adapter that is asked for again.
        return Served()


def _loaded() -> frozenset[str]:
    """Digests of the adapters that the running server holds; none where it does not answer."""
    address = settings().chat_url.removesuffix("/v1")
    try:
        reply = httpx.get(f"{address}/lora-adapters", timeout=30, trust_env=False).raise_for_status().json()
        return frozenset(Path(each["path"]).parent.name for each in reply)
    except (httpx.HTTPError, ValueError):
        return frozenset()


def _base() -> str:
    return endpoint_model("", EmbeddedModel(kind="embedded", task="chat"))
