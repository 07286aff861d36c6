"""
Stand-in of Blueshift's ``trigger_import``.

Made from the page "Trigger customer import" and the API's error pages. There is no status of a run: while a task
is being processed, a second trigger is refused with 405, and that is all there is to see.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow_provider_imports.sandbox.exchange import Answer, json_answer
from airflow_provider_imports.sandbox.runs import Progress
from airflow_provider_imports.sandbox.vendor import Route, Vendor

if TYPE_CHECKING:
    from airflow_provider_imports.sandbox.exchange import Received

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
TRIGGERABLE = frozenset({LAUNCHED_UUID, SECOND_LAUNCHED_UUID})
UNTRIGGERABLE = frozenset({DRAFT_UUID, NOT_S3_UUID})


@dataclass
class BlueshiftRun:
    """One accepted trigger. Blueshift gives it no id."""

    uuid: str
    progress: Progress

    @property
    def is_processed(self) -> bool:
        """Whether the task has been processed, so that it can be triggered again."""
        return self.progress.fraction >= 1


def not_supported() -> Answer:
    """Answer 405: not S3, not launched, or already being processed; it is the same text for all three."""
    return json_answer({"errors": [{"title": "error", "detail": "Error: Action not supported"}]}, 405)


def task_not_found() -> Answer:
    """Answer 404 for a task that does not exist."""
    meta = {"combine_errors": False, "no_toast": False, "unformatted": {"error": ["Resource not found"]}}
    errors = [{"title": "error", "detail": "Error: Resource not found"}]
    return json_answer({"errors": errors, "meta": meta}, 404)


class Blueshift(Vendor):
    """Blueshift. ``runs`` holds all accepted triggers in order."""

    name = "blueshift"
    connection_password = USER_API_KEY
    routes = (
        Route("POST", "/api/v1/customer_attributes/trigger_import", "trigger_customer_import"),
        Route("GET", "/api/v1/catalogs", "list_catalogs"),
    )

    def forget(self) -> None:
        self.runs: list[BlueshiftRun] = []

    async def answer(self, received: Received) -> Answer:
        return self._with_request_id(await super().answer(received))

    def refuse(self, received: Received) -> Answer | None:
        if received.basic_credentials != (USER_API_KEY, ""):
            return json_answer({"message": "Not authorized"}, 401)
        return None

    def rate_limited(self, received: Received, seconds: float, hints: bool) -> Answer:
        headers = {"Retry-After": f"{seconds:.0f}"} if hints else {}
        return self._with_request_id(json_answer({"message": "Rate limit exceeded"}, 429, headers=headers))

    def not_found(self, received: Received) -> Answer:
        return json_answer({"status": "404", "error": "Not Found"}, 404)

    def wrong_method(self, received: Received) -> Answer:
        return self.not_found(received)

    async def trigger_customer_import(self, received: Received) -> Answer:
        """``POST customer_attributes/trigger_import``, with ``{"uuid": ...}``."""
        task = await self._task(received)
        if task is None:
            return json_answer({"errors": {"uuid": ["can't be blank"]}}, 400)
        if task not in TRIGGERABLE | UNTRIGGERABLE:
            return task_not_found()
        received.concerns(task)
        if task in UNTRIGGERABLE or any(run.uuid == task and not run.is_processed for run in self.runs):
            return not_supported()
        self.runs.append(BlueshiftRun(task, Progress(self.clock, self.pace.run_seconds)))
        received.acted(task)
        return json_answer({"status": "ok"})

    async def list_catalogs(self, received: Received) -> Answer:
        """``GET catalogs``: speaks of catalogs, not of imports; shows that a key works."""
        return json_answer({"catalogs": []})

    async def _task(self, received: Received) -> str | None:
        body = await received.read()
        try:
            sent: Any = json.loads(body) if received.content_type == "application/json" else None
        except ValueError:
            return None
        task = sent.get("uuid") if isinstance(sent, dict) else None
        return task if isinstance(task, str) and task else None

    def _with_request_id(self, answer: Answer) -> Answer:
        seen = {"x-request-id": str(uuid.uuid4()), "x-runtime": "0.012345"}
        return replace(answer, headers={**answer.headers, **seen})
