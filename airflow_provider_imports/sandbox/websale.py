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
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from aiohttp import web

from airflow_provider_imports.sandbox.journal import ENTRY, acted, concerns
from airflow_provider_imports.sandbox.progress import Progress, iso
from airflow_provider_imports.sandbox.records import CsvRecords, JsonRecords, Records, XmlRecords
from airflow_provider_imports.sandbox.stand_in import StandIn, chunks, operation_of, read_body
from airflow_provider_imports.sandbox.websale_reasons import REASONS, Reason, Unavailable
from airflow_provider_imports.sandbox.websale_run import (
    CANCELED,
    ERROR,
    FINISHED,
    NOTHING_RUN,
    PAUSED,
    READY,
    RUNNING,
    STARTING,
    WebsaleRun,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["CANCELED", "ERROR", "FINISHED", "PAUSED", "READY", "RUNNING", "STARTING", "Websale"]

EMAIL = "admin@websale-sandbox.example"
PASSWORD = "websale-sandbox-password"
API_KEY = "websale-sandbox-api-key"
"""Logs in as the same full-access account."""
LIMITED_EMAIL = "limited@websale-sandbox.example"
LIMITED_PASSWORD = "websale-sandbox-limited-password"
"""An account without permission for :data:`FORBIDDEN_SERVICE`."""
FORBIDDEN_SERVICE = "product"
PASSWORDS = {EMAIL: PASSWORD, LIMITED_EMAIL: LIMITED_PASSWORD, API_KEY: API_KEY}
BAD_LOGINS_BEFORE_LOCK = 5
MAIL = {"true": True, "1": True, "false": False, "0": False}

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
RECORDS: Mapping[str, type[Records]] = {"json": JsonRecords, "csv": CsvRecords, "xml": XmlRecords}


@dataclass
class WebsaleSettings:
    """
    :param unavailable: why calls are answered 503, by a key of :data:`REASONS`; empty: they are not.
    :param token_seconds: lifetime of an access token.
    :param auth_header: header in which it is expected.
    :param login_field: field of the log-in that carries the account.
    :param starting_seconds: how long an import is STARTING before it is RUNNING.
    :param max_import_errors: how many entries ``importErrors`` has at most.
    """

    unavailable: Unavailable = ""
    token_seconds: float = 1800.0
    auth_header: str = "Authorization"
    login_field: str = "email"
    starting_seconds: float = 0.0
    max_import_errors: int = 10


class Token(NamedTuple):
    """Who is logged in with a token, and until when."""

    account: str
    expires_at: float


def error(status: int, kind: str, message: str) -> web.Response:
    """Answer with WEBSALE's error ``type`` and a message."""
    return web.json_response({"type": kind, "message": message}, status=status)


class Websale(StandIn):
    """WEBSALE. ``runs`` holds all imports in order; ``slots`` the newest of each service."""

    name = "websale"
    connection_login = EMAIL
    connection_password = PASSWORD
    settings: WebsaleSettings
    settings_type = WebsaleSettings

    def routes(self) -> Sequence[web.RouteDef]:
        return (
            web.post("/admin/api/v1/login", self.login),
            web.get("/admin/api/v1/import/{service}/status", self.get_import_status),
            web.post("/admin/api/v1/import/{service}/start", self.start_import),
            web.post("/admin/api/v1/import/{service}/pause", self.pause_import),
            web.post("/admin/api/v1/import/{service}/resume", self.resume_import),
            web.delete("/admin/api/v1/import/{service}/cancel", self.cancel_import),
        )

    def forget(self) -> None:
        self.runs: list[WebsaleRun] = []
        self.slots: dict[str, WebsaleRun] = {}
        self._tokens: dict[str, Token] = {}
        self._bad_logins: Counter[str] = Counter()
        self._last_start = 0.0

    def refusal(self, request: web.Request) -> web.Response | None:
        if operation_of(request) == "login":
            return None
        account = self._account(request)
        if account is None:
            return error(401, "unauthorized", "Not authorized: you are not logged in.")
        service = request.match_info["service"]
        if service not in FORMATS and not self.shared.any_id:
            return error(400, "invalidValue", f"service {service!r} is unknown")
        if account == LIMITED_EMAIL and service == FORBIDDEN_SERVICE:
            return error(401, "unauthorized", "Not authorized: no permission for the service.")
        return None

    def rate_limited(self, request: web.Request, seconds: float) -> web.Response:
        return error(429, "tooManyRequests", "Too many requests.")

    def unrouted(self, status: int) -> web.Response:
        if status == 405:
            return error(status, "methodNotAllowed", "method not allowed")
        return error(status, "notFound", "endpoint not found")

    def _account(self, request: web.Request) -> str | None:
        sent = request.headers.get(self.settings.auth_header, "").removeprefix("Bearer ")
        token = self._tokens.get(sent or request.cookies.get("accessToken", ""))
        return token.account if token is not None and self.clock() < token.expires_at else None

    async def login(self, request: web.Request) -> web.Response:
        """``POST login``: by ``email`` (see ``login_field``) and ``password``, or by ``apiKey``."""
        login_field = self.settings.login_field
        try:
            sent = json.loads(await read_body(request))
        except ValueError:
            sent = None
        if not isinstance(sent, dict) or not ("apiKey" in sent or {login_field, "password"} <= sent.keys()):
            return error(400, "missing", f"{login_field} and password, or apiKey, are required")
        by_key = "apiKey" in sent
        account, password = (str(sent[key]) for key in (("apiKey", "apiKey") if by_key else (login_field, "password")))
        if self._bad_logins[account] >= BAD_LOGINS_BEFORE_LOCK:
            return error(423, "locked", "The account is locked after repeated failed logins.")
        if PASSWORDS.get(account) != password:
            self._bad_logins[account] += 1
            return error(401, "unauthorized", "Not authorized: wrong login.")
        del self._bad_logins[account]
        access = f"access-{secrets.token_hex(16)}"
        self._tokens[access] = Token(account, self.clock() + self.settings.token_seconds)
        acted(request)
        cookies = {"Set-Cookie": f"accessToken={access}; Path=/"} if "setCookie" in request.query else {}
        tokens = {"accessToken": access, "refreshToken": f"refresh-{secrets.token_hex(16)}"}
        return web.json_response(tokens, headers=cookies)

    async def get_import_status(self, request: web.Request) -> web.Response:
        """``GET import/{service}/status``: of the running or most recent import."""
        reason = self._reason("status")
        if reason is not None:
            return self._unavailable(reason)
        run = self.slots.get(request.match_info["service"])
        if run is None:
            return web.json_response(NOTHING_RUN)
        return self._status(request, run)

    async def start_import(self, request: web.Request) -> web.Response:
        """``POST import/{service}/start``: cancels the running import of the service, if any."""
        service = request.match_info["service"]
        chosen = request.query.get("format", "json")
        mail = request.query.get("sendMail", "").lower()
        if chosen not in FORMATS.get(service, tuple(RECORDS)):
            return error(400, "invalidValue", f"service {service!r} does not support format {chosen!r}")
        if "sendMail" in request.query and service != "adminUser":
            return error(400, "invalidValue", "sendMail is only for adminUser")
        if "sendMail" in request.query and mail not in MAIL:
            return error(400, "invalidValue", "sendMail must be true or false")
        records = RECORDS[chosen]()
        async for chunk in chunks(request):
            records.feed(chunk)
        records.finish()
        if not request[ENTRY].bytes:
            return error(400, "missing", "the body is empty")
        reason = self._reason("start")
        if reason is not None and not reason.acts:
            return self._unavailable(reason)
        if service in self.slots:
            self.slots[service].cancel()
        run = self._begin(service, records, MAIL.get(mail))
        acted(request, run.start)
        return self._status(request, run) if reason is None else self._unavailable(reason)

    async def pause_import(self, request: web.Request) -> web.Response:
        """``POST import/{service}/pause``: only if RUNNING."""
        return self._change(request, WebsaleRun.pause, "The process is not running or is not in the RUNNING status.")

    async def resume_import(self, request: web.Request) -> web.Response:
        """``POST import/{service}/resume``: only if PAUSED."""
        return self._change(request, WebsaleRun.resume, "The process is not in the PAUSED status.")

    async def cancel_import(self, request: web.Request) -> web.Response:
        """``DELETE import/{service}/cancel``: only if RUNNING, STARTING or PAUSED."""
        return self._change(request, WebsaleRun.cancel, "The process is not running or is not in a cancelable status.")

    def _change(self, request: web.Request, change: Callable[[WebsaleRun], bool], wrong: str) -> web.Response:
        reason = self._reason("change")
        if reason is not None and not reason.acts:
            return self._unavailable(reason)
        run = self.slots.get(request.match_info["service"])
        if run is None or not change(run):
            return error(404, "notFound", wrong)
        acted(request)
        return self._status(request, run) if reason is None else self._unavailable(reason)

    def _reason(self, call: str) -> Reason | None:
        reason = REASONS.get(self.settings.unavailable)
        return reason if reason is not None and call in reason.calls else None

    def _unavailable(self, reason: Reason) -> web.Response:
        return error(503, reason.type, reason.message)

    def _status(self, request: web.Request, run: WebsaleRun) -> web.Response:
        concerns(request, run.start)
        return web.json_response(run.report(self.settings.max_import_errors))

    def _begin(self, service: str, records: Records, send_mail: bool | None) -> WebsaleRun:
        # Two starts within a millisecond must not look like one run.
        self._last_start = max(self.clock(), self._last_start + 0.001)
        run = WebsaleRun(
            service=service,
            start=iso(self._last_start),
            progress=Progress(self.clock, self.shared.seconds_for(records.total)),
            records=records,
            send_mail=send_mail,
            starting_seconds=self.settings.starting_seconds,
        )
        self.runs.append(run)
        self.slots[service] = run
        return run
