"""
Stand-in of Bloomreach Engagement: imports made in the UI (``/start``) and by the management API (``/run``), and a
customer's properties.

Made from the pages "Start import" (project and workspace), "System time", "Customer attributes" and those of the
management API, and from how published clients call ``/run``. There is no status of a run. Errors come in every shape
that Bloomreach is known to answer. Where the documents are silent, unknown keys in a body are refused, as the
workspace's schema says for itself, and the customers are those of the CSV that the setting ``source`` names.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aiohttp import web

from airflow_provider_imports.sandbox.arrivals import Arrivals
from airflow_provider_imports.sandbox.bloomreach_customers import Question
from airflow_provider_imports.sandbox.bloomreach_definitions import Definitions
from airflow_provider_imports.sandbox.journal import acted, concerns
from airflow_provider_imports.sandbox.progress import Progress
from airflow_provider_imports.sandbox.stand_in import (
    StandIn,
    basic_credentials,
    content_type,
    operation_of,
    read_body,
    read_json_body,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

API_KEY_ID = "bloomreach-sandbox-key-id"
API_SECRET = "bloomreach-sandbox-secret"
"""A key of the project :data:`PROJECT_TOKEN`."""
LIMITED_API_KEY_ID = "bloomreach-sandbox-limited-key-id"
LIMITED_API_SECRET = "bloomreach-sandbox-limited-secret"
"""A key of the same project that may only list and read imports."""
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
IDS: Mapping[str, str] = {
    UI_IMPORT_ID: "import made in the UI",
    UNREACHABLE_IMPORT_ID: "import made in the UI, whose source refuses the credentials",
    UPLOAD_IMPORT_ID: "import made in the UI from an uploaded file: cannot be triggered",
    REFUSED_IMPORT_ID: "import made in the UI, whose start is answered with 200 and success: false",
    API_IMPORT_ID: "import made by the Imports Management API",
}
NEEDS_PERMISSION = frozenset({"start_import", "run_import", "create_import", "delete_import"})
NO_PERMISSION = "No permission to allow trigger imports. Check Project settings -> Access management -> API"
BAD_REQUEST = "BadRequest: The browser (or proxy) sent a request that this server could not understand."


@dataclass
class BloomreachSettings:
    """
    :param connection_test_seconds: real seconds that the connection test takes, while the client waits.
    :param source: CSV file that every import reads when it starts, with a column for each id (such as ``registered``)
        and property of a customer; they can be read when the import has ended. ``None``: imports bring nothing.
    :param unknown_customer_is_404: how a customer who is not there is answered; else with values of ``null``.
    """

    connection_test_seconds: float = 0.0
    source: str | None = None
    unknown_customer_is_404: bool = True


@dataclass(frozen=True)
class BloomreachRun:
    """One accepted start. ``path`` is what overrides the import's own, for this run."""

    import_id: str
    path: str | None
    test_connection: bool


class Refusal(Exception):
    """A request that is refused, with the answer to it."""

    def __init__(self, answer: web.Response) -> None:
        super().__init__(answer.status)
        self.answer = answer


def failure(status: int, errors: Any) -> web.Response:
    """Answer an error; ``errors`` has one of several shapes."""
    return web.json_response({"success": False, "errors": errors}, status=status)


class Bloomreach(StandIn):
    """Bloomreach Engagement. ``runs`` holds all accepted starts in order."""

    name = "bloomreach"
    connection_login = API_KEY_ID
    connection_password = API_SECRET
    connection_extra: Mapping[str, Any] = {"project_token": PROJECT_TOKEN}
    ids = IDS
    settings: BloomreachSettings
    settings_type = BloomreachSettings

    def routes(self) -> Sequence[web.RouteDef]:
        return (
            web.post("/data/v1/projects/{projectToken}/imports/{import_id}/start", self.start_import),
            web.post("/data/v2/projects/{projectToken}/imports/{import_id}/start", self.start_import),
            web.post("/data/v2/workspaces/{workspaceId}/imports/{import_id}/start", self.start_import),
            web.get("/imports/v1/{projectToken}", self.list_imports),
            web.post("/imports/v1/{projectToken}", self.create_import),
            web.get("/imports/v1/{projectToken}/{import_id}", self.get_import),
            web.delete("/imports/v1/{projectToken}/{import_id}", self.delete_import),
            web.post("/imports/v1/{projectToken}/{import_id}/run", self.run_import),
            web.get("/track/v2/projects/{projectToken}/system/time", self.system_time),
            web.post("/data/v2/projects/{projectToken}/customers/attributes", self.get_customer_properties),
        )

    def forget(self) -> None:
        self.runs: list[BloomreachRun] = []
        self.definitions = Definitions(API_IMPORT_ID)
        self.arrivals = Arrivals()
        self._made_in_ui = set(IDS) - {API_IMPORT_ID}
        self._made_by_api: set[str] = set()

    def refusal(self, request: web.Request) -> web.Response | None:
        key, secret = basic_credentials(request)
        if not key or SECRETS.get(key) != secret:
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="Login Required"'})
        place = request.match_info
        is_workspace_key = key == WORKSPACE_API_KEY_ID
        asked = place.get("workspaceId") if is_workspace_key else place.get("projectToken")
        may_enter = asked is not None and (
            self.shared.any_id or asked == (WORKSPACE_ID if is_workspace_key else PROJECT_TOKEN)
        )
        if not may_enter or (key == LIMITED_API_KEY_ID and operation_of(request) in NEEDS_PERMISSION):
            return failure(403, {"_global": [NO_PERMISSION]})
        return None

    def rate_limited(self, request: web.Request, seconds: float) -> web.Response:
        return failure(429, ["Too many requests"])

    def unrouted(self, status: int) -> web.Response:
        errors = {"code": status, "description": HTTPStatus(status).phrase}
        return web.json_response({"errors": errors}, status=status)

    async def start_import(self, request: web.Request) -> web.Response:
        """``POST .../imports/{import_id}/start``: only imports made in the UI."""
        import_id = request.match_info["import_id"]
        if import_id in self._made_by_api or import_id in self.definitions:
            await read_body(request)
            return failure(400, ["The import is managed by the Imports Management API"])
        if self.shared.any_id:
            self._made_in_ui.add(import_id)
        return await self._start(request, import_id in self._made_in_ui, "path")

    async def run_import(self, request: web.Request) -> web.Response:
        """``POST /imports/v1/{projectToken}/{import_id}/run``: only imports made by this API."""
        import_id = request.match_info["import_id"]
        if self.shared.any_id and import_id not in self._made_in_ui:
            self._made_by_api.add(import_id)
        exists = import_id in self.definitions or import_id in self._made_by_api
        return await self._start(request, exists, "path_to_overwrite")

    async def list_imports(self, request: web.Request) -> web.Response:
        """``GET /imports/v1/{projectToken}``: a bare array of the imports made by this API."""
        try:
            limit, offset = int(request.query.get("limit", 10)), int(request.query.get("offset", 0))
        except ValueError:
            return failure(400, {"_global": [BAD_REQUEST]})
        if not 1 <= limit <= 50 or offset < 0:
            return failure(400, {"limit": ["must be between 1 and 50"]})
        return web.json_response(self.definitions.page(limit, offset))

    async def create_import(self, request: web.Request) -> web.Response:
        """``POST /imports/v1/{projectToken}``: the body is the definition. With the trigger ``now`` it runs at once."""
        try:
            import_id = self.definitions.create(await read_json_body(request))
        except ValueError as error:
            return failure(400, [str(error)])
        if self.definitions.runs_at_once(import_id):
            self._begin(BloomreachRun(import_id, None, True))
        acted(request, import_id)
        return web.json_response({"import_id": import_id})

    async def get_import(self, request: web.Request) -> web.Response:
        """``GET /imports/v1/{projectToken}/{import_id}``: only imports made by this API."""
        import_id = request.match_info["import_id"]
        if import_id not in self.definitions:
            return self._no_such_import()
        return web.json_response(self.definitions.read(import_id))

    async def delete_import(self, request: web.Request) -> web.Response:
        """``DELETE /imports/v1/{projectToken}/{import_id}``: only imports made by this API."""
        import_id = request.match_info["import_id"]
        if import_id not in self.definitions:
            return self._no_such_import()
        self.definitions.delete(import_id)
        acted(request, import_id)
        return web.json_response({"success": True})

    async def system_time(self, request: web.Request) -> web.Response:
        """``GET /track/v2/projects/{projectToken}/system/time``: needs a key of the project, and no permission."""
        return web.json_response({"errors": [], "success": True, "time": self.clock()})

    async def get_customer_properties(self, request: web.Request) -> web.Response:
        """``POST /data/v2/projects/{projectToken}/customers/attributes``: ids and properties of one customer."""
        try:
            question = Question.of(await read_json_body(request))
        except ValueError as error:
            return failure(400, [str(error)])
        if basic_credentials(request)[0] == LIMITED_API_KEY_ID:
            return self._results([{"error": "No permission", "success": False} for _ in question.columns])
        customer = self.arrivals.find(question.ids)
        if customer is None and self.settings.unknown_customer_is_404:
            return failure(404, ["Customer does not exist"])
        found = customer or {}
        return self._results([{"success": True, "value": found.get(column)} for column in question.columns])

    def _results(self, results: list[dict[str, Any]]) -> web.Response:
        return web.json_response({"results": results, "success": True})

    async def _start(self, request: web.Request, exists: bool, path_key: str) -> web.Response:
        import_id = request.match_info["import_id"]
        try:
            sent = await self._options(request, path_key)
            if not exists:
                raise Refusal(self._no_such_import())
            path = sent.get(path_key)
            test_connection = sent.get("test_connection", True)
            concerns(request, import_id)
            await self._check(import_id, path, test_connection)
        except Refusal as refusal:
            return refusal.answer
        self._begin(BloomreachRun(import_id, path, test_connection))
        acted(request, import_id)
        return web.json_response({"success": True})

    def _begin(self, run: BloomreachRun) -> None:
        self.runs.append(run)
        self.arrivals.add(Progress(self.clock, self.shared.run_seconds), self.settings.source)

    async def _options(self, request: web.Request, path_key: str) -> dict[str, Any]:
        """Read the optional body. Without one, a ``Content-Type`` header is an error."""
        body = await read_body(request)
        bad = Refusal(failure(400, {"_global": [BAD_REQUEST]}))
        if not body:
            if "Content-Type" in request.headers:
                raise bad
            return {}
        try:
            sent = json.loads(body)
        except ValueError:
            raise bad from None
        if content_type(request) != "application/json" or not isinstance(sent, dict):
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
            raise Refusal(web.json_response({"error": "bad path"}, status=400))
        if test_connection:
            await asyncio.sleep(self.settings.connection_test_seconds)
            if import_id == UNREACHABLE_IMPORT_ID:
                raise Refusal(web.json_response({"error": "Could not authenticate to the import source"}, status=400))

    def _no_such_import(self) -> web.Response:
        return failure(404, {"code": "NotFoundError", "message": "The requested resource was not found."})
