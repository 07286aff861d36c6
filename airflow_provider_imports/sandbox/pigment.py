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

from aiohttp import web

from airflow_provider_imports.sandbox.journal import ENTRY, acted, concerns
from airflow_provider_imports.sandbox.progress import Progress, Window, iso
from airflow_provider_imports.sandbox.records import CsvRecords
from airflow_provider_imports.sandbox.stand_in import StandIn, chunks, content_type, operation_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
    """One import. ``rows`` are true counts; Pigment tells them only at the end."""

    id: str
    configuration_id: str
    progress: Progress
    rows: CsvRecords

    @property
    def fails(self) -> bool:
        """Whether it was made to fail."""
        return FAIL_COLUMN in self.rows.fields or self.configuration_id == FAILING_CONFIGURATION_ID

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
        rows = self.rows
        counts = {"insertedCount": rows.total - rows.failed, "updatedCount": 0, "deletedCount": 0}
        reason = {"count": rows.failed, "reason": "ParsingError", "sourceColumnName": None, "samples": rows.samples}
        block = {
            "blockId": BLOCK_ID,
            "scenarioId": None,
            **counts,
            "skippedData": [reason] if rows.failed else [],
        }
        return {
            "blockType": "List",
            "summary": {**counts, "skippedCount": rows.failed},
            "impactedBlocks": [block],
            "autoCreatedDimensionModalities": [],
        }


class Pigment(StandIn):
    """Pigment. ``imports`` holds all imports by id; there is no cancel."""

    name = "pigment"
    connection_password = API_KEY
    settings: PigmentSettings
    settings_type = PigmentSettings

    def routes(self) -> Sequence[web.RouteDef]:
        return (
            web.post("/api/v1/import/push/csv", self.push_csv),
            web.post("/api/v1/import/trigger", self.trigger_import),
            web.get("/api/v1/import/{importId}/status", self.get_import_status),
        )

    def forget(self) -> None:
        self.imports: dict[str, PigmentImport] = {}
        self._requests = Window(self.clock)
        self._pushes = Window(self.clock)

    def refusal(self, request: web.Request) -> web.Response | None:
        settings = self.settings
        taken = self._requests.take(request.remote, settings.requests_per_window, settings.window_seconds)
        if not taken.allowed:
            return web.Response(text="Too many requests", status=429)
        if request.headers.get("Authorization") != f"Bearer {API_KEY}":
            return web.Response(text="Unauthorized", status=401)
        return None

    def rate_limited(self, request: web.Request, seconds: float) -> web.Response:
        is_push = operation_of(request) == "push_csv"
        text = TOO_MANY_PUSHES.format(self.settings.pushes_per_hour) if is_push else "Too many requests"
        return web.Response(text=text, status=429)

    def unrouted(self, status: int) -> web.Response:
        return web.Response(status=status)

    async def push_csv(self, request: web.Request) -> web.Response:
        """``POST /api/v1/import/push/csv``: the CSV is the raw body."""
        settings = self.settings
        configuration_id = request.query.get("configurationId", "")
        if not _is_uuid(configuration_id):
            return web.Response(text=BAD_PUSH, status=400)
        if configuration_id not in UPLOADS | INTEGRATIONS:
            return web.Response(text="Configuration not found", status=404)
        too_large = settings.size_limit is not None and (request.content_length or 0) > settings.size_limit
        if configuration_id in INTEGRATIONS or content_type(request) not in CSV_TYPES or too_large:
            return web.Response(text=BAD_PUSH, status=400)
        if not self._pushes.take(configuration_id, settings.pushes_per_hour, 3600).allowed:
            return self.rate_limited(request, 3600)
        rows = CsvRecords()
        async for chunk in chunks(request):
            if settings.size_limit is not None and request[ENTRY].bytes > settings.size_limit:
                return web.Response(text=BAD_PUSH, status=400)
            rows.feed(chunk)
        rows.finish()
        if not rows.fields:
            return web.Response(text=BAD_PUSH, status=400)
        started = self._begin(configuration_id, rows)
        acted(request, started.id)
        return web.json_response({"importId": started.id}, content_type="text/plain")

    async def trigger_import(self, request: web.Request) -> web.Response:
        """``POST /api/v1/import/trigger``: no body; not for *Upload file* configurations."""
        configuration_id = request.query.get("configurationId", "")
        if not _is_uuid(configuration_id) or configuration_id in UPLOADS:
            return web.Response(text="Invalid configuration or unsupported operation type", status=400)
        if configuration_id not in INTEGRATIONS:
            return web.Response(text="Configuration not found", status=404)
        rows = CsvRecords()
        rows.total = self.settings.integration_rows
        started = self._begin(configuration_id, rows)
        acted(request, started.id)
        return web.json_response({"importId": started.id})

    async def get_import_status(self, request: web.Request) -> web.Response:
        """``GET /api/v1/import/{importId}/status``."""
        import_id = request.match_info["importId"]
        if not _is_uuid(import_id):
            return web.Response(text="Bad request", status=400)
        wanted = request.query.get("includedDetailedReport", "false").lower()
        if wanted not in ("true", "false"):
            return web.Response(text="Bad request", status=400)
        found = self.imports.get(import_id)
        if found is not None:
            concerns(request, found.id)
        if found is None or self.clock() < found.progress.began + self.settings.status_lag_seconds:
            return web.Response(text="Status with the specified importId was not found", status=404)
        return web.json_response(found.report(wanted == "true"))

    def running(self) -> Iterator[PigmentImport]:
        """Yield the imports that have not ended."""
        return (each for each in self.imports.values() if each.status == "InProgress")

    def _begin(self, configuration_id: str, rows: CsvRecords) -> PigmentImport:
        progress = Progress(self.clock, self.run_time.seconds_for(rows.total))
        started = PigmentImport(str(uuid.uuid4()), configuration_id, progress, rows)
        self.imports[started.id] = started
        return started


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
