"""
WEBSALE: start an import of one of the shop's services, read how far it is, pause, resume and cancel it.

Sources: the pages "Import" and "Authentication" of the admin interface API,
https://dokumentation.websale.de/en/schnittstellen/admin-interface-api/api-referenz-import
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import IntEnum
from functools import lru_cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow_provider_imports import checks
from airflow_provider_imports.exceptions import (
    ConnectionSettingsError,
    ImportNotFoundError,
    ImportSupersededError,
    InvalidInputError,
    UnknownOutcomeError,
    VendorAuthError,
    VendorImportError,
    VendorRequestError,
    VendorUnavailableError,
)
from airflow_provider_imports.hooks.base import ImportHook
from airflow_provider_imports.http.body import FileBody
from airflow_provider_imports.http.call import Answer, Body, Call, Repeat, UnreadableAnswerError, path
from airflow_provider_imports.http.errors import read_message
from airflow_provider_imports.models import (
    Counts,
    Found,
    ImportRun,
    ImportState,
    ImportStatus,
    Intent,
    Slot,
    parse_time,
    state_of,
)
from airflow_provider_imports.polling import JITTER_SHARE, WAIT_SHARE, describe

if TYPE_CHECKING:
    from airflow_provider_imports.hooks.flow import Flow
    from airflow_provider_imports.http.settings import Settings

_JSON_CSV = ("json", "csv")
#: The services that can import, and the formats that each takes.
FORMATS: Mapping[str, tuple[str, ...]] = {
    "adminUser": _JSON_CSV,
    "category": _JSON_CSV,
    "customerAccount": _JSON_CSV,
    "dataFeed": _JSON_CSV,
    "dataFeedTemplate": _JSON_CSV,
    "inquiry": ("json", "csv", "xml"),
    "inventory": _JSON_CSV,
    "order": ("json", "xml"),
    "newsletterSubscriber": _JSON_CSV,
    "product": _JSON_CSV,
    "productRating": _JSON_CSV,
    "seoViews": _JSON_CSV,
    "voucher": _JSON_CSV,
    "voucherPreset": _JSON_CSV,
    "voucherTemplate": _JSON_CSV,
}
#: The only service whose imported users WEBSALE can send a mail to.
MAILING_SERVICE = "adminUser"
CONTENT_TYPES = {"json": "application/json", "csv": "text/csv", "xml": "application/xml"}


class WebsaleCode(IntEnum):
    """WEBSALE's numeric status of an import."""

    READY = 0
    STARTING = 1
    RUNNING = 2
    PAUSED = 3
    CANCELED = 4
    FINISHED = 5
    ERROR = 6


#: READY is no end: nothing has run yet, or what was started does not run yet.
STATES = {
    WebsaleCode.READY.name: ImportState.RUNNING,
    WebsaleCode.STARTING.name: ImportState.RUNNING,
    WebsaleCode.RUNNING.name: ImportState.RUNNING,
    WebsaleCode.PAUSED.name: ImportState.PAUSED,
    WebsaleCode.CANCELED.name: ImportState.CANCELED,
    WebsaleCode.FINISHED.name: ImportState.SUCCEEDED,
    WebsaleCode.ERROR.name: ImportState.FAILED,
}
#: Seconds by which WEBSALE's clock may differ from ours when an import is recognised by the time of its start.
CLOCK_SKEW = 60.0
#: Seconds after which an import that started can't be that of a try which ended in the middle of its start.
LONGEST_START = 300.0
#: Seconds between two looks of an operator that keeps to the defaults: shortest and longest.
POLL_INTERVAL = 5.0
MAX_POLL_INTERVAL = 30.0
#: Import errors that are kept, and characters of each.
MOST_ERRORS = 20
MOST_SAMPLES = 3
LONGEST_ERROR = 200
#: Ends that one hook keeps in mind.
_MOST_ENDS = 100
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class WebsaleImport(NamedTuple):
    """
    What WEBSALE shows of a service: its running or most recent import, whoever started it.

    :param service: the service
    :param run: that import; None if the service never had one
    :param status: where it stands
    """

    service: str
    run: ImportRun | None
    status: ImportStatus

    def __str__(self) -> str:
        """In words."""
        start = "never started" if self.run is None else f"start={self.run.key['start']}"
        return f"import of {self.service!r} ({start}): {describe(self.status)}"

    def is_run(self, run: ImportRun) -> bool:
        """Say whether it is this run: the time of its start is all that tells one import from another."""
        return self.run is not None and _same_start(self.run.key["start"], run.key.get("start"))


@dataclass(frozen=True, slots=True)
class _Act:
    """
    A call that changes what an import does.

    :param goal: what a refused call (404) is as good as: the import is where the call was to bring it
    :param goal_if_unclear: the same for a call of which nobody knows whether WEBSALE acted on it
    """

    operation: str
    method: str
    goal: frozenset[str]
    goal_if_unclear: frozenset[str]


_PAUSE = _Act("pause_import", "POST", frozenset({"PAUSED"}), frozenset({"PAUSED"}))
_RESUME = _Act(
    "resume_import",
    "POST",
    frozenset({"STARTING", "RUNNING"}),
    frozenset({"STARTING", "RUNNING", "FINISHED", "ERROR", "CANCELED"}),
)
_CANCEL = _Act("cancel_import", "DELETE", frozenset({"CANCELED"}), frozenset({"CANCELED"}))


class WebsaleHook(ImportHook):
    """
    WEBSALE's import API.

    The connection's host is the shop (``https://www.example-shop.de``). With a login (an admin's e-mail), the password
    is the password; without one it is an API key. One log-in serves all calls of a hook; it is renewed once when
    WEBSALE answers 401, never more, since repeated bad log-ins may lock the account.

    WEBSALE gives its imports no ids and shows one import per service, the running or the most recent one: a run is
    recognised by the time of its start. A start cancels the running import of its service.
    """

    conn_type = "websale"
    default_conn_name = "websale_default"
    hook_name = "WEBSALE"
    default_host = ""
    where_to_look = "the import's status in WEBSALE's admin interface"
    can_cancel = True
    hints = {
        ("*", 401): (
            "WEBSALE answers 401 for a missing permission, too: reading and changing an import needs write and create "
            "permissions for its service, or an administrator with full access."
        ),
        ("login", 401): (
            "With a login the password is the admin's password; without one it is an API key. The log-in is not "
            "repeated with these credentials, since that may lock the account."
        ),
        ("login", 423): "The account is locked after repeated bad log-ins; unlock it in WEBSALE.",
        ("login", 404): "Check the host: it is the shop's own domain, without /admin.",
        ("start_import", 400): "WEBSALE does not know the service, or the service does not take this format.",
        ("pause_import", 404): "WEBSALE pauses only an import that is RUNNING.",
        ("resume_import", 404): "WEBSALE resumes only an import that is PAUSED.",
        ("cancel_import", 404): "WEBSALE cancels only an import that is STARTING, RUNNING or PAUSED.",
    }

    def __init__(self, conn_id: str | None = None, longest_timeout: float | None = None) -> None:
        super().__init__(conn_id, longest_timeout)
        self._ends: dict[tuple[str, str], ImportStatus] = {}

    def login_call(self, settings: Settings) -> Call:
        """``POST login`` by e-mail and password, or by API key."""
        if not settings.password:
            raise ConnectionSettingsError(
                f"Connection {settings.conn_id!r} has no password; enter the admin's password, or an API key and no "
                "login. Nothing was sent.",
                vendor=self.vendor,
            )
        if settings.login:
            credentials = {"email": settings.login, "password": settings.password}
        else:
            credentials = {"apiKey": settings.password}
        _auth_header(settings)
        return Call("login", "POST", "/admin/api/v1/login", json=credentials, public=True, repeat=Repeat.IF_NOT_ACTED)

    def read_login(self, answer: Answer, settings: Settings) -> Mapping[str, str]:
        """Bearer token, in the header that the connection names."""
        try:
            token = answer.object().get("accessToken")
        except UnreadableAnswerError:
            token = None
        if not isinstance(token, str) or not token.isascii() or not token.isprintable() or not token.strip():
            # the answer is not quoted: it may hold a token under another name
            raise VendorUnavailableError(
                f"WEBSALE login: the answer (HTTP {answer.status}) has no accessToken. Nothing was changed by this. "
                "Check that the connection's host is the shop's own domain.",
                vendor=self.vendor,
                operation="login",
                status_code=answer.status,
            )
        return {_auth_header(settings): f"Bearer {token}"}

    def refusal(self, call: Call, answer: Answer) -> VendorImportError | None:
        """Tell the two 503s of a start apart, and a locked account from a refused request."""
        if call.operation == "login" and answer.status == 423:
            return self._error(VendorAuthError, call, answer, "The log-in was refused.")
        certain = b"serviceUnavailable" in answer.content and b"internalError" not in answer.content
        if call.operation == "start_import" and answer.status == 503 and certain:
            return self._error(
                VendorUnavailableError, call, answer, "The import was not started; a later retry is safe."
            )
        return None

    def start_import(
        self, service: str, body: Body | bytes | str, format: str | None = None, send_mail: bool = False
    ) -> ImportRun:
        """
        Start an import. It cancels the running import of the same service, if there is one.

        :param service: one of :data:`FORMATS`
        :param body: a file (:class:`~airflow_provider_imports.http.body.FileBody`), the bytes, or a path or URI
        :param format: ``json``, ``csv`` or ``xml``; None: the file's suffix
        :param send_mail: send a mail to the imported users; only for ``adminUser``
        :raises InvalidInputError: if the service, or the service's format, does not exist
        :raises UnknownOutcomeError: if WEBSALE may or may not have started it
        :raises VendorImportError: if WEBSALE did not start it
        """
        if isinstance(body, str):
            body = FileBody(body)
        chosen = check_import(service, format, body.name if isinstance(body, FileBody) else None, send_mail)
        return self.run_flow(self._start(service, body, chosen, send_mail))

    def pause_import(self, service: str) -> WebsaleImport:
        """
        Pause the running import of a service, whoever started it. One that is paused already stays so.

        :raises VendorRequestError: if there is none that is RUNNING
        :raises VendorUnavailableError: if WEBSALE did not pause it, or did not tell; a retry is safe
        """
        return self.run_flow(self._act(_PAUSE, service))

    def resume_import(self, service: str) -> WebsaleImport:
        """
        Resume the paused import of a service, whoever started it. One that runs already goes on.

        :raises VendorRequestError: if there is none that is PAUSED
        :raises VendorUnavailableError: if WEBSALE did not resume it, or did not tell; a retry is safe
        """
        return self.run_flow(self._act(_RESUME, service))

    def cancel_import(self, service: str) -> WebsaleImport:
        """
        Cancel the import of a service, whoever started it. What it has processed stays in the shop.

        One that is canceled already stays so. To cancel a certain run and no other, use :meth:`cancel`.

        :raises VendorRequestError: if there is none that is STARTING, RUNNING or PAUSED
        :raises VendorUnavailableError: if WEBSALE did not cancel it, or did not tell
        """
        return self.run_flow(self._act(_CANCEL, service))

    def get_import_status(self, service: str) -> WebsaleImport:
        """Read the running or most recent import of a service, whoever started it."""
        return self.run_flow(self._look(service))

    def status_flow(self, run: ImportRun) -> Flow[ImportStatus]:
        """
        Read the status of a run, recognised by its ``start``; of whichever is current, if its key has none.

        :raises ImportSupersededError: if WEBSALE shows an import of another start
        :raises ImportNotFoundError: if WEBSALE shows that the service never had an import
        """
        seen = yield from self._look(run.key["service"])
        if "start" not in run.key or seen.is_run(run):
            return seen.status
        ended = self._ends.get((run.key["service"], run.key["start"]))
        if ended is not None:
            return ended
        if seen.run is None:
            raise ImportNotFoundError(
                f"WEBSALE shows no import of {seen.service!r} any more, so what became of ours can't be seen",
                vendor=self.vendor,
                operation="get_import_status",
            )
        raise ImportSupersededError(
            f"Another import has taken its place: {seen}. It is not ours and was left alone. A start cancels the "
            "running import of its service; if ours had ended before, WEBSALE does not show that any more",
            vendor=self.vendor,
            operation="get_import_status",
        )

    def slot_flow(self, slot: Mapping[str, str]) -> Flow[Slot]:
        """Read who runs in a service; an import with an undocumented status counts as running."""
        answer = yield _status_call(slot["service"])
        seen = self._read(slot["service"], answer)
        ended = seen.status.state.is_terminal or seen.status.vendor_status == WebsaleCode.READY.name
        if ended:
            return Slot(False, seen.run, str(seen), _settles_in(seen.status, answer))
        return Slot(True, seen.run, str(seen))

    def adopt_flow(self, intent: Intent) -> Flow[Found]:
        """
        Look for the import of an unclear start.

        It is ours if another one than before the start is shown, and it began when ours was sent. One that began
        too late for that may be somebody else's: then nobody can tell.
        """
        if intent.slot is None:
            return Found(None)  # a resume, which is simply sent again
        seen = yield from self._look(intent.slot["service"])
        if seen.run is None or seen.is_run(ImportRun(self.vendor, intent.before or {})):
            return Found(None)
        began = parse_time(seen.run.key["start"])
        skew, latest = timedelta(seconds=CLOCK_SKEW), intent.until or intent.at + timedelta(seconds=LONGEST_START)
        if began is None or not intent.at - skew <= began <= latest + skew:
            self.log.warning("WEBSALE shows an import that began at another time than ours was sent: %s", seen)
            return Found(None, certain=False)
        return Found(replace(seen.run, started_at=intent.at))

    def cancel_flow(self, run: ImportRun) -> Flow[str]:
        """Cancel a run if the service shows it and it has not ended."""
        seen = yield from self._look(run.key["service"])
        if not seen.is_run(run):
            return f"Nothing was canceled, for WEBSALE shows another import than ours: {seen}."
        if seen.status.state.is_terminal:
            return f"Nothing was canceled, for it had ended: {seen}."
        try:
            seen = yield from self._act(_CANCEL, run.key["service"])
        except VendorRequestError as error:
            if error.status_code != 404:
                raise
            seen = yield from self._look(run.key["service"])
            return f"Nothing was canceled, for it ended, or was replaced, at this very moment: {seen}."
        if not seen.is_run(run):
            return f"Another import took the place of ours at this very moment; WEBSALE shows: {seen}."
        return f"WEBSALE canceled it: {seen}. What it had processed stays in the shop."

    def test_flow(self) -> Flow[str]:
        """Log in, and read a status; a service that this admin may not import proves the log-in, too."""
        try:
            yield _status_call("product")
        except VendorAuthError as error:
            if error.operation == "login":
                raise
            return "WEBSALE accepted the log-in. This admin has no permission to import products."
        return "WEBSALE accepted the log-in."

    def _start(self, service: str, body: Body | bytes, chosen: str, send_mail: bool) -> Flow[ImportRun]:
        started_at = datetime.now(UTC)
        answer = yield Call(
            "start_import",
            "POST",
            path("/admin/api/v1/import/{service}/start", service=service),
            query=(("format", chosen), *((("sendMail", "true"),) if send_mail else ())),
            body=body,
            content_type=CONTENT_TYPES[chosen],
            repeat=Repeat.IF_NOT_ACTED,
            starts=True,
        )
        seen = self._read(service, answer)
        if seen.run is None:
            raise UnreadableAnswerError("the answer has no start, so the import can't be told from another")
        return replace(seen.run, started_at=started_at)

    def _look(self, service: str) -> Flow[WebsaleImport]:
        return self._read(service, (yield _status_call(service)))

    def _act(self, act: _Act, service: str) -> Flow[WebsaleImport]:
        """Send a call that must not be repeated blindly, and look what came of it if the answer does not tell."""
        check_service(service)
        problem: VendorImportError | None = None
        try:
            answer = yield Call(
                act.operation,
                act.method,
                path(f"/admin/api/v1/import/{{service}}/{act.operation.partition('_')[0]}", service=service),
                repeat=Repeat.IF_NOT_ACTED,
                starts=True,
            )
            return self._read(service, answer)
        except UnreadableAnswerError as error:
            unclear, told = True, f"WEBSALE {act.operation}: {error}."
        except VendorImportError as error:
            unclear, told, problem = isinstance(error, UnknownOutcomeError), str(error), error
            if not unclear and error.status_code != 404:
                raise
        seen = yield from self._look(service)
        if seen.status.vendor_status in (act.goal_if_unclear if unclear else act.goal):
            self.log.info("%s That is as it should be: %s", told, seen)
            return seen
        kind: type[VendorImportError] = VendorUnavailableError if unclear else VendorRequestError
        raise kind(
            f"{told} WEBSALE shows: {seen}.{' A retry is safe.' if unclear else ''}",
            vendor=self.vendor,
            operation=act.operation,
            status_code=None if problem is None else problem.status_code,
            vendor_message=None if problem is None else problem.vendor_message,
        ) from problem

    def _read(self, service: str, answer: Answer) -> WebsaleImport:
        """Read a status object, and keep an end in mind: the next start hides it from everybody."""
        seen = read_import(service, answer.object())
        if seen.run is not None and seen.status.state.is_terminal:
            self._ends.pop((service, seen.run.key["start"]), None)
            self._ends[service, seen.run.key["start"]] = seen.status
            if len(self._ends) > _MOST_ENDS:
                del self._ends[next(iter(self._ends))]
        return seen

    def _error(self, kind: type[VendorImportError], call: Call, answer: Answer, advice: str) -> VendorImportError:
        said = read_message(answer.content)
        return kind(
            f"WEBSALE {call.operation}: HTTP {answer.status}{f': {said}' if said else ''}. {advice}",
            vendor=self.vendor,
            operation=call.operation,
            status_code=answer.status,
            vendor_message=said,
        )


def check_service(service: object) -> str:
    """
    Check a service's name.

    :raises InvalidInputError: listing the services that can import
    """
    checks.one_of("service", service, FORMATS)
    return str(service)


def check_import(service: str, format: str | None, file_path: str | None, send_mail: object = False) -> str:
    """
    Check what a start would send, and choose the format.

    :param format: None: the file's suffix
    :return: the format
    :raises InvalidInputError: naming what would be right
    """
    formats = FORMATS[check_service(service)]
    if not isinstance(send_mail, bool):
        raise InvalidInputError(f"send_mail must be True or False, not {send_mail!r}. Nothing was sent.")
    if send_mail and service != MAILING_SERVICE:
        raise InvalidInputError(
            f"send_mail is only for service {MAILING_SERVICE!r}, not for {service!r}. Nothing was sent."
        )
    known = " or ".join(map(repr, formats))
    if format is None:
        suffix = PurePosixPath(file_path or "").suffix
        format = suffix.removeprefix(".").lower()
        if format not in CONTENT_TYPES:
            of_what = f"the suffix of {file_path!r} is not one" if file_path else "data has no suffix to tell it"
            raise InvalidInputError(f"Give format={known} for service {service!r}: {of_what}. Nothing was sent.")
    if format not in formats:
        raise InvalidInputError(f"Service {service!r} takes format {known}, not {format!r}. Nothing was sent.")
    return format


def import_run(service: str, start: str | None = None) -> ImportRun:
    """The import of a service that began at ``start``, as WEBSALE writes it; whichever is current, without one."""
    key = {"service": check_service(service)}
    return ImportRun("websale", key if start is None else {**key, "start": checks.required("start", start)})


def read_import(service: str, report: Mapping[str, Any]) -> WebsaleImport:
    """
    Read a status object.

    FINISHED with a ``globalError`` is not a success: what the number means is not documented.

    :raises UnreadableAnswerError: if it has no numeric ``status``
    """
    code = _number(report.get("status"))
    if code is None:
        raise UnreadableAnswerError("the answer has no numeric status")
    word = WebsaleCode(code).name if code in WebsaleCode.__members__.values() else str(code)
    state, doubt = state_of(word, STATES)
    global_error, last_error = (_text(report.get(name)) for name in ("globalError", "lastError"))
    if global_error and state is ImportState.SUCCEEDED:
        state = ImportState.FAILED
    errors = _import_errors(report.get("importErrors"))
    general = [f"globalError {global_error}"] if global_error else []
    told = [doubt, *general, last_error, *errors[:MOST_SAMPLES]]
    start = report.get("start")
    return WebsaleImport(
        service,
        ImportRun("websale", {"service": service, "start": start}) if isinstance(start, str) and start else None,
        ImportStatus(
            state,
            word,
            progress=_percentage(report.get("percentage")),
            counts=Counts(processed=_number(report.get("processed")), failed=_number(report.get("failed"))),
            message="; ".join(dict.fromkeys(line for line in told if line)) or None,
            errors=tuple(dict.fromkeys([*general, *errors, *([last_error] if last_error else [])])),
            started_at=parse_time(start),
            finished_at=parse_time(report.get("end")),
        ),
    )


@lru_cache(maxsize=len(FORMATS))
def _status_call(service: str) -> Call:
    target = path("/admin/api/v1/import/{service}/status", service=check_service(service))
    return Call("get_import_status", "GET", target, shared=True)


def _auth_header(settings: Settings) -> str:
    name = str(settings.extra.get("auth_header") or "Authorization")
    if not _HEADER_NAME.fullmatch(name):
        raise ConnectionSettingsError(
            f"Connection {settings.conn_id!r}: extra field auth_header must be the name of a header, not {name!r}. "
            "Nothing was sent.",
            vendor="websale",
        )
    return name


def _same_start(one: str, other: str | None) -> bool:
    moment = parse_time(one)
    return one == other or (moment is not None and moment == parse_time(other))


def _settles_in(status: ImportStatus, answer: Answer) -> float:
    """
    Seconds for which a waiter with the default intervals may still not have seen this end.

    By WEBSALE's own clock (the ``Date`` of the answer), since it wrote the end.
    """
    if status.started_at is None or status.finished_at is None:
        return 0.0
    since = (_date(answer) - status.finished_at).total_seconds()
    if since < -CLOCK_SKEW:
        return 0.0  # the two times can't be compared
    took = (status.finished_at - status.started_at).total_seconds()
    interval = min(max(took * WAIT_SHARE, POLL_INTERVAL), MAX_POLL_INTERVAL)
    return max(0.0, interval * (1 + JITTER_SHARE) - max(since, 0.0))


def _date(answer: Answer) -> datetime:
    try:
        moment = parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        return datetime.now(UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _number(value: object) -> int | None:
    if isinstance(value, str):
        value = int(value) if value.strip().isdecimal() else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _percentage(value: object) -> float | None:
    try:
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else None
    except ValueError:
        return None
    return number if number is not None and 0 <= number <= 100 else None


def _text(value: object) -> str:
    """What stands in a field of errors, in one line; nothing for the values that mean "none"."""
    if value in (None, "", "0", 0, False):
        return ""
    if isinstance(value, Mapping):
        told = value.get("message")
        shown = ", ".join(f"{key}: {one}" for key, one in value.items() if one not in (None, ""))
        text = str(told) if len(value) == 1 and told else shown
    else:
        text = str(value)
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_ERROR else f"{text[: LONGEST_ERROR - 1]}…"


def _import_errors(value: object) -> list[str]:
    """``importErrors``, whose items are not documented, as a bounded number of lines."""
    items = value if isinstance(value, list) else [value]
    lines = [line for line in map(_text, items[:MOST_ERRORS]) if line]
    more = len(items) - MOST_ERRORS
    return [*lines, f"... and {more:,} more import errors"] if more > 0 else lines
