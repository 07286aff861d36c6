"""
Stand-in of Bloomreach Engagement: starting imports made in the UI (``/start``) and by the management API (``/run``).

Made from the pages "Start import" (project and workspace) and "List imports", and from how published clients call
``/run``. There is no status of a run. Errors come in every shape that Bloomreach is known to answer. Where the
documents are silent, unknown keys in a body are refused, as the workspace's schema says for itself.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_imports.sandbox.exchange import Answer, json_answer
from airflow_provider_imports.sandbox.vendor import Route, Vendor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_imports.sandbox.exchange import Received

API_KEY_ID = "bloomreach-sandbox-key-id"
API_SECRET = "bloomreach-sandbox-secret"
"""A key of the project :data:`PROJECT_TOKEN`."""
LIMITED_API_KEY_ID = "bloomreach-sandbox-limited-key-id"
LIMITED_API_SECRET = "bloomreach-sandbox-limited-secret"
"""A key of the same project without the permission to trigger imports."""
WORKSPACE_API_KEY_ID = "bloomreach-sandbox-workspace-key-id"
WORKSPACE_API_SECRET = "bloomreach-sandbox-workspace-secret"
"""A key of the workspace :data:`WORKSPACE_ID`."""
SECRETS = {
    API_KEY_ID: API_SECRET,
    LIMITED_API_KEY_ID: LIMITED_API_SECRET,
    WORKSPACE_API_KEY_ID: WORKSPACE_API_SECRET,
}
PROJECT_TOKEN = "f1c7b2a0-sandbox-project"
WORKSPACE_ID = "a0d4e3c9-sandbox-workspace"

UI_IMPORT_ID = "5f8a3b2e1c9d4e6f7a8b9c0d"
"""Made in the UI: for ``/start``."""
API_IMPORT_ID = "6a1b2c3d4e5f60718293a4b5"
"""Made by the Imports Management API: for ``/run``."""
UNREACHABLE_IMPORT_ID = "7b2c3d4e5f60718293a4b5c6"
"""Made in the UI; its source refuses the credentials, which only the connection test notices."""
UPLOAD_IMPORT_ID = "8c3d4e5f60718293a4b5c6d7"
"""Made in the UI from an uploaded file: cannot be triggered."""
REFUSED_IMPORT_ID = "9d4e5f60718293a4b5c6d7e8"
"""Made in the UI; starting it is answered with 200 and ``"success": false``."""
STARTABLE = frozenset({UI_IMPORT_ID, UNREACHABLE_IMPORT_ID, UPLOAD_IMPORT_ID, REFUSED_IMPORT_ID})
NO_PERMISSION = "No permission to allow trigger imports. Check Project settings -> Access management -> API"
BAD_REQUEST = "BadRequest: The browser (or proxy) sent a request that this server could not understand."


@dataclass
class BloomreachSettings:
    """
    :param connection_test_seconds: real seconds that the connection test takes, while the client waits.
    """

    connection_test_seconds: float = 0.0


@dataclass(frozen=True)
class BloomreachRun:
    """One accepted start. ``path`` is what overrides the import's own, for this run."""

    import_id: str
    path: str | None
    test_connection: bool


class Refusal(Exception):
    """A request that is refused, with the answer to it."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def failure(status: int, errors: Any) -> Answer:
    """Answer an error; ``errors`` has one of several shapes."""
    return json_answer({"success": False, "errors": errors}, status)


class Bloomreach(Vendor):
    """Bloomreach Engagement. ``runs`` holds all accepted starts in order."""

    name = "bloomreach"
    connection_login = API_KEY_ID
    connection_password = API_SECRET
    connection_extra: Mapping[str, Any] = {"project_token": PROJECT_TOKEN}
    settings: BloomreachSettings
    routes = (
        Route("POST", "/data/v1/projects/{projectToken}/imports/{import_id}/start", "start_import"),
        Route("POST", "/data/v2/projects/{projectToken}/imports/{import_id}/start", "start_import"),
        Route("POST", "/data/v2/workspaces/{workspaceId}/imports/{import_id}/start", "start_import"),
        Route("GET", "/imports/v1/{projectToken}", "list_imports"),
        Route("GET", "/imports/v1/{projectToken}/{import_id}", "get_import"),
        Route("POST", "/imports/v1/{projectToken}/{import_id}/run", "run_import"),
    )

    def default_settings(self) -> BloomreachSettings:
        return BloomreachSettings()

    def forget(self) -> None:
        self.runs: list[BloomreachRun] = []

    def refuse(self, received: Received) -> Answer | None:
        key, secret = received.basic_credentials or ("", "")
        if not key or SECRETS.get(key) != secret:
            return Answer(401, headers={"WWW-Authenticate": 'Basic realm="Login Required"'})
        place = received.parameters
        is_workspace_key = key == WORKSPACE_API_KEY_ID
        may_enter = (
            is_workspace_key and place["workspaceId"] == WORKSPACE_ID
            if "workspaceId" in place
            else not is_workspace_key and place["projectToken"] == PROJECT_TOKEN
        )
        triggers = received.operation in ("start_import", "run_import")
        if not may_enter or (key == LIMITED_API_KEY_ID and triggers):
            return failure(403, {"_global": [NO_PERMISSION]})
        return None

    def rate_limited(self, received: Received, seconds: float, hints: bool) -> Answer:
        headers = {"Retry-After": f"{seconds:.0f}"} if hints else {}
        return json_answer({"success": False, "errors": ["Too many requests"]}, 429, headers=headers)

    def not_found(self, received: Received) -> Answer:
        return json_answer({"errors": {"code": 404, "description": "Not Found"}}, 404)

    def wrong_method(self, received: Received) -> Answer:
        return json_answer({"errors": {"code": 405, "description": "Method Not Allowed"}}, 405)

    async def start_import(self, received: Received) -> Answer:
        """``POST .../imports/{import_id}/start``: only imports made in the UI."""
        import_id = received.parameters["import_id"]
        if import_id == API_IMPORT_ID:
            await received.drain()
            return failure(400, ["The import is managed by the Imports Management API"])
        return await self._start(received, import_id in STARTABLE, "path")

    async def run_import(self, received: Received) -> Answer:
        """``POST /imports/v1/{projectToken}/{import_id}/run``: only imports made by this API."""
        exists = received.parameters["import_id"] == API_IMPORT_ID
        return await self._start(received, exists, "path_to_overwrite")

    async def list_imports(self, received: Received) -> Answer:
        """``GET /imports/v1/{projectToken}``: a bare array of the imports made by this API."""
        try:
            limit, offset = int(received.query.get("limit", 10)), int(received.query.get("offset", 0))
        except ValueError:
            return failure(400, {"_global": [BAD_REQUEST]})
        if not 1 <= limit <= 50 or offset < 0:
            return failure(400, {"limit": ["must be between 1 and 50"]})
        return json_answer([self._definition()][offset : offset + limit])

    async def get_import(self, received: Received) -> Answer:
        """``GET /imports/v1/{projectToken}/{import_id}``: only imports made by this API."""
        if received.parameters["import_id"] != API_IMPORT_ID:
            return self._no_such_import()
        return json_answer(self._definition())

    async def _start(self, received: Received, exists: bool, path_key: str) -> Answer:
        import_id = received.parameters["import_id"]
        try:
            sent = await self._options(received, path_key)
            if not exists:
                raise Refusal(self._no_such_import())
            path = sent.get(path_key)
            test_connection = sent.get("test_connection", True)
            received.concerns(import_id)
            await self._check(import_id, path, test_connection)
        except Refusal as refusal:
            return refusal.answer
        self.runs.append(BloomreachRun(import_id, path, test_connection))
        received.acted(import_id)
        return json_answer({"success": True})

    async def _options(self, received: Received, path_key: str) -> dict[str, Any]:
        """Read the optional body. Without one, a ``Content-Type`` header is an error."""
        body = await received.read()
        bad = Refusal(failure(400, {"_global": [BAD_REQUEST]}))
        if not body:
            if received.has_content_type:
                raise bad
            return {}
        try:
            sent = json.loads(body)
        except ValueError:
            raise bad from None
        if received.content_type != "application/json" or not isinstance(sent, dict):
            raise bad
        types = {path_key: str, "test_connection": bool}
        if not all(isinstance(value, types.get(key, ())) for key, value in sent.items()):
            raise bad
        return sent

    async def _check(self, import_id: str, path: str | None, test_connection: bool) -> None:
        if import_id == UPLOAD_IMPORT_ID:
            raise Refusal(failure(400, {"code": "BadRequest", "message": "The import cannot be triggered"}))
        if import_id == REFUSED_IMPORT_ID:
            raise Refusal(failure(200, ["The import was not started"]))
        if path is not None and (not path or path != path.strip()):
            raise Refusal(json_answer({"error": "bad path"}, 400))
        if test_connection:
            await asyncio.sleep(self.settings.connection_test_seconds)
            if import_id == UNREACHABLE_IMPORT_ID:
                raise Refusal(json_answer({"error": "Could not authenticate to the import source"}, 400))

    def _definition(self) -> dict[str, Any]:
        source = {"source_type": "url", "import_url": "https://files.example.com/customers.csv"}
        trigger = {"trigger_type": "now"}
        definition = {"name": "Sandbox import", "trigger": trigger, "active": True, "source": source}
        return {"import_id": API_IMPORT_ID, "import_definition": definition}

    def _no_such_import(self) -> Answer:
        return failure(404, {"code": "NotFoundError", "message": "The requested resource was not found."})
