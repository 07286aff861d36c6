"""
WEBSALE: start an import of one of the shop's services, read how far it is, pause, resume and cancel it.

Sources: the pages "Import" and "Authentication" of the admin interface API,
https://dokumentation.websale.de/en/schnittstellen/admin-interface-api/api-referenz-import
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from airflow_provider_imports.hooks.base import ImportHook
from airflow_provider_imports.hooks.websale.calls import (
    CANCEL,
    PAUSE,
    RESUME,
    check_import,
    start_call,
)
from airflow_provider_imports.hooks.websale.description import WebsaleDescription
from airflow_provider_imports.hooks.websale.status import CLOCK_SKEW, websale_run
from airflow_provider_imports.http.body import FileBody
from airflow_provider_imports.http.call import Body, Call, UnreadableAnswerError

if TYPE_CHECKING:
    from airflow_provider_imports.hooks.websale.status import WebsaleImport
    from airflow_provider_imports.http.call import Flow
    from airflow_provider_imports.models import ImportRun


class WebsaleHook(WebsaleDescription, ImportHook):
    """
    WEBSALE's import API.

    The connection's host is the shop (``https://www.example-shop.de``). With a login (an admin's e-mail), the password
    is the password; without one it is an API key. One log-in serves all calls of a hook; it is renewed once when
    WEBSALE answers 401, never more, since repeated bad log-ins may lock the account.

    WEBSALE gives its imports no ids and shows one import per service, the running or the most recent one: a run is
    recognised by the time of its start. A start cancels the running import of its service.
    """

    def start_import(
        self,
        service: str,
        body: Body | bytes | str,
        format: str | None = None,
        send_mail: bool = False,
        before: str | None = None,
    ) -> ImportRun:
        """
        Start an import. It cancels the running import of the same service, if there is one.

        :param service: one of :data:`~airflow_provider_imports.hooks.websale.calls.FORMATS`; another one is sent with a
            warning
        :param body: a file (:class:`~airflow_provider_imports.http.body.FileBody`), the bytes, or a path or URI
        :param format: ``json``, ``csv`` or ``xml``; None: the file's suffix; another one is sent with a warning
        :param send_mail: send a mail to the imported users; only for ``adminUser``, which is always told yes or no
        :param before: ``start`` of the import that the service showed before, to tell ours from
        :raises InvalidInputError: if the service is documented not to take this format
        :raises UnknownOutcomeError: if WEBSALE may or may not have started it
        :raises VendorImportError: if WEBSALE did not start it
        """
        if isinstance(body, str):
            body = FileBody(body)
        chosen = check_import(service, format, body.name if isinstance(body, FileBody) else None, send_mail)
        return self.run_flow(self._start(start_call(service, body, chosen, send_mail), service, before))

    def pause_import(self, service: str) -> WebsaleImport:
        """
        Pause the running import of a service, whoever started it. One that is paused already stays so.

        :raises VendorRequestError: if there is none that is RUNNING
        :raises VendorUnavailableError: if WEBSALE did not pause it, or did not tell; a retry is safe
        """
        return self.run_flow(self.act_flow(PAUSE, service))

    def resume_import(self, service: str) -> WebsaleImport:
        """
        Resume the paused import of a service, whoever started it. One that runs already goes on.

        :raises VendorRequestError: if there is none that is PAUSED
        :raises VendorUnavailableError: if WEBSALE did not resume it, or did not tell; a retry is safe
        """
        return self.run_flow(self.act_flow(RESUME, service))

    def cancel_import(self, service: str) -> WebsaleImport:
        """
        Cancel the import of a service, whoever started it. What it has processed stays in the shop.

        One that is canceled already stays so. To cancel a certain run and no other, use :meth:`cancel`.

        :raises VendorRequestError: if there is none that is STARTING, RUNNING or PAUSED
        :raises VendorUnavailableError: if WEBSALE did not cancel it, or did not tell
        """
        return self.run_flow(self.act_flow(CANCEL, service))

    def get_import_status(self, service: str) -> WebsaleImport:
        """Read the running or most recent import of a service, whoever started it."""
        return self.run_flow(self.current_flow(service))

    def _start(self, call: Call, service: str, before: str | None) -> Flow[ImportRun]:
        started_at = datetime.now(UTC)
        answer = yield call
        seen = self.read_shown(service, answer)
        if seen.run is None:
            raise UnreadableAnswerError("the answer has no start, so the import can't be distinguished from another")
        sent_ago = datetime.now(UTC) - started_at + timedelta(seconds=CLOCK_SKEW)
        began = seen.status.started_at
        if seen.is_run(websale_run(service, before)) or (began is not None and began < answer.date - sent_ago):
            raise UnreadableAnswerError(f"the answer shows an import that began before ours was sent: {seen}")
        return seen.run._replace(started_at=started_at)
