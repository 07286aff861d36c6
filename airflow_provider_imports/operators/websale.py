"""Start imports in WEBSALE; pause, resume and cancel them."""

from __future__ import annotations

import json
from functools import cached_property
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_imports import validation
from airflow_provider_imports.exceptions import InvalidInputError
from airflow_provider_imports.models import ImportRun, ImportState, ImportStatus
from airflow_provider_imports.operators.payload import exactly_one, open_payload, version_of
from airflow_provider_imports.operators.slots import SlotImportOperator
from airflow_provider_imports.operators.waiting import WaitingImportOperator
from airflow_provider_imports.report import manifest
from airflow_provider_imports.vendors import VENDOR_ENTRIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_imports.hooks.websale import WebsaleHook
    from airflow_provider_imports.hooks.websale.status import WebsaleImport
    from airflow_provider_imports.http.body import FileBody

HOOK = "airflow_provider_imports.hooks.websale.WebsaleHook"


class WebsaleWaitingOperator(WaitingImportOperator):
    """
    What both operators share that wait for an import of WEBSALE.

    WEBSALE shows only the newest import of a service, so an end that is not seen before somebody starts the next
    import can't be seen any more. Looks are therefore frequent: all tasks that wait for one service on one triggerer
    share them.

    :param service: the service, for instance ``product`` (templated)
    :param conn_id: the Airflow connection (templated)
    :param poll_interval: shortest time between two looks at the status, seconds or a ``timedelta``
    :param max_poll_interval: longest time between two looks
    """

    hook_path = HOOK
    inputs: ClassVar[Sequence[str]] = ("service",)
    template_fields: Sequence[str] = ("conn_id", "service", "on_unknown_outcome")

    def __init__(
        self,
        *,
        service: str,
        conn_id: str = "websale_default",
        poll_interval: float | timedelta = VENDOR_ENTRIES["websale"].poll_interval,
        max_poll_interval: float | timedelta = VENDOR_ENTRIES["websale"].max_poll_interval,
        **kwargs: Any,
    ) -> None:
        super().__init__(conn_id=conn_id, poll_interval=poll_interval, max_poll_interval=max_poll_interval, **kwargs)
        self.service = service

    def check(self) -> None:
        """Check the service as well."""
        from airflow_provider_imports.hooks.websale.calls import check_service

        super().check()
        check_service(self.service)


class WebsaleStartImportOperator(WebsaleWaitingOperator, SlotImportOperator):
    """
    Start an import in WEBSALE, and wait for its end.

    A file is streamed, never read whole. WEBSALE runs one import per service, and a start cancels the running one:
    ``if_running`` says what to do then. A killed task and a deadline cancel the import, unless somebody else's has
    taken its place. A retry goes on with the import that an earlier try started, also if the answer to that start was
    lost: WEBSALE then shows an import that began when ours was sent. One that failed, was canceled or replaced is
    started anew.

    .. seealso:: :ref:`howto/operator:WebsaleStartImportOperator`

    :param service: the service, for instance ``product`` (templated)
    :param file_path: a local path or an object-storage URI such as ``s3://conn@bucket/key.csv`` (templated)
    :param data: the content itself, for small payloads: text or bytes in ``format``, or a list of dicts, which is sent
        as a JSON array; give this or ``file_path`` (templated)
    :param format: ``json``, ``csv`` or ``xml``; by default the suffix of ``file_path``, and ``json`` for a list of
        dicts (templated)
    :param send_mail: send a mail to the imported users; only for service ``adminUser``
    :param conn_id: the Airflow connection (templated)
    """

    inputs: ClassVar[Sequence[str]] = ("service", "file_path", "data", "format", "send_mail")
    template_fields = ("conn_id", "service", "file_path", "data", "format", "on_unknown_outcome", "if_running")

    def __init__(
        self,
        *,
        file_path: str | None = None,
        data: str | bytes | list[dict[str, Any]] | None = None,
        format: Literal["json", "csv", "xml"] | None = None,
        send_mail: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.file_path = file_path
        self.data = data
        self.format = format
        self.send_mail = send_mail
        self._format = ""
        self._payload: FileBody | bytes | None = None

    def check(self) -> None:
        """Choose the format as well."""
        from airflow_provider_imports.hooks.websale.calls import check_import

        super().check()
        exactly_one(self.file_path, self.data)
        is_list = isinstance(self.data, list)
        chosen = self.format or ("json" if is_list else None)
        self._format = check_import(self.service, chosen, self.file_path, self.send_mail)
        if is_list and self._format != "json":
            raise InvalidInputError(
                f"data is a list, which is sent as JSON; give text or bytes for format={self.format!r}. "
                "Nothing was sent."
            )

    def prepare(self) -> None:
        """Open the file."""
        content = _json_array(self.data) if isinstance(self.data, list) else self.data
        self._payload = open_payload(self.file_path, content)

    def slot(self) -> Mapping[str, str]:
        """The service: it runs one import at a time."""
        return {"service": self.service}

    def content_version(self) -> object:
        """Size and time of change of the file."""
        return version_of(self._payload)

    def start(self, hook: WebsaleHook) -> ImportRun:
        """Send the data."""
        return hook.start_import(self.service, self._payload or b"", self._format, self.send_mail)


class WebsaleResumeImportOperator(WebsaleWaitingOperator):
    """
    Resume the paused import of a service in WEBSALE, and wait for its end.

    It is resumed whoever started it, and is from then on the task's own: a killed task and a deadline cancel it (see
    ``cancel_on_kill``, ``cancel_on_timeout``). One that runs already is waited for. A retry waits on; it resumes again
    only an import that was paused again.

    .. seealso:: :ref:`howto/operator:WebsaleResumeImportOperator`

    :param service: the service, for instance ``product`` (templated)
    :param conn_id: the Airflow connection (templated)
    :raises VendorRequestError: if no import of the service is paused
    """

    def start(self, hook: WebsaleHook) -> ImportRun:
        """Resume the import."""
        return _confirmed(hook.resume_import(self.service))[0]

    def _attach_to_run(self, run: ImportRun, status: ImportStatus | None) -> tuple[ImportRun, ImportStatus] | None:
        attached = super()._attach_to_run(run, status)
        if attached is not None and attached[1].state is ImportState.PAUSED:
            self.log.info("%s was paused again; it is resumed", self.what(run))
            return None
        return attached


class WebsaleControlOperator(BaseOperator):
    """
    What both operators share that change what an import of WEBSALE does, and wait for nothing.

    :param service: the service, for instance ``product`` (templated)
    :param conn_id: the Airflow connection (templated)
    """

    template_fields: Sequence[str] = ("conn_id", "service")

    def __init__(self, *, service: str, conn_id: str = "websale_default", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.service = service
        self.conn_id = conn_id

    @cached_property
    def hook(self) -> WebsaleHook:
        """WEBSALE's hook."""
        hook: WebsaleHook = resolve_name(HOOK)(self.conn_id)
        return hook

    def act(self, hook: WebsaleHook) -> WebsaleImport:
        """Send the call."""
        raise NotImplementedError(f"{type(self).__name__} has no act()")

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Send the call, and return the import's manifest.

        :raises VendorRequestError: if the import is not in a state for it; Airflow does not retry that
        :raises VendorImportError: if WEBSALE did not do it
        """
        from airflow_provider_imports.hooks.websale.calls import check_service

        validation.required("conn_id", self.conn_id)
        check_service(self.service)
        seen = self.act(self.hook)
        self.log.info("WEBSALE: %s", seen)
        return manifest(*_confirmed(seen))


class WebsalePauseImportOperator(WebsaleControlOperator):
    """
    Pause the running import of a service in WEBSALE, whoever started it.

    A task that waits for that import goes on waiting. An import that is paused already stays so, so that a retry
    after a lost answer succeeds.

    .. seealso:: :ref:`howto/operator:WebsalePauseImportOperator`

    :param service: the service, for instance ``product`` (templated)
    :param conn_id: the Airflow connection (templated)
    :raises VendorRequestError: if no import of the service is running
    """

    def act(self, hook: WebsaleHook) -> WebsaleImport:
        """Pause it."""
        return hook.pause_import(self.service)


class WebsaleCancelImportOperator(WebsaleControlOperator):
    """
    Cancel the import of a service in WEBSALE, whoever started it. What it has processed stays in the shop.

    A task that waits for that import fails. An import that is canceled already stays so, so that a retry after a lost
    answer succeeds; one that has ended otherwise is an error.

    .. seealso:: :ref:`howto/operator:WebsaleCancelImportOperator`

    :param service: the service, for instance ``product`` (templated)
    :param conn_id: the Airflow connection (templated)
    :raises VendorRequestError: if no import of the service is starting, running or paused
    """

    def act(self, hook: WebsaleHook) -> WebsaleImport:
        """Cancel it."""
        return hook.cancel_import(self.service)


def _confirmed(seen: WebsaleImport) -> tuple[ImportRun, ImportStatus]:
    """The import of an answer; one without a ``start`` can't be told from another."""
    return seen.run or ImportRun("websale", {"service": seen.service, "start": ""}), seen.status


def _json_array(records: list[Any]) -> bytes:
    """
    Write records as a JSON array.

    :raises InvalidInputError: for what is no dict, or holds what JSON has no word for
    """
    if not records:
        raise InvalidInputError("data is an empty list. Nothing was sent.")
    for position, record in enumerate(records):
        if not isinstance(record, dict):
            raise InvalidInputError(f"data[{position}] must be a dict, not {type(record).__name__}. Nothing was sent.")
        try:
            text = json.dumps(record, allow_nan=False, ensure_ascii=False)
        except (TypeError, ValueError) as error:
            raise InvalidInputError(f"data[{position}] is not JSON: {error}. Nothing was sent.") from None
        validation.encodable(f"data[{position}]", text)
    return json.dumps(records, ensure_ascii=False, separators=(",", ":")).encode()
