"""
Stand-in of Blueshift's ``trigger_import``, and of its search for one customer.

Made from the pages "Trigger customer import" and "Search customer" and the API's error pages. There is no status of a
run: while a task is being processed, a second trigger is refused with 405, and that is all there is to see. The
customers are those of the CSV that the setting ``source`` names.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from airflow_provider_imports.sandbox.arrivals import Arrivals
from airflow_provider_imports.sandbox.journal import acted, concerns
from airflow_provider_imports.sandbox.progress import Progress
from airflow_provider_imports.sandbox.stand_in import StandIn, basic_credentials, read_json_body

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aiohttp.typedefs import Handler

USER_API_KEY = "blueshift-sandbox-user-key"
EVENT_API_KEY = "blueshift-sandbox-event-key"
"""A key of the wrong class: it is refused like an unknown one."""

LAUNCHED_UUID = "3f6b8f0e-9a3d-4c55-8a57-0c8f6f1d2a10"
"""A launched import task with an S3 source: can be triggered."""
SECOND_LAUNCHED_UUID = "8c1e2d4b-70b5-4f0d-b0d5-51c5cbb6a3f2"
"""One more of that kind."""
DRAFT_UUID = "c2a4b6d8-1e3f-4a5b-9c7d-2f4e6a8b0c12"
"""A task that was not launched: 405."""
NOT_S3_UUID = "e0d1c2b3-a495-4687-8790-1a2b3c4d5e6f"
"""A launched task with an SFTP source: 405."""
STANDARD_ATTRIBUTES = ("email", "customer_id", "firstname", "lastname", "phone_number")
UNTRIGGERABLE = frozenset({DRAFT_UUID, NOT_S3_UUID})


@dataclass
class BlueshiftSettings:
    """
    :param source: CSV file that every import reads when it starts, with a column ``email``; its customers can be found
        when the import has ended. ``None``: imports bring nobody.
    :param unknown_customer_is_404: how the search for a customer who is not there is answered; else with an empty list.
    """

    source: str | None = None
    unknown_customer_is_404: bool = False


@dataclass
class BlueshiftRun:
    """One accepted trigger. Blueshift gives it no id."""

    uuid: str
    progress: Progress

    @property
    def is_processed(self) -> bool:
        """Whether the task has been processed, so that it can be triggered again."""
        return self.progress.fraction >= 1


def not_supported() -> web.Response:
    """Answer 405: not S3, not launched, or already being processed; it is the same text for all three."""
    return web.json_response({"errors": [{"title": "error", "detail": "Error: Action not supported"}]}, status=405)


def not_found() -> web.Response:
    """Answer 404 for a task or a customer that does not exist."""
    meta = {"combine_errors": False, "no_toast": False, "unformatted": {"error": ["Resource not found"]}}
    errors = [{"title": "error", "detail": "Error: Resource not found"}]
    return web.json_response({"errors": errors, "meta": meta}, status=404)


class Blueshift(StandIn):
    """Blueshift. ``runs`` holds all accepted triggers in order."""

    name = "blueshift"
    connection_password = USER_API_KEY
    settings: BlueshiftSettings
    settings_type = BlueshiftSettings
    ids: Mapping[str, str] = {
        LAUNCHED_UUID: "launched import task with an S3 source",
        SECOND_LAUNCHED_UUID: "another launched import task with an S3 source",
        DRAFT_UUID: "import task that was not launched: cannot be triggered",
        NOT_S3_UUID: "import task with an SFTP source: cannot be triggered",
    }

    def routes(self) -> Sequence[web.RouteDef]:
        return (
            web.post("/api/v1/customer_attributes/trigger_import", self.trigger_customer_import),
            web.get("/api/v1/catalogs", self.list_catalogs),
            web.get("/api/v1/customers", self.get_customers),
        )

    def forget(self) -> None:
        self.runs: list[BlueshiftRun] = []
        self.arrivals = Arrivals()

    async def answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        answer = await super().answer(request, handler)
        answer.headers.update(_seen())
        return answer

    def refusal(self, request: web.Request) -> web.Response | None:
        if basic_credentials(request) != (USER_API_KEY, ""):
            return web.json_response({"message": "Not authorized"}, status=401)
        return None

    def rate_limited(self, request: web.Request, seconds: float) -> web.Response:
        return web.json_response({"message": "Rate limit exceeded"}, status=429, headers=_seen())

    def unrouted(self, status: int) -> web.Response:
        return web.json_response({"status": "404", "error": "Not Found"}, status=404)

    async def trigger_customer_import(self, request: web.Request) -> web.Response:
        """``POST customer_attributes/trigger_import``, with ``{"uuid": ...}``."""
        task = await self._task(request)
        if task is None:
            return web.json_response({"errors": {"uuid": ["can't be blank"]}}, status=400)
        if task not in self.ids and not self.shared.any_id:
            return not_found()
        concerns(request, task)
        if task in UNTRIGGERABLE or any(run.uuid == task and not run.is_processed for run in self.runs):
            return not_supported()
        run = BlueshiftRun(task, Progress(self.clock, self.shared.run_seconds))
        self.runs.append(run)
        self.arrivals.add(run.progress, self.settings.source)
        acted(request, task)
        return web.json_response({"status": "ok"})

    async def list_catalogs(self, request: web.Request) -> web.Response:
        """``GET catalogs``: speaks of catalogs, not of imports; shows that a key works."""
        return web.json_response({"catalogs": []})

    async def get_customers(self, request: web.Request) -> web.Response:
        """``GET customers?email=``: one customer whom an import has brought."""
        email = request.query.get("email", "")
        if not email:
            return web.json_response({"errors": {"email": ["can't be blank"]}}, status=400)
        customer = self.arrivals.find({"email": email})
        if customer is None:
            return not_found() if self.settings.unknown_customer_is_404 else web.json_response({"users": []})
        standard = {name: customer.get(name) for name in STANDARD_ATTRIBUTES}
        custom = {name: value for name, value in customer.items() if name not in STANDARD_ATTRIBUTES}
        identity = str(uuid.uuid5(uuid.NAMESPACE_DNS, email.lower()))
        user = {**standard, "uuid": identity, "custom_attributes": custom}
        return web.json_response({"users": [user], "user": user})

    async def _task(self, request: web.Request) -> str | None:
        sent = await read_json_body(request)
        task = sent.get("uuid") if isinstance(sent, dict) else None
        return task if isinstance(task, str) and task else None


def _seen() -> dict[str, str]:
    """Return the headers that Blueshift's own answers have."""
    return {"x-request-id": str(uuid.uuid4()), "x-runtime": "0.012345"}
