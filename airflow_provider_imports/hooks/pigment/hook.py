"""Pigment: push a CSV file, or trigger an import from an integration, list or metric, and read what became of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_imports import validation
from airflow_provider_imports.exceptions import InvalidInputError, VendorAuthError, VendorRequestError
from airflow_provider_imports.hooks.base import ImportHook
from airflow_provider_imports.hooks.pigment import metadata
from airflow_provider_imports.hooks.pigment.calls import import_status, start_call, started, status_call
from airflow_provider_imports.hooks.pigment.description import PigmentDescription
from airflow_provider_imports.http.body import FileBody
from airflow_provider_imports.http.errors import HTML_PAGE

if TYPE_CHECKING:
    from airflow_provider_imports.http.call import Body, Flow
    from airflow_provider_imports.models import ImportRun, ImportStatus

_NO_IMPORT = "00000000-0000-0000-0000-000000000000"


class PigmentHook(PigmentDescription, ImportHook):
    """
    Pigment's import API.

    The connection's password is an API key of type *Import*; it acts with the rights of its owner. The methods that
    read applications, blocks and configurations need another key, of type *Modeling Metadata*, and so a connection of
    their own. Pigment has no call that cancels an import and none that lists imports: an import whose ``importId`` was
    lost can't be found again by the API, only in the block's *Update History*.
    """

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
        call = start_call("push_csv", "/api/v1/import/push/csv", configuration_id, body)
        return self.run_flow(started(call))

    def trigger_import(self, configuration_id: str) -> ImportRun:
        """
        Run an *Integration*, *List* or *Metric* import configuration.

        :param configuration_id: UUID of the import configuration
        :raises UnknownOutcomeError: if Pigment may or may not have started it
        :raises VendorImportError: if Pigment did not start it
        """
        return self.run_flow(started(start_call("trigger_import", "/api/v1/import/trigger", configuration_id)))

    def get_import_status(self, import_id: str, detailed_report: bool = False) -> ImportStatus:
        """
        Read the status of an import, of any kind.

        :param import_id: the UUID that the start answered
        :param detailed_report: with counts and skipped rows; Pigment asks to use it sparingly
        """
        return self.run_flow(import_status(validation.uuid("import_id", import_id), detailed_report))

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

    def test_flow(self) -> Flow[str]:
        """
        Ask for an import that cannot exist: Pigment checks the key first, so 404 proves that the key is good.

        At a host that is not Pigment's own, the same question without the key must be refused with 401, since any
        other server answers 404 as well.
        """
        try:
            yield from import_status(_NO_IMPORT, detailed_report=False)
        except VendorRequestError as error:
            if error.status_code != 404 or (error.vendor_message or "").startswith(HTML_PAGE):
                raise
            if self.client.settings.base_url != self.default_host:
                yield from self._refuses_strangers()
        return "Pigment accepted the API key."

    def _refuses_strangers(self) -> Flow[None]:
        try:
            yield replace(status_call(_NO_IMPORT, detailed_report=False), public=True)
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
