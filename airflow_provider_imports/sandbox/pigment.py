"""
Stand-in of Pigment's import API and of its metadata API.

Made from the article "Trigger an import and check status with APIs" and the published OpenAPI description.
Where they are silent, the stand-in is nasty: errors are opaque text, and good answers come as ``text/plain``
here, as JSON there. The metadata API has no pages: each call returns all there is.

To make an import fail: push a CSV with a column named ``__fail__``, or trigger
:data:`FAILING_CONFIGURATION_ID`. To get skipped rows: push rows with too few or too many fields.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from airflow_provider_imports.sandbox.journal import ENTRY, acted, concerns
from airflow_provider_imports.sandbox.pigment_import import PigmentImport
from airflow_provider_imports.sandbox.pigment_metadata import (
    CONFIGURATIONS,
    FAILING_CONFIGURATION_ID,
    INTEGRATION,
    INTEGRATION_CONFIGURATION_ID,
    SECOND_UPLOAD_CONFIGURATION_ID,
    UPLOAD,
    UPLOAD_CONFIGURATION_ID,
    shown_applications,
    shown_blocks,
    shown_configurations,
)
from airflow_provider_imports.sandbox.progress import Progress, Window
from airflow_provider_imports.sandbox.records import CsvRecords
from airflow_provider_imports.sandbox.stand_in import StandIn, chunks, content_type, operation_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = [
    "FAILING_CONFIGURATION_ID",
    "INTEGRATION_CONFIGURATION_ID",
    "SECOND_UPLOAD_CONFIGURATION_ID",
    "UPLOAD_CONFIGURATION_ID",
    "Pigment",
]

API_KEY = "pgmt_sandboxkey"
"""A key of the type *Import*."""
METADATA_API_KEY = "pgmt_sandboxmetadatakey"
"""A key of the type *Modeling Metadata*: it may list, and not import."""
METADATA = frozenset({"get_applications", "get_blocks", "get_import_configurations"})
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
    :param auto_created: how many items each import creates in the dimension :data:`BLOCK_ID` by itself.
    :param unknown_items: how many of an import's rows name an item that is not there, and are skipped.
    """

    requests_per_window: int | None = 500
    window_seconds: float = 300.0
    pushes_per_hour: int | None = 300
    size_limit: int | None = None
    status_lag_seconds: float = 0.0
    integration_rows: int = 1000
    auto_created: int = 0
    unknown_items: int = 0


class Pigment(StandIn):
    """Pigment. ``imports`` holds all imports by id; there is no cancel."""

    name = "pigment"
    connection_password = API_KEY
    more_connections: Mapping[str, str] = {"pigment_metadata": METADATA_API_KEY}
    settings: PigmentSettings
    settings_type = PigmentSettings
    ids: Mapping[str, str] = {
        **{each: f"import configuration {one.name!r} of the kind {one.kind}" for each, one in CONFIGURATIONS.items()},
        FAILING_CONFIGURATION_ID: f"import configuration of the kind {INTEGRATION}, whose every import fails",
    }

    def routes(self) -> Sequence[web.RouteDef]:
        return (
            web.post("/api/v1/import/push/csv", self.push_csv),
            web.post("/api/v1/import/trigger", self.trigger_import),
            web.get("/api/v1/import/{importId}/status", self.get_import_status),
            web.get("/api/v1/applications", self.get_applications),
            web.get("/api/v1/blocks", self.get_blocks),
            web.get("/api/v1/importConfigurations", self.get_import_configurations),
        )

    def forget(self) -> None:
        self.imports: dict[str, PigmentImport] = {}
        self._kinds = {each: one.kind for each, one in CONFIGURATIONS.items()}
        self._requests = Window(self.clock)
        self._pushes = Window(self.clock)

    def refusal(self, request: web.Request) -> web.Response | None:
        settings = self.settings
        taken = self._requests.take(request.remote, settings.requests_per_window, settings.window_seconds)
        if not taken.allowed:
            return web.Response(text="Too many requests", status=429)
        key = METADATA_API_KEY if operation_of(request) in METADATA else API_KEY
        if request.headers.get("Authorization") != f"Bearer {key}":
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
        kind = self._kind(configuration_id, UPLOAD)
        if kind is None:
            return web.Response(text="Configuration not found", status=404)
        too_large = settings.size_limit is not None and (request.content_length or 0) > settings.size_limit
        if kind != UPLOAD or content_type(request) not in CSV_TYPES or too_large:
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
        kind = self._kind(configuration_id, INTEGRATION)
        if not _is_uuid(configuration_id) or kind == UPLOAD:
            return web.Response(text="Invalid configuration or unsupported operation type", status=400)
        if kind is None:
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
            return self._bad_request()
        wanted = request.query.get("includedDetailedReport", "false").lower()
        if wanted not in ("true", "false"):
            return self._bad_request()
        found = self.imports.get(import_id)
        if found is not None:
            concerns(request, found.id)
        if found is None or self.clock() < found.progress.began + self.settings.status_lag_seconds:
            return web.Response(text="Status with the specified importId was not found", status=404)
        return web.json_response(found.report(wanted == "true"))

    async def get_applications(self, request: web.Request) -> web.Response:
        """``GET /api/v1/applications``."""
        return web.json_response(shown_applications(), content_type="text/plain")

    async def get_blocks(self, request: web.Request) -> web.Response:
        """``GET /api/v1/blocks?applicationId=``."""
        application = request.query.get("applicationId", "")
        return web.json_response(shown_blocks(application)) if _is_uuid(application) else self._bad_request()

    async def get_import_configurations(self, request: web.Request) -> web.Response:
        """``GET /api/v1/importConfigurations?applicationId=&blockId=``."""
        application, block = request.query.get("applicationId", ""), request.query.get("blockId", "")
        if not _is_uuid(application) or not _is_uuid(block):
            return self._bad_request()
        return web.json_response(shown_configurations(application, block))

    def _bad_request(self) -> web.Response:
        return web.Response(text="Bad request", status=400)

    def running(self) -> Iterator[PigmentImport]:
        """Yield the imports that have not ended."""
        return (each for each in self.imports.values() if each.status == "InProgress")

    def _kind(self, configuration_id: str, called_as: str) -> str | None:
        """Return the kind of a configuration; with ``any_id``, the first call to an unknown one decides it."""
        if self.shared.any_id and _is_uuid(configuration_id):
            return self._kinds.setdefault(configuration_id, called_as)
        return self._kinds.get(configuration_id)

    def _begin(self, configuration_id: str, rows: CsvRecords) -> PigmentImport:
        progress = Progress(self.clock, self.shared.seconds_for(rows.total))
        settings = self.settings
        started = PigmentImport(
            str(uuid.uuid4()), configuration_id, progress, rows, settings.auto_created, settings.unknown_items
        )
        self.imports[started.id] = started
        return started


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
