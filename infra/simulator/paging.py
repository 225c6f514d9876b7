"""Lists as OpenAI's API pages them: the newest first, `limit` of them behind the one that `after` names."""

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from infra.simulator.errors import Problem, json_response


def page_of(request: web.Request, oldest_first: Sequence[Mapping[str, Any]]) -> web.Response:
    """Returns the page of a list that a request asks for.

    Args:
        request: its query may hold `after` and `limit`, 20 where not given.
        oldest_first: all objects as the API describes them, each with its `id`.

    Raises:
        Problem: the limit is not between 1 and 100, or `after` names none of them.
    """
    after, limit = request.query.get("after"), request.query.get("limit", "20")
    if not (limit.isdecimal() and 1 <= int(limit) <= 100):
        raise Problem(400, f"Invalid 'limit': '{limit}' is not between 1 and 100.")
    newest = list(reversed(oldest_first))
    ids = [one["id"] for one in newest]
    if after and after not in ids:
        raise Problem(404, f"Nothing found with id '{after}'.")
    start = ids.index(after) + 1 if after else 0
    shown = newest[start : start + int(limit)]
    return json_response(
        {
            "object": "list",
            "data": shown,
            "first_id": shown[0]["id"] if shown else None,
            "last_id": shown[-1]["id"] if shown else None,
            "has_more": start + len(shown) < len(newest),
        }
    )
