"""
WEBSALE: start an import of one of the shop's services, read how far it is, pause, resume and cancel it.

Sources: the pages "Import" and "Authentication" of the admin interface API,
https://dokumentation.websale.de/en/schnittstellen/admin-interface-api/api-referenz-import
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from airflow_provider_imports.exceptions import (
    ImportNotFoundError,
    ImportSupersededError,
    UnknownOutcomeError,
    VendorAuthError,
    VendorImportError,
    VendorRequestError,
    VendorUnavailableError,
)
from airflow_provider_imports.hooks.base import ImportHook
from airflow_provider_imports.hooks.websale.calls import (
    CANCEL,
    PAUSE,
    RESUME,
    Act,
    check_import,
    log_in,
    read_token,
    start_call,
    status_call,
)
from airflow_provider_imports.hooks.websale.status import (
    CLOCK_SKEW,
    WebsaleCode,
    WebsaleImport,
    read_import,
    settles_in,
)
from airflow_provider_imports.http.body import FileBody
from airflow_provider_imports.http.call import Answer, Body, Call, Flow, UnreadableAnswerError
from airflow_provider_imports.http.errors import error_from, read_message
from airflow_provider_imports.models import Found, ImportRun, ImportStatus, Intent, Slot, parse_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_imports.http.settings import Settings

#: Seconds after which an import that started can't be that of a try which ended in the middle of its start.
LONGEST_START = 300.0
#: Ends that one hook keeps in mind.
_MOST_ENDS = 100


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
        return log_in(settings)

    def read_login(self, answer: Answer, settings: Settings) -> Mapping[str, str]:
        """Bearer token, in the header that the connection names."""
        return read_token(answer, settings)

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

        :param service: one of :data:`~airflow_provider_imports.hooks.websale.calls.FORMATS`
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
        return self.run_flow(self._act(PAUSE, service))

    def resume_import(self, service: str) -> WebsaleImport:
        """
        Resume the paused import of a service, whoever started it. One that runs already goes on.

        :raises VendorRequestError: if there is none that is PAUSED
        :raises VendorUnavailableError: if WEBSALE did not resume it, or did not tell; a retry is safe
        """
        return self.run_flow(self._act(RESUME, service))

    def cancel_import(self, service: str) -> WebsaleImport:
        """
        Cancel the import of a service, whoever started it. What it has processed stays in the shop.

        One that is canceled already stays so. To cancel a certain run and no other, use :meth:`cancel`.

        :raises VendorRequestError: if there is none that is STARTING, RUNNING or PAUSED
        :raises VendorUnavailableError: if WEBSALE did not cancel it, or did not tell
        """
        return self.run_flow(self._act(CANCEL, service))

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
        answer = yield status_call(slot["service"])
        seen = self._read(slot["service"], answer)
        ended = seen.status.state.is_terminal or seen.status.vendor_status == WebsaleCode.READY.name
        if ended:
            return Slot(False, seen.run, str(seen), settles_in(seen.status, answer))
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
            seen = yield from self._act(CANCEL, run.key["service"])
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
            yield status_call("product")
        except VendorAuthError as error:
            if error.operation == "login":
                raise
            return "WEBSALE accepted the log-in. This admin has no permission to import products."
        return "WEBSALE accepted the log-in."

    def _start(self, service: str, body: Body | bytes, chosen: str, send_mail: bool) -> Flow[ImportRun]:
        started_at = datetime.now(UTC)
        answer = yield start_call(service, body, chosen, send_mail)
        seen = self._read(service, answer)
        if seen.run is None:
            raise UnreadableAnswerError("the answer has no start, so the import can't be told from another")
        return replace(seen.run, started_at=started_at)

    def _look(self, service: str) -> Flow[WebsaleImport]:
        return self._read(service, (yield status_call(service)))

    def _act(self, act: Act, service: str) -> Flow[WebsaleImport]:
        """Send a call that must not be repeated blindly, and look what came of it if the answer does not tell."""
        call = act.call(service)
        problem: VendorImportError | None = None
        try:
            answer = yield call
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
        said = read_message(answer)
        told = f"WEBSALE {call.operation}: HTTP {answer.status}{f': {said}' if said else ''}"
        return error_from(kind, self.vendor, call, answer, told, advice)
