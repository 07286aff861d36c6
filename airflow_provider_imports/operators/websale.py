"""Start imports in WEBSALE; pause, resume and cancel them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from airflow_provider_imports import validation
from airflow_provider_imports.exceptions import InvalidInputError
from airflow_provider_imports.models import ImportRun, ImportState, ImportStatus
from airflow_provider_imports.operators.payload import (
    csv_format_given,
    exactly_one,
    file_path_given,
    open_payload,
)
from airflow_provider_imports.operators.pushing import PushingImportOperator
from airflow_provider_imports.operators.records import materialized
from airflow_provider_imports.operators.slots import SlotImportOperator
from airflow_provider_imports.operators.sql_source import Query, query_given
from airflow_provider_imports.operators.waiting import WaitingImportOperator
from airflow_provider_imports.operators.websale_control import WebsaleControlOperator, confirmed
from airflow_provider_imports.vendors.websale import WEBSALE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.providers.common.compat.sdk import XComArg

    from airflow_provider_imports.arguments import IfRunning, PollingArgs, Rows, Text
    from airflow_provider_imports.hooks.websale import WebsaleHook
    from airflow_provider_imports.hooks.websale.status import WebsaleImport
    from airflow_provider_imports.http.files import FilePath
    from airflow_provider_imports.operators.rows import CsvFormat


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

    entry = WEBSALE
    inputs: ClassVar[Sequence[str]] = ("service",)
    template_fields: Sequence[str] = ("conn_id", "service", "on_unknown_outcome")
    service: str

    def check(self) -> None:
        """Check the service as well."""
        from airflow_provider_imports.hooks.websale.calls import check_service

        super().check()
        self.service = check_service(self.service)


class WebsaleStartImportOperator(WebsaleWaitingOperator, PushingImportOperator, SlotImportOperator):
    """
    Start an import in WEBSALE, and wait for its end.

    A file is streamed, never read whole. WEBSALE runs one import per service, and a start cancels the running one:
    ``if_running`` says what to do then. A killed task and a deadline cancel the import, unless somebody else's has
    taken its place. A retry goes on with the import that an earlier try started, also if the answer to that start was
    lost: WEBSALE then shows an import that began when ours was sent. One that failed, was canceled or replaced is
    started anew.

    .. seealso:: :ref:`howto/operator:WebsaleStartImportOperator`

    :param service: the service, for instance ``product`` (templated)
    :param file_path: a local path, an object-storage URI such as ``s3://conn@bucket/key.csv``, or an
        ``ObjectStoragePath``; gzip is unpacked (templated)
    :param data: the content itself, for small payloads: text or bytes in ``format``, or records (a list or another
        sequence of dicts, a DataFrame), which are sent as a JSON array, or as CSV if ``format`` says so; give this or
        ``file_path`` (templated)
    :param sql: a query whose rows are sent, or a ``.sql`` file with it: one statement; give this, ``file_path`` or
        ``data`` (templated)
    :param sql_conn_id: the Airflow connection of its database, of any type whose hook is a ``DbApiHook`` (templated)
    :param parameters: for the query's placeholders, as the database's driver wants them (templated)
    :param format: ``json``, ``csv`` or ``xml`` (another word is sent with a warning); by default the suffix of
        ``file_path``, and ``json`` for records and rows (templated)
    :param csv_format: how records and rows are written as CSV, see
        :class:`~airflow_provider_imports.operators.rows.CsvFormat`
    :param send_mail: send a mail to the imported users; only for service ``adminUser``
    :param conn_id: the Airflow connection (templated)
    """

    inputs: ClassVar[Sequence[str]] = ("service", "file_path", "data", "format", "send_mail")
    later_inputs: ClassVar[Sequence[str]] = ("query",)
    template_fields = (
        "conn_id",
        "service",
        "file_path",
        "data",
        "sql",
        "sql_conn_id",
        "parameters",
        "format",
        "on_unknown_outcome",
        "if_running",
    )
    template_ext = (".sql",)
    template_fields_renderers = {"sql": "sql", "parameters": "json"}

    def __init__(
        self,
        *,
        service: Text,
        file_path: FilePath | Text | None = None,
        data: str | bytes | Rows | None = None,
        sql: Text | None = None,
        sql_conn_id: str | None = None,
        parameters: Sequence[Any] | Mapping[str, Any] | XComArg | None = None,
        format: Text | None = None,
        csv_format: CsvFormat | None = None,
        send_mail: bool = False,
        conn_id: str = "websale_default",
        if_running: IfRunning = "fail",
        **kwargs: Unpack[PollingArgs],
    ) -> None:
        super().__init__(conn_id=conn_id, if_running=if_running, **kwargs)
        self.service: Any = service
        self.file_path: Any = file_path
        self.data: Any = data  # whatever another task or a template gives; check() takes the records out
        self.sql: Any = sql
        self.sql_conn_id = sql_conn_id
        self.parameters: Any = parameters
        self.format: Any = format
        self._given = validation.given(format=format)
        self.csv_format = csv_format_given(csv_format)
        self.send_mail = validation.flag("send_mail", send_mail)
        self._format = ""
        self._query: Query | None = None

    def check(self) -> None:
        """Choose the format as well."""
        from airflow_provider_imports.hooks.websale.calls import check_import

        super().check()
        exactly_one(file_path=self.file_path, data=self.data, sql=self.sql)
        file_path = None if self.file_path is None else file_path_given(self.file_path)
        self.data = materialized("data", self.data, self.min_rows)
        self._query = query_given(self.sql, self.sql_conn_id, self.parameters, self.min_rows)
        rows = self._query is not None or isinstance(self.data, list)
        self._format = check_import(self.service, self.format or ("json" if rows else None), file_path, self.send_mail)
        if rows and self._format not in ("json", "csv"):
            raise InvalidInputError(
                f"Records and rows are sent as JSON or CSV; for format={self.format!r} give a file, or data as text or "
                "bytes. Nothing was sent."
            )

    @property
    def query(self) -> object:
        """What the rows of ``sql`` are of; None without it."""
        return None if self._query is None else self._query.identity

    def prepare(self) -> None:
        """Open the file, write the records, or run the query, which a try does only once."""
        if self.payload is None or self._query is None:
            self.payload = open_payload(self.file_path, self.data, self._query, self._format, self.csv_format)

    def slot(self) -> Mapping[str, str]:
        """The service: it runs one import at a time."""
        return {"service": self.service}

    def start(self, hook: WebsaleHook) -> ImportRun:
        """Send the data."""
        body = b"" if self.payload is None else self.payload.body
        return hook.start_import(self.service, body, self._format, self.send_mail, (self._before or {}).get("start"))


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

    def __init__(
        self,
        *,
        service: Text,
        conn_id: str = "websale_default",
        **kwargs: Unpack[PollingArgs],
    ) -> None:
        super().__init__(conn_id=conn_id, **kwargs)
        self.service: Any = service

    def start(self, hook: WebsaleHook) -> ImportRun:
        """Resume the import."""
        return confirmed(hook.resume_import(self.service))[0]

    def _attach_to_run(self, run: ImportRun, status: ImportStatus | None) -> tuple[ImportRun, ImportStatus] | None:
        attached = super()._attach_to_run(run, status)
        if attached is not None and attached[1].state is ImportState.PAUSED:
            self.log.info("%s was paused again; it is resumed", self.what(run))
            return None
        return attached


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
