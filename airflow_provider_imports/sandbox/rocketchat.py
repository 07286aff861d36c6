"""
Stand-in of Rocket.Chat's bulk user import (``import.new``, ``addUsers``, ``run``, ``status``, ``clear``), and of
fetching what such imports leave pending (``downloadPendingAvatars``, ``downloadPendingFiles``).

Made from the published OpenAPI description and a reading of the server's behaviour: one operation per
workspace, twenty steps, counters that are flushed every fifty users, ``done`` even if every user failed, aborted
jobs that may still report ``done`` with ``valid: false``.

To make an import fail as a whole: the setting ``seat_limit``. To get users that fail: the same email or username
twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web

from airflow_provider_imports.sandbox.journal import acted, concerns
from airflow_provider_imports.sandbox.progress import Taken, Window
from airflow_provider_imports.sandbox.rocketchat_users import (
    InvalidParameters,
    has_invalid_roles,
    lacks_required_data,
    validated,
)
from airflow_provider_imports.sandbox.rocketchat_workspace import (
    AVATARS,
    FILES,
    SELECTION,
    RocketChatSettings,
    Workspace,
    WorkspaceImport,
)
from airflow_provider_imports.sandbox.stand_in import UNROUTED, StandIn, operation_of, read_json_body

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aiohttp.typedefs import Handler

USER_ID = "sandboxAdmin00001"
AUTH_TOKEN = "rocketchat-sandbox-token"
OTHER_USER_ID = "sandboxAdmin00002"
OTHER_AUTH_TOKEN = "rocketchat-sandbox-other-token"
"""Another account that may import, to get in the way."""
LIMITED_USER_ID = "sandboxNobody0001"
LIMITED_AUTH_TOKEN = "rocketchat-sandbox-limited-token"
"""An account without the permission ``run-import``."""
TOKENS = {USER_ID: AUTH_TOKEN, OTHER_USER_ID: OTHER_AUTH_TOKEN, LIMITED_USER_ID: LIMITED_AUTH_TOKEN}

NO_PERMISSION = "User does not have the permissions required for this action [error-unauthorized]"
MOST_LATEST = 20


def failure(error: str, status: int = 400, **more: str) -> web.Response:
    """Answer an error the way the API does."""
    return web.json_response({"success": False, "error": error, **more}, status=status)


class RocketChat(StandIn):
    """Rocket.Chat. One current operation; ``users`` that were created stay until the sandbox is reset."""

    name = "rocketchat"
    connection_login = USER_ID
    connection_password = AUTH_TOKEN
    settings: RocketChatSettings
    settings_type = RocketChatSettings

    def routes(self) -> Sequence[web.RouteDef]:
        return (
            web.post("/api/v1/import.new", self.new_import),
            web.post("/api/v1/import.addUsers", self.add_users),
            web.post("/api/v1/import.run", self.run_import),
            web.get("/api/v1/import.status", self.get_import_status),
            web.post("/api/v1/import.clear", self.clear_import),
            web.post("/api/v1/downloadPendingAvatars", self.download_pending_avatars),
            web.post("/api/v1/downloadPendingFiles", self.download_pending_files),
            web.get("/api/v1/getCurrentImportOperation", self.get_current_operation),
            web.get("/api/v1/getLatestImportOperations", self.get_latest_operations),
            web.get("/api/v1/users.info", self.users_info),
            web.get("/api/v1/me", self.me),
            web.get("/api/info", self.info),
        )

    def forget(self) -> None:
        self.workspace = Workspace(self.clock, self.shared, self.settings)
        self._calls = Window(self.clock)

    @property
    def users(self) -> list[dict[str, Any]]:
        """All users that imports have created so far."""
        self.workspace.settle()
        return list(self.workspace.users.all)

    @property
    def staged(self) -> list[dict[str, Any]]:
        """Users that were staged and not cleared, in the order in which they came."""
        return list(self.workspace.staged)

    @property
    def operations(self) -> list[WorkspaceImport]:
        """All operations in order; the last is the current one."""
        self.workspace.settle()
        return list(self.workspace.operations)

    def upload_elsewhere(self, importer_key: str = "slack", user: str = OTHER_USER_ID) -> str:
        """Let somebody upload a file for an importer in the UI; return the id of the operation that is now current."""
        return self.workspace.prepare_file(user, importer_key).id

    def restart(self) -> None:
        """Restart the server."""
        self.workspace.restart()

    # Who may call, and how often

    async def answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        settings = self.settings
        if settings.calls_per_window is None or operation_of(request) in ("info", UNROUTED):
            return await super().answer(request, handler)
        key = (operation_of(request), request.remote)
        taken = self._calls.take(key, settings.calls_per_window, settings.window_seconds)
        if taken.allowed:
            answer = await super().answer(request, handler)
        else:
            answer = self.rate_limited(request, taken.resets_at - self.clock())
        answer.headers.update(self._limit_headers(taken))
        return answer

    def refusal(self, request: web.Request) -> web.Response | None:
        self.workspace.settle()
        if operation_of(request) == "info":
            return None
        user = request.headers.get("X-User-Id", "")
        if not user or TOKENS.get(user) != request.headers.get("X-Auth-Token"):
            text = "You must be logged in to do this."
            short = {"status": "error", "message": text}
            return web.json_response(
                short if self.settings.short_401 else {"success": False, "error": text, **short}, status=401
            )
        if user == LIMITED_USER_ID and operation_of(request) not in ("me", "users_info"):
            return failure(NO_PERMISSION, 403)
        return None

    def rate_limited(self, request: web.Request, seconds: float) -> web.Response:
        return failure(
            f"Error, too many requests. Please slow down. You must wait {max(1, round(seconds))} seconds before trying"
            " this endpoint again. [error-too-many-requests]",
            429,
        )

    def wait_headers(self, seconds: float) -> Mapping[str, str]:
        return self._limit_headers(Taken(False, 0, self.clock() + seconds))

    def _limit_headers(self, taken: Taken) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.settings.calls_per_window),
            "X-RateLimit-Remaining": str(taken.remaining),
            "X-RateLimit-Reset": str(round(taken.resets_at * 1000)),
        }

    # Calls

    async def new_import(self, request: web.Request) -> web.Response:
        """``POST import.new``: aborts whatever is under way."""
        operation = self.workspace.begin(request.headers["X-User-Id"])
        acted(request, operation.id)
        return web.json_response({"operation": operation.as_json(), "success": True})

    async def add_users(self, request: web.Request) -> web.Response:
        """``POST import.addUsers``: all users of the call, or none."""
        try:
            users = validated(await read_json_body(request, {}))
        except InvalidParameters as error:
            return self._invalid(str(error))
        if not users:
            return web.json_response({"success": True})
        operation = self.workspace.current
        if operation is None or not operation.valid:
            return failure("Import operation not initialized.")
        concerns(request, operation.id)
        if operation.state in ("loading", "importing"):
            return failure("The current import operation can not receive new data.")
        if operation.state not in ("new", "ready"):
            return failure("The current import operation is already finished.")
        if any(lacks_required_data(user) for user in users):
            return failure("Users are missing required data.")
        if any(has_invalid_roles(user) for user in users):
            return failure("One or more of the users have been assigned invalid roles.")
        self.workspace.stage(operation, users)
        acted(request, operation.id)
        return web.json_response({"success": True})

    async def run_import(self, request: web.Request) -> web.Response:
        """``POST import.run``: returns before the work is done."""
        operation = self.workspace.current
        if operation is None or not operation.valid:
            return failure("error-operation-not-found")
        concerns(request, operation.id)
        if operation.status != SELECTION:
            return failure("error-invalid-operation-status")
        self.workspace.run(operation)
        acted(request, operation.id)
        return web.json_response({"success": True})

    async def get_import_status(self, request: web.Request) -> web.Response:
        """``GET import.status``."""
        operation = self.workspace.current
        if operation is None:
            return web.json_response({"state": "none", "success": True})
        concerns(request, operation.id)
        return web.json_response({"state": operation.state, "operation": operation.as_json(), "success": True})

    async def clear_import(self, request: web.Request) -> web.Response:
        """``POST import.clear``: aborts whatever is under way."""
        operation = self.workspace.current
        if operation is not None and operation.valid:
            acted(request, operation.id)
        self.workspace.clear()
        return web.json_response({"success": True})

    async def download_pending_avatars(self, request: web.Request) -> web.Response:
        """``POST downloadPendingAvatars``: an operation of its own, so it aborts whatever is under way."""
        return await self._fetch(request, AVATARS)

    async def download_pending_files(self, request: web.Request) -> web.Response:
        """``POST downloadPendingFiles``: an operation of its own, so it aborts whatever is under way."""
        return await self._fetch(request, FILES)

    async def _fetch(self, request: web.Request, importer_key: str) -> web.Response:
        if await read_json_body(request, {}) != {}:
            return self._invalid("must NOT have additional properties")
        operation = self.workspace.fetch(request.headers["X-User-Id"], importer_key)
        acted(request, operation.id)
        return web.json_response({"count": len(operation.items), "success": True})

    def _invalid(self, message: str) -> web.Response:
        suffix = "" if self.settings.plain_validation else " [invalid-params]"
        return failure(f"{message}{suffix}", errorType="invalid-params")

    async def get_current_operation(self, request: web.Request) -> web.Response:
        """``GET getCurrentImportOperation``: the newest one, valid or not."""
        operation = self.workspace.current
        shown = {} if operation is None else {"operation": operation.as_json()}
        return web.json_response({**shown, "success": True})

    async def get_latest_operations(self, request: web.Request) -> web.Response:
        """``GET getLatestImportOperations``: the twenty changed last; a permission of its own."""
        if not self.settings.view_operations:
            return failure(NO_PERMISSION, 403)
        latest = sorted(self.workspace.operations, key=lambda operation: operation.updated_at, reverse=True)
        shown = [operation.as_json() for operation in latest[:MOST_LATEST]]
        return web.json_response({"operations": shown, "success": True} if self.settings.wrap_operations else shown)

    async def users_info(self, request: web.Request) -> web.Response:
        """``GET users.info`` by ``importId``, ``username`` or ``email``."""
        wanted = {key: value for key, value in request.query.items() if key in ("importId", "username", "email")}
        user = self.workspace.users.find(**wanted) if wanted else None
        return failure("User not found.") if user is None else web.json_response({"user": user, "success": True})

    async def me(self, request: web.Request) -> web.Response:
        """``GET me``."""
        user = request.headers["X-User-Id"]
        roles = ["user"] if user == LIMITED_USER_ID else ["user", "importer"]
        return web.json_response({"_id": user, "username": user.lower(), "roles": roles, "success": True})

    async def info(self, request: web.Request) -> web.Response:
        """``GET /api/info``: no log-in."""
        return web.json_response({"version": "8.6", "success": True})
