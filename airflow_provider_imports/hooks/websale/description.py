"""
WEBSALE described: its log-in and hints, and how a run is read, looked for, acted on and canceled. Nothing here sends.

Sources: the pages "Import" and "Authentication" of the admin interface API,
https://dokumentation.websale.de/en/schnittstellen/admin-interface-api/api-referenz-import
"""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from airflow_provider_imports.exceptions import (
    ImportNotFoundError,
    ImportSupersededError,
    UnknownOutcomeError,
    VendorAuthError,
    VendorImportError,
    VendorRequestError,
    VendorUnavailableError,
)
from airflow_provider_imports.hooks.description import NewestImport, VendorDescription
from airflow_provider_imports.hooks.slot_turns import Slot
from airflow_provider_imports.hooks.websale.calls import CANCEL, Act, login_call, read_token, status_call
from airflow_provider_imports.hooks.websale.status import CLOCK_SKEW, WebsaleCode, WebsaleImport, read_import
from airflow_provider_imports.http.call import Answer, Call, UnreadableAnswerError
from airflow_provider_imports.http.errors import error_from, read_message
from airflow_provider_imports.intent import Found, Intent
from airflow_provider_imports.json_values import parse_time
from airflow_provider_imports.models import ImportRun, ImportStatus
from airflow_provider_imports.vendors.websale import WEBSALE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_imports.http.call import Flow
    from airflow_provider_imports.http.settings import Settings

log = logging.getLogger(__name__)

#: Ends that one hook keeps in mind.
_MOST_ENDS = 100


class WebsaleDescription(VendorDescription):
    """WEBSALE, as far as it differs from other vendors."""

    entry = WEBSALE
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
        ("*", 400): "WEBSALE says so for a service that it does not know.",
        ("start_import", 400): "WEBSALE does not know the service, or the service does not take this format.",
        ("pause_import", 404): "WEBSALE pauses only an import that is RUNNING.",
        ("resume_import", 404): "WEBSALE resumes only an import that is PAUSED.",
        ("cancel_import", 404): "WEBSALE cancels only an import that is STARTING, RUNNING or PAUSED.",
    }

    #: The reasons that WEBSALE documents for a 503, by operation (or ``*``) and the answer's type.
    reasons: ClassVar[Mapping[tuple[str, str], str]] = {
        ("start_import", "serviceUnavailable"): "WEBSALE could not trigger the import process.",
        ("start_import", "internalError"): (
            "WEBSALE says so if its Redis gave no status or took none, its file service can't be reached, the data "
            "could not be stored in a file, or the import did not begin within 10 seconds."
        ),
        ("get_import_status", "internalError"): "WEBSALE's Redis gave no status.",
        ("*", "internalError"): (
            "WEBSALE says so if its Redis gave no status or can't be reached, or the process could not be stopped."
        ),
    }

    @cached_property
    def _ends(self) -> dict[tuple[str, str], ImportStatus]:
        """The last ends that this hook has read, by service and start."""
        return {}

    def login_call(self, settings: Settings) -> Call:
        """``POST login`` by e-mail and password, or by API key."""
        self.require_credentials(settings, "password")
        return login_call(settings)

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

    def hint(self, call: Call, error: VendorImportError) -> str | None:
        """Name the reasons of a 503, which come in two types."""
        if error.status_code == 503:
            said = error.vendor_message or ""
            for (operation, kind), reason in self.reasons.items():
                if operation in (call.operation, "*") and kind in said:
                    return reason
        return super().hint(call, error)

    def status_flow(self, run: ImportRun) -> Flow[ImportStatus]:
        """
        Read the status of a run, recognised by its ``start``; of whichever is current, if its key has none.

        :raises ImportSupersededError: if WEBSALE shows an import of another start
        :raises ImportNotFoundError: if WEBSALE shows that the service never had an import
        """
        seen = yield from self.current_flow(run.key["service"])
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
        seen = self.read_shown(slot["service"], answer)
        ended = seen.status.state.is_terminal or seen.status.vendor_status == WebsaleCode.READY.name
        if ended:
            return Slot(False, seen.run, str(seen), seen.settles_in(answer))
        return Slot(True, seen.run, str(seen))

    def newest_flow(self, slot: Mapping[str, str]) -> Flow[NewestImport | None]:
        """Read the running or most recent import of a service."""
        seen = yield from self.current_flow(slot["service"])
        return None if seen.run is None else NewestImport(seen.run, seen.status)

    def adopt_flow(self, intent: Intent) -> Flow[Found]:
        """
        Look for the import of an unclear start.

        It is ours if another one than before the start is shown, and it began when ours was sent. One that began
        too late for that may be somebody else's: then nobody can tell.
        """
        if intent.slot is None:
            return Found(None, not_sent=True)  # a resume, which is simply sent again
        seen = yield from self.current_flow(intent.slot["service"])
        if seen.run is None or seen.is_run(ImportRun(self.vendor, intent.before or {})):
            return Found(None)
        began = parse_time(seen.run.key["start"])
        skew, last_byte = timedelta(seconds=CLOCK_SKEW), intent.unclear_at or intent.sent_at or intent.at
        latest = last_byte + timedelta(seconds=self.longest_start)
        if began is None or not intent.at - skew <= began <= latest + skew:
            log.warning("WEBSALE shows an import that began at another time than ours was sent: %s", seen)
            return Found(None, would_show=False)
        return Found(seen.run._replace(started_at=intent.at))

    def cancel_flow(self, run: ImportRun) -> Flow[str]:
        """Cancel a run if the service shows it and it has not ended."""
        seen = yield from self.current_flow(run.key["service"])
        if not seen.is_run(run):
            return f"Nothing was canceled, for WEBSALE shows another import than ours: {seen}."
        if seen.status.state.is_terminal:
            return f"Nothing was canceled, for it had ended: {seen}."
        try:
            seen = yield from self.act_flow(CANCEL, run.key["service"])
        except VendorRequestError as error:
            if error.status_code != 404:
                raise
            seen = yield from self.current_flow(run.key["service"])
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

    def current_flow(self, service: str) -> Flow[WebsaleImport]:
        return self.read_shown(service, (yield status_call(service)))

    def act_flow(self, act: Act, service: str) -> Flow[WebsaleImport]:
        """Send a call that must not be repeated blindly, and look what came of it if the answer does not tell."""
        call = act.call(service)
        problem: VendorImportError | None = None
        try:
            answer = yield call
            return self.read_shown(service, answer)
        except UnreadableAnswerError as error:
            unclear, told = True, f"WEBSALE {act.operation}: {error}."
        except VendorImportError as error:
            unclear, told, problem = isinstance(error, UnknownOutcomeError), str(error), error
            if not unclear and error.status_code != 404:
                raise
        seen = yield from self.current_flow(service)
        if seen.status.vendor_status in (act.goal_if_unclear if unclear else act.goal):
            log.info("%s That is as it should be: %s", told, seen)
            return seen
        kind: type[VendorImportError] = VendorUnavailableError if unclear else VendorRequestError
        raise kind(
            f"{told} WEBSALE shows: {seen}.{' A retry is safe.' if unclear else ''}",
            vendor=self.vendor,
            operation=act.operation,
            status_code=None if problem is None else problem.status_code,
            vendor_message=None if problem is None else problem.vendor_message,
        ) from problem

    def read_shown(self, service: str, answer: Answer) -> WebsaleImport:
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
