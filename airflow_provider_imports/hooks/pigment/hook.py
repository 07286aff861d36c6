"""
Pigment: push a CSV file, or trigger an import from an integration, a list or a metric, and read what became of it.

Sources: https://kb.pigment.com/docs/trigger-import-apis and Pigment's OpenAPI document ("Pigment External API",
``v1-external``).
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_provider_imports import validation
from airflow_provider_imports.entries.pigment import PIGMENT
from airflow_provider_imports.exceptions import (
    ConnectionSettingsError,
    InvalidInputError,
    VendorAuthError,
    VendorRequestError,
)
from airflow_provider_imports.hooks.base import ImportHook
from airflow_provider_imports.hooks.pigment import metadata
from airflow_provider_imports.hooks.pigment.status import read_status
from airflow_provider_imports.http.body import FileBody
from airflow_provider_imports.http.call import Answer, Body, Call, Repeat, UnreadableAnswerError, path
from airflow_provider_imports.http.errors import HTML_PAGE
from airflow_provider_imports.http.reading import LARGEST_ANSWER, LARGEST_REPORT
from airflow_provider_imports.models import ImportRun, ImportStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_imports.http.call import Flow
    from airflow_provider_imports.http.settings import Settings

#: Seconds to wait after the two kinds of 429, whose windows are 5 minutes and one hour.
REQUEST_LIMIT_WAIT = 60.0
PUSH_LIMIT_WAIT = 600.0
#: Five groups, as in Pigment's own example of the old format, ``3jp2e232-9875-42f4-9fcf-63fe2ce568jp``.
_RETIRED_KEY = re.compile(r"[0-9A-Za-z]+(?:-[0-9A-Za-z]+){4}")
_WHERE_THE_ID_IS = (
    "Check configuration_id (in Pigment: the block's Settings > Import configurations > Copy ID, which needs the "
    "permission Import Data), and that the key's owner may see it."
)
#: Stricter than Python, which reads blanks, underscores and the digits of every alphabet.
_UUID = re.compile(r"[0-9A-Fa-f]{8}(-?[0-9A-Fa-f]{4}){3}-?[0-9A-Fa-f]{12}")
_NO_IMPORT = "00000000-0000-0000-0000-000000000000"


class PigmentHook(ImportHook):
    """
    Pigment's import API.

    The connection's password is an API key of type *Import*; it acts with the rights of its owner. The methods that
    read applications, blocks and configurations need another key, of type *Modeling Metadata*, and so a connection of
    their own. Pigment has no call that cancels an import and none that lists imports: an import whose ``importId`` was
    lost can't be found again by the API, only in the block's *Update History*.
    """

    entry = PIGMENT
    default_host = "https://pigment.app"
    where_to_look = (
        'the "Update History" of the block in Pigment (listed under the person who created or edited the '
        "configuration, not under the key's owner)"
    )
    #: 500 requests in 5 minutes from one IP address, all public endpoints together.
    requests_per_minute = 100.0
    #: How soon the status of a new import can be read is not documented.
    not_found_grace = 60.0
    hints = {
        ("*", 401): (
            "A Pigment API key ends on the day before its expiry date, may be limited to IP addresses, and is of one "
            "type: starting imports needs the type Import."
        ),
        **metadata.HINTS,
        ("push_csv", 400): (
            "Pigment answers 400 for a file that is too large, too, and for a configuration that takes no uploads."
        ),
        ("push_csv", 404): _WHERE_THE_ID_IS,
        ("trigger_import", 400): (
            "This call runs integration, list and metric configurations; for an upload configuration use push_csv."
        ),
        ("trigger_import", 404): _WHERE_THE_ID_IS,
        ("get_import_status", 404): "Pigment knows no import with this importId (a new one may take a moment).",
    }

    def authorization(self, settings: Settings) -> Mapping[str, str]:
        """Bearer token: the API key; one of the retired format is not sent."""
        self.require_credentials(settings, "password")
        if _RETIRED_KEY.fullmatch(settings.password):
            raise ConnectionSettingsError(
                f"Connection {settings.conn_id!r} has an API key with dashes, a format that Pigment has retired. "
                "Nothing was sent; generate a new key in Pigment and enter it as password.",
                vendor=self.vendor,
            )
        return {"Authorization": f"Bearer {settings.password}"}

    def rate_limit_wait(self, answer: Answer, now: float) -> float | None:
        """Tell the two 429s apart: 300 pushes an hour and configuration, or 500 requests in 5 minutes and address."""
        return PUSH_LIMIT_WAIT if b"per hour" in answer.content else REQUEST_LIMIT_WAIT

    def rate_limit_key(self, call: Call) -> str:
        """Keep pushes to a pace of their own: a configuration over its hourly limit must hold up nothing else."""
        return call.target if call.operation == "push_csv" else ""

    def push_csv(self, configuration_id: str, body: Body | bytes | str) -> ImportRun:
        """
        Push a CSV file into an *Upload file* import configuration.

        Encoding, separator and text delimiter are set in the configuration; the file must match it. A second push
        is a second import.

        :param configuration_id: UUID of the import configuration
        :param body: a file (:class:`~airflow_provider_imports.http.body.FileBody`), the bytes, or a path or URI
        :raises InvalidInputError: if there is nothing to push
        :raises UnknownOutcomeError: if Pigment may or may not have taken it
        :raises VendorImportError: if Pigment did not take it
        """
        if isinstance(body, str):
            body = FileBody(body)
        elif not len(body):
            raise InvalidInputError("There are no bytes to push. Nothing was sent.", vendor=self.vendor)
        call = _start("push_csv", "/api/v1/import/push/csv", configuration_id, body)
        return self.run_flow(_started(call))

    def trigger_import(self, configuration_id: str) -> ImportRun:
        """
        Run an *Integration*, *List* or *Metric* import configuration.

        :param configuration_id: UUID of the import configuration
        :raises UnknownOutcomeError: if Pigment may or may not have started it
        :raises VendorImportError: if Pigment did not start it
        """
        return self.run_flow(_started(_start("trigger_import", "/api/v1/import/trigger", configuration_id)))

    def get_import_status(self, import_id: str, detailed_report: bool = False) -> ImportStatus:
        """
        Read the status of an import, of any kind.

        :param import_id: the UUID that the start answered
        :param detailed_report: with counts and skipped rows; Pigment asks to use it sparingly
        """
        return self.run_flow(_status(validation.uuid("import_id", import_id), detailed_report))

    def get_applications(self) -> list[metadata.Application]:
        """Read the workspace's applications, as far as the owner of a *Modeling Metadata* key sees them."""
        return self.run_flow(metadata.applications())

    def get_blocks(self, application_id: str) -> list[metadata.Block]:
        """
        Read an application's blocks: lists, metrics and tables. Needs a key of type *Modeling Metadata*.

        :param application_id: UUID
        """
        return self.run_flow(metadata.blocks(application_id))

    def get_import_configurations(
        self, application_id: str, block_id: str | None = None
    ) -> list[metadata.ImportConfiguration]:
        """
        Read the import configurations of a block. Needs a key of type *Modeling Metadata*.

        :param application_id: UUID
        :param block_id: UUID; what Pigment answers without one is not documented
        """
        return self.run_flow(metadata.configurations(application_id, block_id))

    def find_configuration(self, name: str, application: str | None = None, block: str | None = None) -> str:
        """
        Find the id of an import configuration by its name. Needs a key of type *Modeling Metadata*.

        Each block that may have it costs a request: name the application and the block where there are many.

        :param name: as Pigment shows it
        :param application: name or UUID of the application to look in; None: all
        :param block: name or UUID of the block to look in; None: all
        :return: its UUID
        :raises InvalidInputError: if there is none or more than one, with what there is
        """
        return self.run_flow(metadata.find_configuration(name, application, block))

    def place_of_configuration(
        self, configuration_id: str, application: str | None = None, block: str | None = None
    ) -> str:
        """
        Say where an import configuration is, or what there is in its place. Needs a key of type *Modeling Metadata*.

        :param configuration_id: UUID
        :param application: name or UUID of the application to look in; None: all
        :param block: name or UUID of the block to look in; None: all
        :return: a sentence without its full stop
        :raises InvalidInputError: if there is no such application or block, with what there is
        """
        wanted = validation.uuid("configuration_id", configuration_id)
        return self.run_flow(metadata.place_of(wanted, application, block))

    def status_flow(self, run: ImportRun) -> Flow[ImportStatus]:
        """Read the status; once the import has ended, the detailed report as well."""
        status = yield from _status(run.key["import_id"], detailed_report=False)
        if status.state.is_terminal:
            status = yield from _status(run.key["import_id"], detailed_report=True)
        return status

    def test_flow(self) -> Flow[str]:
        """
        Ask for an import that cannot exist: Pigment checks the key first, so 404 proves that the key is good.

        At a host that is not Pigment's own, the same question without the key must be refused with 401, since any
        other server answers 404 as well.
        """
        try:
            yield from _status(_NO_IMPORT, detailed_report=False)
        except VendorRequestError as error:
            if error.status_code != 404 or (error.vendor_message or "").startswith(HTML_PAGE):
                raise
            if self.client.settings.base_url != self.default_host:
                yield from self._refuses_strangers()
        return "Pigment accepted the API key."

    def _refuses_strangers(self) -> Flow[None]:
        try:
            yield replace(_status_call(_NO_IMPORT, detailed_report=False), public=True)
        except VendorAuthError:
            return
        except VendorRequestError:
            pass
        raise VendorRequestError(
            f"{self.client.settings.base_url} answers the same with and without an API key, so it is not Pigment. "
            f"Check the connection's host; Pigment's own is {self.default_host}.",
            vendor=self.vendor,
            operation="get_import_status",
        )


def pigment_run(import_id: str, started_at: datetime | None = None) -> ImportRun:
    """The run that Pigment knows by this ``importId``."""
    return ImportRun("pigment", {"import_id": validation.uuid("import_id", import_id)}, started_at)


def _start(operation: str, url_path: str, configuration_id: str, body: Body | bytes | None = None) -> Call:
    return Call(
        operation,
        "POST",
        url_path,
        query=(("configurationId", validation.uuid("configuration_id", configuration_id)),),
        body=body,
        content_type="text/csv",
        repeat=Repeat.IF_NOT_ACTED,
        starts=True,
    )


def _started(call: Call) -> Flow[ImportRun]:
    started_at = datetime.now(UTC)
    answer = yield call
    import_id = answer.object().get("importId")
    if not isinstance(import_id, str) or not _UUID.fullmatch(import_id):
        raise UnreadableAnswerError("the answer has no importId")
    return pigment_run(import_id, started_at)


def _status_call(import_id: str, detailed_report: bool) -> Call:
    return Call(
        "get_import_status",
        "GET",
        path("/api/v1/import/{import_id}/status", import_id=import_id),
        query=(("includedDetailedReport", "true"),) if detailed_report else (),
        largest_answer=LARGEST_REPORT if detailed_report else LARGEST_ANSWER,
    )


def _status(import_id: str, detailed_report: bool) -> Flow[ImportStatus]:
    answer = yield _status_call(import_id, detailed_report)
    return read_status(answer.object())
