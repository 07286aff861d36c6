"""
Stand-in of Rocket.Chat's bulk user import (``import.new``, ``addUsers``, ``run``, ``status``, ``clear``).

Made from the published OpenAPI description and a reading of the server's behaviour: one operation per
workspace, twenty steps, counters that are flushed every fifty users, ``done`` even if every user failed, aborted
jobs that may still report ``done`` with ``valid: false``.

To make an import fail as a whole: the setting ``seat_limit``. To get users that fail: the same email or username
twice.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_imports.sandbox.exchange import Answer, json_answer
from airflow_provider_imports.sandbox.rocketchat_users import (
    InvalidParameters,
    has_invalid_roles,
    lacks_required_data,
    validated,
)
from airflow_provider_imports.sandbox.rocketchat_workspace import (
    SELECTION,
    Operation,
    RocketChatSettings,
    Workspace,
)
from airflow_provider_imports.sandbox.runs import Taken, Window
from airflow_provider_imports.sandbox.vendor import UNROUTED, Route, Vendor

if TYPE_CHECKING:
    from airflow_provider_imports.sandbox.exchange import Received

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
LOOK_UPS = ("importId", "username", "email")


def failure(error: str, status: int = 400, **more: str) -> Answer:
    """Answer an error the way the API does."""
    return json_answer({"success": False, "error": error, **more}, status)


class RocketChat(Vendor):
    """Rocket.Chat. One current operation; ``users`` that were created stay until the sandbox is reset."""

    name = "rocketchat"
    connection_login = USER_ID
    connection_password = AUTH_TOKEN
    settings: RocketChatSettings
    routes = (
        Route("POST", "/api/v1/import.new", "new_import"),
        Route("POST", "/api/v1/import.addUsers", "add_users"),
        Route("POST", "/api/v1/import.run", "run_import"),
        Route("GET", "/api/v1/import.status", "get_import_status"),
        Route("POST", "/api/v1/import.clear", "clear_import"),
        Route("GET", "/api/v1/getCurrentImportOperation", "get_current_operation"),
        Route("GET", "/api/v1/getLatestImportOperations", "get_latest_operations"),
        Route("GET", "/api/v1/users.info", "users_info"),
        Route("GET", "/api/v1/me", "me"),
        Route("GET", "/api/info", "info"),
    )

    def default_settings(self) -> RocketChatSettings:
        return RocketChatSettings()

    def forget(self) -> None:
        self.workspace = Workspace(self.clock, self.pace, self.settings)
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
    def operations(self) -> list[Operation]:
        """All operations in order; the last is the current one."""
        self.workspace.settle()
        return list(self.workspace.operations)

    def restart(self) -> None:
        """Restart the server."""
        self.workspace.restart()

    # Who may call, and how often

    async def answer(self, received: Received) -> Answer:
        settings = self.settings
        if settings.calls_per_window is None or received.operation in ("info", UNROUTED):
            return await super().answer(received)
        key = (received.operation, received.client)
        taken = self._calls.take(key, settings.calls_per_window, settings.window_seconds)
        answer = await super().answer(received) if taken.allowed else self._too_many(taken)
        return replace(answer, headers={**answer.headers, **self._limit_headers(taken)})

    def refuse(self, received: Received) -> Answer | None:
        self.workspace.settle()
        if received.operation == "info":
            return None
        user = received.headers.get("X-User-Id", "")
        if not user or TOKENS.get(user) != received.headers.get("X-Auth-Token"):
            text = "You must be logged in to do this."
            short = {"status": "error", "message": text}
            return json_answer(short if self.settings.short_401 else {"success": False, "error": text, **short}, 401)
        if user == LIMITED_USER_ID and received.operation not in ("me", "users_info"):
            return failure(NO_PERMISSION, 403)
        return None

    def rate_limited(self, received: Received, seconds: float, hints: bool) -> Answer:
        taken = Taken(False, 0, self.clock() + seconds)
        return replace(self._too_many(taken), headers=self._limit_headers(taken) if hints else {})

    def _too_many(self, taken: Taken) -> Answer:
        seconds = max(1, round(taken.resets_at - self.clock()))
        return failure(
            f"Error, too many requests. Please slow down. You must wait {seconds} seconds before trying this"
            " endpoint again. [error-too-many-requests]",
            429,
        )

    def _limit_headers(self, taken: Taken) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.settings.calls_per_window),
            "X-RateLimit-Remaining": str(taken.remaining),
            "X-RateLimit-Reset": str(round(taken.resets_at * 1000)),
        }

    # Calls

    async def new_import(self, received: Received) -> Answer:
        """``POST import.new``: aborts whatever is under way."""
        operation = self.workspace.begin(received.headers["X-User-Id"])
        received.acted(operation.id)
        return json_answer({"operation": operation.as_json(), "success": True})

    async def add_users(self, received: Received) -> Answer:
        """``POST import.addUsers``: all users of the call, or none."""
        try:
            users = validated(await _json_body(received))
        except InvalidParameters as error:
            suffix = "" if self.settings.plain_validation else " [invalid-params]"
            return failure(f"{error}{suffix}", errorType="invalid-params")
        if not users:
            return json_answer({"success": True})
        operation = self.workspace.current
        if operation is None or not operation.valid:
            return failure("Import operation not initialized.")
        received.concerns(operation.id)
        if operation.state in ("loading", "importing"):
            return failure("The current import operation can not receive new data.")
        if operation.state not in ("new", "ready"):
            return failure("The current import operation is already finished.")
        if any(lacks_required_data(user) for user in users):
            return failure("Users are missing required data.")
        if any(has_invalid_roles(user) for user in users):
            return failure("One or more of the users have been assigned invalid roles.")
        self.workspace.stage(operation, users)
        received.acted(operation.id)
        return json_answer({"success": True})

    async def run_import(self, received: Received) -> Answer:
        """``POST import.run``: returns before the work is done."""
        operation = self.workspace.current
        if operation is None or not operation.valid:
            return failure("error-operation-not-found")
        received.concerns(operation.id)
        if operation.status != SELECTION:
            return failure("error-invalid-operation-status")
        self.workspace.run(operation)
        received.acted(operation.id)
        return json_answer({"success": True})

    async def get_import_status(self, received: Received) -> Answer:
        """``GET import.status``."""
        operation = self.workspace.current
        if operation is None:
            return json_answer({"state": "none", "success": True})
        received.concerns(operation.id)
        return json_answer({"state": operation.state, "operation": operation.as_json(), "success": True})

    async def clear_import(self, received: Received) -> Answer:
        """``POST import.clear``: aborts whatever is under way."""
        operation = self.workspace.current
        if operation is not None and operation.valid:
            received.acted(operation.id)
        self.workspace.clear()
        return json_answer({"success": True})

    async def get_current_operation(self, received: Received) -> Answer:
        """``GET getCurrentImportOperation``: the newest one, valid or not."""
        operation = self.workspace.current
        shown = {} if operation is None else {"operation": operation.as_json()}
        return json_answer({**shown, "success": True})

    async def get_latest_operations(self, received: Received) -> Answer:
        """``GET getLatestImportOperations``: the twenty changed last, a bare array; a permission of its own."""
        if not self.settings.view_operations:
            return failure(NO_PERMISSION, 403)
        latest = sorted(self.workspace.operations, key=lambda operation: operation.updated_at, reverse=True)
        return json_answer([operation.as_json() for operation in latest[:MOST_LATEST]])

    async def users_info(self, received: Received) -> Answer:
        """``GET users.info`` by ``importId``, ``username`` or ``email``."""
        wanted = {key: value for key, value in received.query.items() if key in ("importId", "username", "email")}
        user = self.workspace.users.find(**wanted) if wanted else None
        return failure("User not found.") if user is None else json_answer({"user": user, "success": True})

    async def me(self, received: Received) -> Answer:
        """``GET me``."""
        user = received.headers["X-User-Id"]
        roles = ["user"] if user == LIMITED_USER_ID else ["user", "importer"]
        return json_answer({"_id": user, "username": user.lower(), "roles": roles, "success": True})

    async def info(self, received: Received) -> Answer:
        """``GET /api/info``: no log-in."""
        return json_answer({"version": "8.6", "success": True})


async def _json_body(received: Received) -> Any:
    """Read a body as the server does: what is no JSON, or is not declared as JSON, counts as ``{}``."""
    body = await received.read()
    try:
        return json.loads(body) if received.content_type == "application/json" else {}
    except ValueError:
        return {}
