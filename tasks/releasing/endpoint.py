"""Where a release is tested: the running endpoint, or this process where none runs."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from configs.errors import EndpointError, ReleaseError
from configs.loading import LoadedApp
from configs.settings import settings
from tasks.candidate import Candidate
from tasks.data.reading import read_dataset
from tasks.data.row import Row
from tasks.releasing.parts import Endpoint, Smoke
from tasks.serving.asking import CHAMPION, request_of
from tasks.serving.keys import local_key

if TYPE_CHECKING:
    import httpx

_ANSWER_WITHIN_S = 150.0
_HEALTH_WITHIN_S = 2.0

FindCandidate = Callable[[str], Candidate]
"""Returns a candidate by its digest."""


def endpoint_of(loaded: LoadedApp, find_candidate: FindCandidate) -> Endpoint:
    """Returns the endpoint that serves the app, else a stand-in within this process."""
    if loaded.app.target.kind == "answers":
        return _Nowhere()
    if loaded.app.name in served_apps():
        return _Running(loaded, find_candidate)
    return _InProcess(loaded, find_candidate)


def served_apps() -> tuple[str, ...]:
    """Returns the names of the apps whose endpoint runs at the address of the settings; () where none does."""
    import httpx

    try:
        found = httpx.get(f"{_root()}/live", timeout=_HEALTH_WITHIN_S, trust_env=False).json()
    except (httpx.HTTPError, ValueError):
        return ()
    if not isinstance(found, dict):
        return ()
    return tuple(found.get("apps") or filter(None, [found.get("app")]))


def first_row(loaded: LoadedApp) -> Row:
    """Returns the row that a smoke test asks: the first of the sample data."""
    return next(iter(read_dataset(loaded, "sample").rows))


class _Running:
    """The app's endpoint, over HTTP."""

    def __init__(self, loaded: LoadedApp, find_candidate: FindCandidate) -> None:
        self._loaded = loaded
        self._find = find_candidate

    def take_up(self, candidate: str | None, version: int | None) -> None:  # noqa: ARG002 the log says which
        _post(f"/admin/reload?app={self._loaded.app.name}", {})

    def smoke(self, candidate: str) -> Smoke:
        row = first_row(self._loaded)
        asked = request_of(row, self._find(candidate), self._loaded.app.datasets.columns)
        # Not a played row: it would count as one of the production data.
        del asked["metadata"]["row_id"]
        asked["model"] += CHAMPION  # not whom a rollout draws for it
        response = _post("/v1/chat/completions", asked)
        answered_by = response.headers.get("x-lifecycle-candidate")
        if answered_by != candidate:
            raise ReleaseError(f"the endpoint answered with candidate {answered_by}, not with {candidate}")
        if fallback := response.headers.get("x-lifecycle-fallback"):
            raise ReleaseError(f"fallback {fallback} answered, not candidate {candidate}: its model gave nothing")
        return Smoke(row.question, response.json()["choices"][0]["message"]["content"], "endpoint")


class _InProcess:
    """The candidate itself, made ready as the endpoint does. An endpoint that starts later serves the last commit."""

    def __init__(self, loaded: LoadedApp, find_candidate: FindCandidate) -> None:
        self._loaded = loaded
        self._find = find_candidate

    def take_up(self, candidate: str | None, version: int | None) -> None: ...

    def smoke(self, candidate: str) -> Smoke:
        return asyncio.run(self._ask(self._find(candidate)))

    async def _ask(self, candidate: Candidate) -> Smoke:
        from tasks.serving.responder import answer_once, open_responder

        return await answer_once(await open_responder(candidate, self._loaded), first_row(self._loaded))


class _Nowhere:
    """Answers that already exist are not served: there is nothing to take up or to ask."""

    def take_up(self, candidate: str | None, version: int | None) -> None: ...

    def smoke(self, candidate: str) -> Smoke:  # noqa: ARG002
        return Smoke("", "", "none", calls=0)


def _root() -> str:
    return settings().endpoint_url.removesuffix("/v1")


def _post(path: str, content: dict[str, Any]) -> "httpx.Response":
    import httpx

    headers = {"authorization": f"Bearer {local_key()}"}
    try:
        response = httpx.post(
            f"{_root()}{path}", json=content, headers=headers, timeout=_ANSWER_WITHIN_S, trust_env=False
        )
    except httpx.HTTPError as error:
        raise EndpointError(f"the endpoint at {_root()} does not answer: {type(error).__name__} {error}") from None
    if response.is_success:
        return response
    try:
        cause = response.json()["error"]["message"]
    except (ValueError, KeyError, TypeError):
        cause = response.text[:200]
    raise EndpointError(f"the endpoint at {_root()} answered {response.status_code}: {cause}")
