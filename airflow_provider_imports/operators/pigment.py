"""Start imports in Pigment."""

from __future__ import annotations

from contextlib import closing
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, ClassVar, Unpack, overload

from airflow_provider_imports import validation
from airflow_provider_imports.exceptions import InvalidInputError, VendorImportError, VendorRequestError
from airflow_provider_imports.operators.payload import csv_format_given, exactly_one, open_payload
from airflow_provider_imports.operators.pushing import PushingImportOperator
from airflow_provider_imports.operators.records import materialized
from airflow_provider_imports.operators.sql_source import Query, query_given
from airflow_provider_imports.operators.waiting import WaitingImportOperator
from airflow_provider_imports.signature import refuse
from airflow_provider_imports.vendors.pigment import PIGMENT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.providers.common.compat.sdk import XComArg

    from airflow_provider_imports.arguments import Rows, Text, UncancelableArgs
    from airflow_provider_imports.hooks.pigment import PigmentHook
    from airflow_provider_imports.http.files import FilePath
    from airflow_provider_imports.models import ImportRun
    from airflow_provider_imports.operators.rows import CsvFormat

    class PigmentArgs(UncancelableArgs, total=False):
        """Of both operators of Pigment, besides the configuration."""

        conn_id: str
        application: Text | None
        block: Text | None
        max_auto_created: int | None

    class PigmentPushArgs(PigmentArgs, total=False):
        """What :class:`PigmentPushCsvOperator` sends, and how."""

        file_path: FilePath | Text | None
        data: str | bytes | Rows | None
        sql: Text | None
        sql_conn_id: str | None
        parameters: Sequence[Any] | Mapping[str, Any] | XComArg | None
        csv_format: CsvFormat | None


class PigmentImportOperator(WaitingImportOperator):
    """
    What both ways to start an import in Pigment share.

    :param configuration_id: UUID of the import configuration (templated)
    :param configuration: its name instead, looked up when the task starts the import (templated)
    :param application: name or UUID of the application to look in; None: all (templated)
    :param block: name or UUID of the block to look in; None: all (templated)
    :param metadata_conn_id: the Airflow connection for the look-up, whose API key is of the type *Modeling Metadata*;
        with it an unknown ``configuration_id`` lists what there is, too (templated)
    :param max_auto_created: how many items of dimensions the import may create by itself: None only warns
    :param conn_id: the Airflow connection (templated)
    """

    entry = PIGMENT
    without_effect = ("cancel_on_kill", "cancel_on_timeout")  # Pigment can't
    inputs: ClassVar[Sequence[str]] = ("configuration_id",)
    later_inputs: ClassVar[Sequence[str]] = ("configuration", "application", "block")
    template_fields: Sequence[str] = (
        "conn_id",
        "configuration_id",
        "configuration",
        "application",
        "block",
        "metadata_conn_id",
        "on_unknown_outcome",
    )

    @overload
    def __init__(self, *, configuration_id: Text, **kwargs: Unpack[PigmentArgs]) -> None: ...

    @overload
    def __init__(self, *, configuration: Text, metadata_conn_id: str, **kwargs: Unpack[PigmentArgs]) -> None: ...

    def __init__(
        self,
        *,
        configuration_id: Text | None = None,
        configuration: Text | None = None,
        application: Text | None = None,
        block: Text | None = None,
        metadata_conn_id: str | None = None,
        max_auto_created: int | None = None,
        conn_id: str = "pigment_default",
        **kwargs: Unpack[UncancelableArgs],
    ) -> None:
        refuse(type(self).__name__, self.without_effect, kwargs)
        super().__init__(conn_id=conn_id, **kwargs)
        self.configuration_id: Any = configuration_id
        self.configuration: Any = configuration
        self.application: Any = application
        self.block: Any = block
        self.metadata_conn_id = metadata_conn_id
        self._given = validation.given(application=application, block=block, metadata_conn_id=metadata_conn_id)
        validation.max_auto_created(max_auto_created)
        self.max_auto_created = max_auto_created
        self._found_id: str | None = None

    def check(self) -> None:
        """Check which configuration is meant as well."""
        super().check()
        if (self.configuration_id is None) == (self.configuration is None):
            raise InvalidInputError(
                "Give exactly one of configuration_id and configuration (its name). Nothing was sent.", vendor="pigment"
            )
        if self.configuration_id is not None:
            validation.uuid("configuration_id", self.configuration_id)
        else:
            validation.required("configuration", self.configuration)
        if self.metadata_conn_id is None and (self.configuration or self.application or self.block):
            raise InvalidInputError(
                "A configuration, an application and a block are looked up with an API key of the type Modeling "
                "Metadata, which can't import: give the connection that has it as metadata_conn_id. Nothing was sent.",
                vendor="pigment",
            )

    def prepare(self) -> None:
        """
        Look the configuration up by its name, if that is given.

        :raises InvalidInputError: if there is none of that name or more than one, with what there is
        """
        if self._found_id is None:
            self._found_id = self.configuration_id or self._look_up_configuration()

    def _look_up_configuration(self) -> str:
        with closing(self._finder) as finder:
            return finder.find_configuration(self.configuration or "", self.application, self.block)

    @property
    def _finder(self) -> PigmentHook:
        hook: PigmentHook = resolve_name(self.entry.hook)(self.metadata_conn_id)
        return hook

    def send(self, hook: PigmentHook, configuration_id: str) -> ImportRun:
        """Send the call that starts the import."""
        raise NotImplementedError(f"{type(self).__name__} has no send()")

    def start(self, hook: PigmentHook) -> ImportRun:
        """
        Start the import.

        :raises VendorRequestError: for an unknown ``configuration_id``, with what there is if ``metadata_conn_id`` is
            given
        """
        try:
            return self.send(hook, self._found_id or "")
        except VendorRequestError as error:
            if error.status_code != 404 or self.configuration_id is None or self.metadata_conn_id is None:
                raise
            raise VendorRequestError(
                f"{error} {self._what_there_is(self.configuration_id)}.",
                vendor=error.vendor,
                operation=error.operation,
                status_code=error.status_code,
                vendor_message=error.vendor_message,
                request_id=error.request_id,
            ) from error

    def _what_there_is(self, configuration_id: str) -> str:
        try:
            with closing(self._finder) as finder:
                return finder.place_of_configuration(configuration_id, self.application, self.block)
        except VendorImportError as error:
            return f"What there is can't be listed: {str(error).rstrip('.')}"


class PigmentPushCsvOperator(PigmentImportOperator, PushingImportOperator):
    """
    Push a CSV file into an *Upload file* import configuration of Pigment, and wait for the import's end.

    The file is streamed, never read whole. Its encoding, separator and text delimiter must match the configuration.
    Pigment limits pushes to 300 an hour and configuration, and can't cancel an import: a killed task leaves it
    running, and a retry goes on with it. A retry never pushes a second time what was pushed.

    .. seealso:: :ref:`howto/operator:PigmentPushCsvOperator`

    :param configuration_id: UUID of the import configuration; give this or ``configuration`` (templated)
    :param configuration: its name, looked up when the task starts the import; a wrong one lists what there is
        (templated)
    :param application: name or UUID of the application to look in; None: all (templated)
    :param block: name or UUID of the block to look in; None: all (templated)
    :param metadata_conn_id: the Airflow connection for the look-up, whose API key is of the type *Modeling Metadata*;
        with it an unknown ``configuration_id`` lists what there is, too (templated)
    :param max_auto_created: how many items of dimensions the import may create by itself, because the data names them:
        None only warns
    :param file_path: a local path, an object-storage URI such as ``s3://conn@bucket/key.csv``, or an
        ``ObjectStoragePath``; gzip is unpacked (templated)
    :param data: the CSV itself, for small payloads: text, bytes, or records (a list or another sequence of dicts, a
        DataFrame), which are written as CSV with their keys in the first line; give this or ``file_path`` (templated)
    :param sql: a query whose rows are sent, or a ``.sql`` file with it: one statement; give this, ``file_path`` or
        ``data`` (templated)
    :param sql_conn_id: the Airflow connection of its database, of any type whose hook is a ``DbApiHook`` (templated)
    :param parameters: for the query's placeholders, as the database's driver wants them (templated)
    :param csv_format: how records and rows are written, see :class:`~airflow_provider_imports.operators.rows.CsvFormat`
    :param conn_id: the Airflow connection (templated)
    """

    inputs: ClassVar[Sequence[str]] = ("configuration_id", "file_path", "data")
    later_inputs: ClassVar[Sequence[str]] = (*PigmentImportOperator.later_inputs, "query")
    template_fields = (
        *PigmentImportOperator.template_fields,
        "file_path",
        "data",
        "sql",
        "sql_conn_id",
        "parameters",
    )
    template_ext = (".sql",)
    template_fields_renderers = {"sql": "sql", "parameters": "json"}

    @overload
    def __init__(self, *, configuration_id: Text, **kwargs: Unpack[PigmentPushArgs]) -> None: ...

    @overload
    def __init__(self, *, configuration: Text, metadata_conn_id: str, **kwargs: Unpack[PigmentPushArgs]) -> None: ...

    def __init__(
        self,
        *,
        file_path: FilePath | Text | None = None,
        data: str | bytes | Rows | None = None,
        sql: Text | None = None,
        sql_conn_id: str | None = None,
        parameters: Sequence[Any] | Mapping[str, Any] | XComArg | None = None,
        csv_format: CsvFormat | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.file_path: Any = file_path
        self.data: Any = data  # whatever another task or a template gives; check() takes the records out
        self.sql: Any = sql
        self.sql_conn_id = sql_conn_id
        self.parameters: Any = parameters
        self.csv_format = csv_format_given(csv_format)
        self._query: Query | None = None

    def check(self) -> None:
        """Check that there is one thing to send as well."""
        super().check()
        exactly_one(file_path=self.file_path, data=self.data, sql=self.sql)
        self.data = materialized("data", self.data, self.min_rows)
        self._query = query_given(self.sql, self.sql_conn_id, self.parameters, self.min_rows)

    @property
    def query(self) -> object:
        """What the rows of ``sql`` are of; None without it."""
        return None if self._query is None else self._query.identity

    def prepare(self) -> None:
        """Open the file, write the records, or run the query, which a try does only once."""
        if self.payload is None or self._query is None:
            self.payload = open_payload(self.file_path, self.data, self._query, csv_format=self.csv_format)
        super().prepare()

    def send(self, hook: PigmentHook, configuration_id: str) -> ImportRun:
        """Push the CSV."""
        return hook.push_csv(configuration_id, b"" if self.payload is None else self.payload.body)


class PigmentTriggerImportOperator(PigmentImportOperator):
    """
    Run an *Integration*, *List* or *Metric* import configuration of Pigment, and wait for the import's end.

    Pigment can't cancel an import: a killed task leaves it running, and a retry goes on with it. A retry never
    starts a second time what was started.

    .. seealso:: :ref:`howto/operator:PigmentTriggerImportOperator`

    :param configuration_id: UUID of the import configuration; give this or ``configuration`` (templated)
    :param configuration: its name, looked up when the task starts the import; a wrong one lists what there is
        (templated)
    :param application: name or UUID of the application to look in; None: all (templated)
    :param block: name or UUID of the block to look in; None: all (templated)
    :param metadata_conn_id: the Airflow connection for the look-up, whose API key is of the type *Modeling Metadata*;
        with it an unknown ``configuration_id`` lists what there is, too (templated)
    :param max_auto_created: how many items of dimensions the import may create by itself, because the data names them:
        None only warns
    :param conn_id: the Airflow connection (templated)
    """

    def send(self, hook: PigmentHook, configuration_id: str) -> ImportRun:
        """Trigger the import."""
        return hook.trigger_import(configuration_id)
