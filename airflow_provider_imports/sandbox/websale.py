"""
Stand-in of WEBSALE's admin interface API: log-in and ``import/{service}/...``.

Made from the pages "Import" and "Authentifizierung" of its API reference. What they leave open was decided
here: the access token is sent as ``Authorization: Bearer`` (header name: a setting), errors are
``{"type": ..., "message": ...}``, ``processed`` counts failed records too, a body without records is 400, and
an import of which any record has a field ``__fail__`` ends as ERROR, as one does whose body cannot be parsed.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow_provider_imports.sandbox.accounts import Accounts
from airflow_provider_imports.sandbox.exchange import Answer, Received, json_answer
from airflow_provider_imports.sandbox.records import CsvRecords, JsonRecords, RecordCounter, XmlRecords
from airflow_provider_imports.sandbox.runs import Progress, iso
from airflow_provider_imports.sandbox.vendor import Route, Vendor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

EMAIL = "admin@websale-sandbox.example"
PASSWORD = "websale-sandbox-password"
API_KEY = "websale-sandbox-api-key"
"""Logs in as the same full-access account."""
LIMITED_EMAIL = "limited@websale-sandbox.example"
LIMITED_PASSWORD = "websale-sandbox-limited-password"
"""An account without permission for :data:`FORBIDDEN_SERVICE`."""
FORBIDDEN_SERVICE = "product"
FAIL_FIELD = "__fail__"

JSON_CSV = ("json", "csv")
FORMATS: Mapping[str, tuple[str, ...]] = {
    "adminUser": JSON_CSV,
    "category": JSON_CSV,
    "customerAccount": JSON_CSV,
    "dataFeed": JSON_CSV,
    "dataFeedTemplate": JSON_CSV,
    "inquiry": ("json", "csv", "xml"),
    "inventory": JSON_CSV,
    "order": ("json", "xml"),
    "newsletterSubscriber": JSON_CSV,
    "product": JSON_CSV,
    "productRating": JSON_CSV,
    "seoViews": JSON_CSV,
    "voucher": JSON_CSV,
    "voucherPreset": JSON_CSV,
    "voucherTemplate": JSON_CSV,
}
COUNTERS: Mapping[str, Callable[[], RecordCounter]] = {
    "json": JsonRecords,
    "csv": CsvRecords,
    "xml": XmlRecords,
}

READY, STARTING, RUNNING, PAUSED, CANCELED, FINISHED, ERROR = range(7)


@dataclass
class WebsaleSettings:
    """
    :param token_seconds: lifetime of an access token.
    :param auth_header: header in which it is expected.
    :param starting_seconds: how long an import is STARTING before it is RUNNING.
    :param max_import_errors: how many entries ``importErrors`` has at most.
    """

    token_seconds: float = 1800.0
    auth_header: str = "Authorization"
    starting_seconds: float = 0.0
    max_import_errors: int = 10


@dataclass
class WebsaleImport:
    """One run. WEBSALE has no ids for them; ``start`` is unique here."""

    service: str
    start: str
    progress: Progress
    total: int
    failed: int
    samples: list[str]
    global_error: str
    send_mail: bool
    starting_seconds: float
    paused: bool = False
    canceled_at: float | None = None

    @property
    def status(self) -> int:
        """WEBSALE's numeric status."""
        if self.canceled_at is not None:
            return CANCELED
        if self.progress.fraction >= 1:
            return ERROR if self.global_error else FINISHED
        if self.paused:
            return PAUSED
        return STARTING if self.progress.elapsed < self.starting_seconds else RUNNING

    def report(self, max_errors: int) -> dict[str, Any]:
        """Return the status object."""
        ended_at = self.progress.ended_at if self.canceled_at is None else self.canceled_at
        failed = self.progress.of(self.failed)
        errors = [{"message": f"invalid record: {sample}"} for sample in self.samples[: min(failed, max_errors)]]
        is_error = self.status == ERROR
        last = self.global_error if is_error else errors[-1]["message"] if errors else ""
        return {
            "duration": int(self.progress.elapsed),
            "end": "" if ended_at is None else iso(ended_at),
            "failed": failed,
            "globalError": 1 if is_error else 0,
            "importErrors": errors,
            "lastError": last,
            "percentage": self.progress.of(100),
            "processed": self.progress.of(self.total),
            "start": self.start,
            "status": self.status,
        }


NOTHING_RUN = {
    "duration": 0,
    "end": "",
    "failed": 0,
    "globalError": 0,
    "importErrors": [],
    "lastError": "",
    "percentage": 0,
    "processed": 0,
    "start": "",
    "status": READY,
}


def error(status: int, kind: str, message: str) -> Answer:
    """Answer with WEBSALE's error ``type`` and a message."""
    return json_answer({"type": kind, "message": message}, status)


class Websale(Vendor):
    """WEBSALE. ``runs`` holds all imports in order; ``slots`` the newest of each service."""

    name = "websale"
    connection_login = EMAIL
    connection_password = PASSWORD
    settings: WebsaleSettings
    routes = (
        Route("POST", "/admin/api/v1/login", "login"),
        Route("GET", "/admin/api/v1/import/{service}/status", "get_import_status"),
        Route("POST", "/admin/api/v1/import/{service}/start", "start_import"),
        Route("POST", "/admin/api/v1/import/{service}/pause", "pause_import"),
        Route("POST", "/admin/api/v1/import/{service}/resume", "resume_import"),
        Route("DELETE", "/admin/api/v1/import/{service}/cancel", "cancel_import"),
    )

    def default_settings(self) -> WebsaleSettings:
        return WebsaleSettings()

    def forget(self) -> None:
        self.runs: list[WebsaleImport] = []
        self.slots: dict[str, WebsaleImport] = {}
        passwords = {EMAIL: PASSWORD, LIMITED_EMAIL: LIMITED_PASSWORD, API_KEY: API_KEY}
        self.accounts = Accounts(self.clock, passwords)
        self._last_start = 0.0

    def refuse(self, received: Received) -> Answer | None:
        if received.operation == "login":
            return None
        account = self._account(received)
        if account is None:
            return error(401, "unauthorized", "Not authorized: you are not logged in.")
        service = received.parameters["service"]
        if service not in FORMATS:
            return error(400, "invalidValue", f"service {service!r} is unknown")
        if account == LIMITED_EMAIL and service == FORBIDDEN_SERVICE:
            return error(401, "unauthorized", "Not authorized: no permission for the service.")
        return None

    def rate_limited(self, received: Received, seconds: float, hints: bool) -> Answer:
        answer = error(429, "tooManyRequests", "Too many requests.")
        return replace(answer, headers={"Retry-After": f"{seconds:.0f}"} if hints else {})

    def not_found(self, received: Received) -> Answer:
        return error(404, "notFound", "endpoint not found")

    def wrong_method(self, received: Received) -> Answer:
        return error(405, "methodNotAllowed", "method not allowed")

    def _account(self, received: Received) -> str | None:
        sent = received.headers.get(self.settings.auth_header, "").removeprefix("Bearer ")
        return self.accounts.whose(sent or received.cookies.get("accessToken", ""))

    async def login(self, received: Received) -> Answer:
        """``POST login``: by ``email`` and ``password``, or by ``apiKey``."""
        try:
            sent = json.loads(await received.read())
        except ValueError:
            sent = None
        if not isinstance(sent, dict) or not ("apiKey" in sent or {"email", "password"} <= sent.keys()):
            return error(400, "missing", "email and password, or apiKey, are required")
        account, password = (sent["apiKey"],) * 2 if "apiKey" in sent else (sent["email"], sent["password"])
        if self.accounts.is_locked(str(account)):
            return error(423, "locked", "The account is locked after repeated failed logins.")
        access = self.accounts.log_in(str(account), str(password), self.settings.token_seconds)
        if access is None:
            return error(401, "unauthorized", "Not authorized: wrong login.")
        received.acted()
        cookies = {"Set-Cookie": f"accessToken={access}; Path=/"} if "setCookie" in received.query else {}
        tokens = {"accessToken": access, "refreshToken": f"refresh-{secrets.token_hex(16)}"}
        return json_answer(tokens, headers=cookies)

    async def get_import_status(self, received: Received) -> Answer:
        """``GET import/{service}/status``: of the running or most recent import."""
        run = self.slots.get(received.parameters["service"])
        if run is None:
            return json_answer(NOTHING_RUN)
        return self._status(received, run)

    async def start_import(self, received: Received) -> Answer:
        """``POST import/{service}/start``: cancels the running import of the service, if any."""
        service = received.parameters["service"]
        chosen = received.query.get("format", "json")
        send_mail = received.query.get("sendMail", "false").lower() in ("true", "1")
        if chosen not in FORMATS[service]:
            return error(400, "invalidValue", f"service {service!r} does not support format {chosen!r}")
        if "sendMail" in received.query and service != "adminUser":
            return error(400, "invalidValue", "sendMail is only for adminUser")
        counter = COUNTERS[chosen]()
        async for chunk in received.chunks():
            counter.feed(chunk)
        counter.finish()
        if not received.entry.bytes:
            return error(400, "missing", "the body is empty")
        self._cancel(self.slots.get(service))
        run = self._begin(service, counter, send_mail)
        received.acted(run.start)
        return self._status(received, run)

    async def pause_import(self, received: Received) -> Answer:
        """``POST import/{service}/pause``: only if RUNNING."""
        run = self.slots.get(received.parameters["service"])
        if run is None or run.status != RUNNING:
            return error(404, "notFound", "The process is not running or is not in the RUNNING status.")
        run.progress.halt()
        run.paused = True
        received.acted()
        return self._status(received, run)

    async def resume_import(self, received: Received) -> Answer:
        """``POST import/{service}/resume``: only if PAUSED."""
        run = self.slots.get(received.parameters["service"])
        if run is None or run.status != PAUSED:
            return error(404, "notFound", "The process is not in the PAUSED status.")
        run.progress.go_on()
        run.paused = False
        received.acted()
        return self._status(received, run)

    async def cancel_import(self, received: Received) -> Answer:
        """``DELETE import/{service}/cancel``: only if RUNNING, STARTING or PAUSED."""
        run = self.slots.get(received.parameters["service"])
        if run is None or not self._cancel(run):
            return error(404, "notFound", "The process is not running or is not in a cancelable status.")
        received.acted()
        return self._status(received, run)

    def _status(self, received: Received, run: WebsaleImport) -> Answer:
        received.concerns(run.start)
        return json_answer(run.report(self.settings.max_import_errors))

    def _cancel(self, run: WebsaleImport | None) -> bool:
        if run is None or run.status not in (RUNNING, STARTING, PAUSED):
            return False
        run.progress.halt()
        run.canceled_at = self.clock()
        return True

    def _begin(self, service: str, counter: RecordCounter, send_mail: bool) -> WebsaleImport:
        # Two starts within a millisecond must not look like one run.
        self._last_start = max(self.clock(), self._last_start + 0.001)
        failure = counter.broken or (f"a record has {FAIL_FIELD}" if counter.has_field(FAIL_FIELD) else "")
        run = WebsaleImport(
            service=service,
            start=iso(self._last_start),
            progress=Progress(self.clock, self.pace.seconds_for(counter.total)),
            total=counter.total,
            failed=counter.failed,
            samples=counter.samples,
            global_error=failure,
            send_mail=send_mail,
            starting_seconds=self.settings.starting_seconds,
        )
        self.runs.append(run)
        self.slots[service] = run
        return run
