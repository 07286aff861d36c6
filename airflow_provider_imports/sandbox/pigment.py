"""
Stand-in of Pigment's import API.

Made from the article "Trigger an import and check status with APIs" and the published OpenAPI description.
Where they are silent, the stand-in is nasty: errors are opaque text, and good answers come as ``text/plain``
here, as JSON there.

To make an import fail: push a CSV with a column named ``__fail__``, or trigger
:data:`FAILING_CONFIGURATION_ID`. To get skipped rows: push rows with too few or too many fields.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_imports.sandbox.counting import CsvCounter
from airflow_provider_imports.sandbox.exchange import Answer, Received, json_answer, text_answer
from airflow_provider_imports.sandbox.runs import Progress, Window, iso
from airflow_provider_imports.sandbox.vendor import Route, Vendor

if TYPE_CHECKING:
    from collections.abc import Iterator

API_KEY = "pgmt_sandboxkey"
UPLOAD_CONFIGURATION_ID = "33d0d7d0-6125-47c4-b36a-882f4ed53b33"
"""Import configuration of the kind *Upload file*: for ``push/csv``."""
SECOND_UPLOAD_CONFIGURATION_ID = "5a1f0c56-3c70-4b6e-9a57-1d4f7e0c2b11"
"""One more of that kind: pushes are limited for each configuration apart."""
INTEGRATION_CONFIGURATION_ID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
"""Import configuration of the kind *Integration*: for ``trigger``."""
FAILING_CONFIGURATION_ID = "0d9b7a3e-52f4-4f0a-8a6b-6f6d2c1e9f00"
"""An *Integration* whose every import fails."""
BLOCK_ID = "b3f1c9a2-6d2e-4a57-8f0e-2c9d1e7a4b66"
FAIL_COLUMN = "__fail__"

UPLOADS = frozenset({UPLOAD_CONFIGURATION_ID, SECOND_UPLOAD_CONFIGURATION_ID})
INTEGRATIONS = frozenset({INTEGRATION_CONFIGURATION_ID, FAILING_CONFIGURATION_ID})
CSV_TYPES = frozenset({"text/csv", "application/octet-stream"})
TOO_MANY_PUSHES = "Maximum number of reports per configuration per hour exceeded, maximum: {}. Please try again later."
BAD_PUSH = "Bad request or size limit exceeded"


@dataclass
class PigmentSettings:
    """
    :param requests_per_window: limit of all requests of one IP address; ``None`` for no limit.
    :param window_seconds: length of that limit's window.
    :param pushes_per_hour: limit of CSV pushes for one configuration; ``None`` for no limit.
    :param size_limit: largest CSV in bytes; ``None`` for no limit. Pigment has one, but does not publish it.
    :param status_lag_seconds: how long a new import's status is answered 404.
    :param integration_rows: how many rows an *Integration* import loads.
    """

    requests_per_window: int | None = 500
    window_seconds: float = 300.0
    pushes_per_hour: int | None = 300
    size_limit: int | None = None
    status_lag_seconds: float = 0.0
    integration_rows: int = 1000


@dataclass
class PigmentImport:
    """One import. ``inserted`` and ``skipped`` are true counts; Pigment tells them only at the end."""

    id: str
    configuration_id: str
    progress: Progress
    inserted: int
    skipped: int
    samples: list[str]
    fails: bool

    @property
    def status(self) -> str:
        """Pigment's word for the state."""
        if self.progress.fraction < 1:
            return "InProgress"
        return "Failed" if self.fails else "Completed"

    def report(self, detailed: bool) -> dict[str, Any]:
        """Return the ``ApiImportReportDto``."""
        ended_at = self.progress.ended_at
        errors = [{"name": "SandboxFailure", "description": f"the import was made to fail ({FAIL_COLUMN})"}]
        return {
            "importId": self.id,
            "createdAt": iso(self.progress.began),
            "completedAt": None if ended_at is None else iso(ended_at),
            "importStatus": self.status,
            "errorsDetails": errors if self.status == "Failed" else None,
            "detailedReport": self._details() if detailed and self.status == "Completed" else None,
        }

    def _details(self) -> dict[str, Any]:
        counts = {"insertedCount": self.inserted, "updatedCount": 0, "deletedCount": 0}
        reasons = [
            {
                "count": self.skipped,
                "reason": "ParsingError",
                "sourceColumnName": None,
                "samples": list(self.samples),
            }
        ]
        block = {
            "blockId": BLOCK_ID,
            "scenarioId": None,
            **counts,
            "skippedData": reasons if self.skipped else [],
        }
        return {
            "blockType": "List",
            "summary": {**counts, "skippedCount": self.skipped},
            "impactedBlocks": [block],
            "autoCreatedDimensionModalities": [],
        }


class Pigment(Vendor):
    """Pigment. ``imports`` holds all imports by id; there is no cancel."""

    name = "pigment"
    connection_password = API_KEY
    settings: PigmentSettings
    routes = (
        Route("POST", "/api/v1/import/push/csv", "push_csv"),
        Route("POST", "/api/import/push/csv", "push_csv"),
        Route("POST", "/api/v1/import/trigger", "trigger_import"),
        Route("GET", "/api/v1/import/{importId}/status", "get_import_status"),
        Route("GET", "/api/import/{importId}/status", "get_import_status"),
    )

    def default_settings(self) -> PigmentSettings:
        return PigmentSettings()

    def forget(self) -> None:
        self.imports: dict[str, PigmentImport] = {}
        self._requests = Window(self.clock)
        self._pushes = Window(self.clock)

    def refuse(self, received: Received) -> Answer | None:
        settings = self.settings
        taken = self._requests.take(received.client, settings.requests_per_window, settings.window_seconds)
        if not taken.allowed:
            return text_answer("Too many requests", 429)
        if received.headers.get("Authorization") != f"Bearer {API_KEY}":
            return text_answer("Unauthorized", 401)
        return None

    def rate_limited(self, received: Received, seconds: float, hints: bool) -> Answer:
        is_push = received.operation == "push_csv"
        text = TOO_MANY_PUSHES.format(self.settings.pushes_per_hour) if is_push else "Too many requests"
        return text_answer(text, 429, headers={"Retry-After": f"{seconds:.0f}"} if hints else {})

    def not_found(self, received: Received) -> Answer:
        return Answer(404)

    def wrong_method(self, received: Received) -> Answer:
        return Answer(405)

    async def push_csv(self, received: Received) -> Answer:
        """``POST /api/v1/import/push/csv``: the CSV is the raw body."""
        settings = self.settings
        configuration_id = received.query.get("configurationId", "")
        if not _is_uuid(configuration_id):
            return text_answer(BAD_PUSH, 400)
        if configuration_id not in UPLOADS | INTEGRATIONS:
            return text_answer("Configuration not found", 404)
        too_large = settings.size_limit is not None and (received.declared_length or 0) > settings.size_limit
        if configuration_id in INTEGRATIONS or received.content_type not in CSV_TYPES or too_large:
            return text_answer(BAD_PUSH, 400)
        if not self._pushes.take(configuration_id, settings.pushes_per_hour, 3600).allowed:
            return text_answer(TOO_MANY_PUSHES.format(settings.pushes_per_hour), 429)
        counter = CsvCounter()
        async for chunk in received.chunks():
            if settings.size_limit is not None and received.entry.bytes > settings.size_limit:
                return text_answer(BAD_PUSH, 400)
            counter.feed(chunk)
        counter.finish()
        if not received.entry.bytes or not counter.header:
            return text_answer(BAD_PUSH, 400)
        started = self._begin(
            configuration_id,
            counter.rows - counter.malformed,
            counter.malformed,
            counter.samples,
            FAIL_COLUMN in counter.header,
        )
        received.acted(started.id)
        return json_answer({"importId": started.id}, content_type="text/plain")

    async def trigger_import(self, received: Received) -> Answer:
        """``POST /api/v1/import/trigger``: no body; not for *Upload file* configurations."""
        configuration_id = received.query.get("configurationId", "")
        if not _is_uuid(configuration_id) or configuration_id in UPLOADS:
            return text_answer("Invalid configuration or unsupported operation type", 400)
        if configuration_id not in INTEGRATIONS:
            return text_answer("Configuration not found", 404)
        fails = configuration_id == FAILING_CONFIGURATION_ID
        started = self._begin(configuration_id, self.settings.integration_rows, 0, [], fails)
        received.acted(started.id)
        return json_answer({"importId": started.id})

    async def get_import_status(self, received: Received) -> Answer:
        """``GET /api/v1/import/{importId}/status``: the unversioned path has no detailed report."""
        import_id = received.parameters["importId"]
        if not _is_uuid(import_id):
            return text_answer("Bad request", 400)
        wanted = received.query.get("includedDetailedReport", "false").lower()
        if wanted not in ("true", "false"):
            return text_answer("Bad request", 400)
        found = self.imports.get(import_id)
        received.concerns(found.id if found else None)
        if found is None or self.clock() < found.progress.began + self.settings.status_lag_seconds:
            return text_answer("Status with the specified importId was not found", 404)
        detailed = wanted == "true" and received.entry.path.startswith("/api/v1/")
        return json_answer(found.report(detailed))

    def running(self) -> Iterator[PigmentImport]:
        """Yield the imports that have not ended."""
        return (each for each in self.imports.values() if each.status == "InProgress")

    def _begin(
        self, configuration_id: str, inserted: int, skipped: int, samples: list[str], fails: bool
    ) -> PigmentImport:
        progress = Progress(self.clock, self.pace.seconds_for(inserted + skipped))
        started = PigmentImport(str(uuid.uuid4()), configuration_id, progress, inserted, skipped, samples, fails)
        self.imports[started.id] = started
        return started


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
