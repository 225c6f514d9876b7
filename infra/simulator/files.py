"""The files of an endpoint, as OpenAI's API keeps them; here in memory, until they are deleted.

Source: https://platform.openai.com/docs/api-reference/files.
"""

import time
import uuid
from typing import Any, NamedTuple

from aiohttp import web

from infra.simulator.errors import Problem, json_response
from infra.simulator.paging import page_of

_PURPOSES = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")


class StoredFile(NamedTuple):
    """One file."""

    id: str
    name: str
    purpose: str
    content: bytes
    created_at: int

    def described(self) -> dict[str, Any]:
        """Returns the `file` object of OpenAI's API."""
        return {
            "id": self.id,
            "object": "file",
            "bytes": len(self.content),
            "created_at": self.created_at,
            "filename": self.name,
            "purpose": self.purpose,
            "status": "processed",
        }


class Files:
    """Keeps files and answers the requests about them."""

    def __init__(self) -> None:
        self._kept: dict[str, StoredFile] = {}

    def add(self, name: str, purpose: str, content: bytes) -> StoredFile:
        """Keeps a file under a new id."""
        file = StoredFile(f"file-{uuid.uuid4().hex}", name, purpose, content, int(time.time()))
        self._kept[file.id] = file
        return file

    def get(self, file_id: str) -> StoredFile:
        """Returns a file.

        Raises:
            Problem: there is none of this id.
        """
        if file_id not in self._kept:
            raise Problem(404, f"No such File object: {file_id}")
        return self._kept[file_id]

    async def create(self, request: web.Request) -> web.Response:
        """`POST /v1/files`."""
        form = await request.post() if request.content_type == "multipart/form-data" else {}
        file, purpose = form.get("file"), form.get("purpose")
        if not isinstance(file, web.FileField):
            raise Problem(400, "Missing required parameter: 'file'.", "missing_required_parameter")
        if not isinstance(purpose, str) or purpose not in _PURPOSES:
            raise Problem(400, f"Invalid 'purpose': it is not one of {', '.join(_PURPOSES)}.")
        return json_response(self.add(file.filename, purpose, file.file.read()).described())

    async def page(self, request: web.Request) -> web.Response:
        """`GET /v1/files`, those alone whose purpose the query names."""
        purpose = request.query.get("purpose")
        fitting = [file for file in self._kept.values() if purpose in (None, file.purpose)]
        return page_of(request, [file.described() for file in fitting])

    async def retrieve(self, request: web.Request) -> web.Response:
        """`GET /v1/files/{id}`."""
        return json_response(self.get(request.match_info["id"]).described())

    async def content(self, request: web.Request) -> web.Response:
        """`GET /v1/files/{id}/content`."""
        return web.Response(body=self.get(request.match_info["id"]).content, content_type="application/octet-stream")

    async def delete(self, request: web.Request) -> web.Response:
        """`DELETE /v1/files/{id}`."""
        file = self.get(request.match_info["id"])
        del self._kept[file.id]
        return json_response({"id": file.id, "object": "file", "deleted": True})
