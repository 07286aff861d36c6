"""
Bloomreach Engagement: start imports that are set up in Bloomreach, keep definitions of imports, read one customer.

Sources: see :mod:`airflow_provider_imports.hooks.bloomreach.calls`, and for workspaces
https://documentation.bloomreach.com/data-hub/reference/startworkspaceimport
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from airflow_provider_imports import validation
from airflow_provider_imports.exceptions import (
    ConnectionSettingsError,
    InvalidInputError,
    VendorAuthError,
    VendorRequestError,
)
from airflow_provider_imports.hooks.arrival import ARRIVAL, arrival_status
from airflow_provider_imports.hooks.base import ImportHook
from airflow_provider_imports.hooks.bloomreach import calls
from airflow_provider_imports.hooks.bloomreach.description import BloomreachDescription
from airflow_provider_imports.http.call import path
from airflow_provider_imports.json_values import texts_from_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_imports.http.call import Flow
    from airflow_provider_imports.models import ImportRun, ImportStatus

_NOT_TESTED = (
    'The permission "Imports > Allow trigger imports" cannot be tested without starting an import: if a start is '
    "refused (HTTP 403), the key lacks it or is of another project."
)


class BloomreachHook(BloomreachDescription, ImportHook):
    """
    Bloomreach Engagement's calls that start imports.

    The connection's login is the ID of a *private access* API key, its password the key's secret. A key belongs to
    one project or one workspace, which the connection names. Bloomreach publishes no status of a run, gives it no id,
    and has no call that cancels one.
    """

    def start_import(
        self,
        import_id: str,
        path: str | None = None,
        test_connection: bool | None = None,
        project_token: str | None = None,
        workspace_id: str | None = None,
    ) -> ImportRun:
        """
        Start an import that was made in Bloomreach's UI.

        In a project, imports from a URL, a file storage (GCS, SFTP), a database or Bloomreach Engagement itself, into
        customers, events, vouchers and legacy catalogs, can be started. Not: item collections, Snowflake, Databricks,
        copied & pasted or uploaded data, and not imports made by the Imports Management API (:meth:`run_import`).
        In a workspace: URL, file storage (GCS, S3, SFTP) and data warehouse; not copied & pasted or uploaded data.

        A second start is a second import; for events that counts twice in the vendor's bill.

        :param import_id: of the import; it stands in the address of the import's page
        :param path: URL or path in the file storage to load from, for this run only
        :param test_connection: False skips the vendor's test of the connection to the source, which takes time; True
            is the vendor's default. Sent only if given
        :param project_token: of the project, in place of the connection's
        :param workspace_id: of the workspace, in place of the connection's project token or workspace id
        :raises UnknownOutcomeError: if Bloomreach may or may not have started it, for instance after a time-out
        :raises VendorRequestError: if it refused, also with HTTP 200 and ``"success": false``, or because the import's
            own source refused the credentials that Bloomreach has for it
        :raises VendorImportError: if Bloomreach did not start it
        """
        target = self._start_path(import_id, project_token, workspace_id)
        call = calls.start_call("start_import", target, path, test_connection)
        return self.run_flow(calls.started(call, import_id))

    def run_import(
        self,
        import_id: str,
        path: str | None = None,
        test_connection: bool | None = None,
        project_token: str | None = None,
    ) -> ImportRun:
        """
        Run an import that was made by the Imports Management API, and no other.

        A second run is a second import.

        :param import_id: as the Imports Management API answered it
        :param path: URL to load from, for this run only (the vendor's ``path_to_overwrite``)
        :param test_connection: as in :meth:`start_import`
        :param project_token: of the project, in place of the connection's
        :raises UnknownOutcomeError: if Bloomreach may or may not have started it, for instance after a time-out
        :raises VendorImportError: if Bloomreach did not start it
        """
        call = calls.start_call("run_import", self._run_path(import_id, project_token), path, test_connection)
        return self.run_flow(calls.started(call, import_id))

    # Definitions (Imports Management API)

    def create_import_definition(self, definition: Mapping[str, Any], project_token: str | None = None) -> str:
        """
        Make an import by the Imports Management API. One whose trigger is ``now`` runs at once.

        :param definition: ``name``, ``trigger``, ``active``, ``source``, ``destination``, ``mapping``, as Bloomreach's
            page *Create import* describes them
        :param project_token: of the project, in place of the connection's
        :return: its ``import_id``, for :meth:`run_import`
        :raises InvalidInputError: if it has no name
        :raises UnknownOutcomeError: if Bloomreach may or may not have made it
        :raises VendorImportError: if Bloomreach did not make it
        """
        return self.run_flow(calls.create(self._token(project_token), definition))

    def create_import_definition_if_missing(
        self, definition: Mapping[str, Any], project_token: str | None = None
    ) -> tuple[calls.ImportDefinition, bool]:
        """
        Find the API-made import of this name, or make it. A definition can't be changed: what is there stays.

        :return: it as it is at Bloomreach, and whether it was made now
        :raises InvalidInputError: if it has no name, or several have
        """
        return self.run_flow(calls.create_if_missing(self._token(project_token), definition))

    def get_import_definition(self, import_id: str, project_token: str | None = None) -> calls.ImportDefinition:
        """Read an API-made import."""
        return self.run_flow(calls.read(self._token(project_token), import_id))

    def list_import_definitions(self, project_token: str | None = None) -> list[calls.ImportDefinition]:
        """Read all API-made imports of a project, 50 with each request."""
        return self.run_flow(calls.list_all(self._token(project_token)))

    def delete_import_definition(self, import_id: str, project_token: str | None = None) -> None:
        """Delete an API-made import."""
        self.run_flow(calls.delete(self._token(project_token), import_id))

    # One customer, as evidence that an import has arrived

    def get_customer_properties(
        self, customer_ids: Mapping[str, str], properties: Sequence[str], project_token: str | None = None
    ) -> dict[str, Any] | None:
        """
        Read some properties of a customer. Needs the permission *Customer properties > Get*.

        :param customer_ids: for instance ``{"registered": "canary@example.com"}``
        :param properties: their names
        :return: their values by name, None for one that is not set; None if there is no such customer
        """
        return self.run_flow(calls.customer_properties(self._token(project_token), customer_ids, properties))

    def arrival_of(
        self, customer_ids: Mapping[str, str], property_name: str, value: str, project_token: str | None = None
    ) -> ImportRun:
        """
        Make a run to wait for: it ends as ``evidence`` once this customer's property has this value.

        :raises InvalidInputError: if an id is missing or no text
        """
        return calls.customer_arrival(customer_ids, property_name, value, project_token)

    def status_flow(self, run: ImportRun) -> Flow[ImportStatus]:
        """Read the one customer that a run of :meth:`arrival_of` is about; there is no status of other runs."""
        if ARRIVAL not in run.key:
            return (yield from super().status_flow(run))
        token, name = self._token(run.key.get("project_token")), run.key["property"]
        ids = texts_from_json(json.loads(run.key[ARRIVAL]))
        return arrival_status(run, (yield from calls.customer_properties(token, ids, [name])))

    def test_flow(self) -> Flow[str]:
        """
        Read the platform's clock, which any key of the project may; then list its API-made imports.

        Listing needs a permission that starting does not, so a 403 there says nothing about the key.
        """
        workspace_id, token = self._extra("workspace_id"), self._extra("project_token")
        if workspace_id and not token:
            yield from calls.system_time("workspaces", workspace_id)
            return f"Bloomreach accepted the API key for this workspace. {_NOT_TESTED}"
        token = self._token(None)
        accepted = False
        try:
            yield from calls.system_time("projects", token)
            accepted = True
        except VendorRequestError as error:
            if error.status_code != 404:
                raise
        try:
            yield from calls.list_page(token, limit=1, offset=0)
        except VendorAuthError as error:
            if error.status_code != 403:
                raise
            knows = "accepted the API key for this project" if accepted else "knows the API key"
            return (
                f"Bloomreach {knows}, but does not let it list imports (HTTP 403), which only some methods need. "
                f"{_NOT_TESTED}"
            )
        return f"Bloomreach accepted the API key for this project. {_NOT_TESTED}"

    def _start_path(self, import_id: str, project_token: str | None, workspace_id: str | None) -> str:
        import_id = validation.required("import_id", import_id)
        if project_token and workspace_id:
            raise InvalidInputError("Give project_token or workspace_id, not both. Nothing was sent.")
        if not project_token and not workspace_id:
            workspace_id, project_token = self._extra("workspace_id"), self._extra("project_token")
            if project_token and workspace_id:
                raise ConnectionSettingsError(
                    f"Connection {self.conn_id!r} has both project_token and workspace_id, but a key is of one of "
                    "them: remove the other. Nothing was sent.",
                    vendor=self.vendor,
                )
        if workspace_id:
            return path(
                "/data/v2/workspaces/{workspace_id}/imports/{import_id}/start",
                workspace_id=validation.required("workspace_id", workspace_id),
                import_id=import_id,
            )
        return path(
            "/data/{version}/projects/{token}/imports/{import_id}/start",
            version=self._extra("api_version") or "v1",
            token=self._token(project_token),
            import_id=import_id,
        )

    def _run_path(self, import_id: str, project_token: str | None) -> str:
        return path(
            "/imports/v1/{token}/{import_id}/run",
            token=self._token(project_token),
            import_id=validation.required("import_id", import_id),
        )

    def _token(self, project_token: str | None) -> str:
        token = project_token or self._extra("project_token")
        if not token:
            raise ConnectionSettingsError(
                "It is not known which project to use: give the parameter project_token, or enter the project token in "
                f"connection {self.conn_id!r} (for a workspace, workspace_id at either place). Nothing was sent.",
                vendor=self.vendor,
            )
        return validation.required("project_token", token)

    def _extra(self, name: str) -> str | None:
        value = self.client.settings.extra.get(name)
        return None if value is None else str(value)
