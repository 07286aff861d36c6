"""Bloomreach Engagement described: its hosts, credentials, refusals and hints. Nothing here sends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_imports.exceptions import (
    ConnectionSettingsError,
    ImportBusyError,
    UnknownOutcomeError,
    VendorRequestError,
)
from airflow_provider_imports.hooks.bloomreach import calls
from airflow_provider_imports.hooks.description import VendorDescription, says_busy
from airflow_provider_imports.http.call import basic
from airflow_provider_imports.http.errors import error_from, read_message
from airflow_provider_imports.http.settings import read_extra
from airflow_provider_imports.vendors.bloomreach import BLOOMREACH

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_imports.exceptions import VendorImportError
    from airflow_provider_imports.http.call import Answer, Call
    from airflow_provider_imports.http.settings import AirflowConnection, Settings

#: Where the API of workspaces lives; that of projects, ``default_host``, is another.
WORKSPACE_HOST = "https://api.bloomreach.com"
_PERMISSIONS = {
    "list_import_definitions": "Imports > Allow to List Imports",
    "get_import_definition": "Imports > Allow to Read Imports",
    "create_import_definition": "Imports > Allow to Create new Imports",
    "delete_import_definition": "Imports > Allow to Delete existing imports",
    "get_customer_properties": "Customer properties > Get",
}
_CAN_BE_STARTED = {
    "projects": (
        "Bloomreach starts imports from a URL, a file storage (GCS, SFTP), a database or Bloomreach Engagement itself, "
        "into customers, events, vouchers and legacy catalogs; not those from Snowflake, Databricks, copied & pasted "
        "or uploaded data, and not into item collections. path is only for those from a URL or a file storage."
    ),
    "workspaces": (
        "In a workspace, Bloomreach starts imports from a URL, a file storage (GCS, S3, SFTP) or a data warehouse; not "
        "those from copied & pasted or uploaded data. path is only for those from a URL or a file storage."
    ),
}
_DEFINITION_LIMITS = (
    "A project may have 25 active definitions that the API made, each with 48 scheduled repeats a day at most; they "
    "load from a URL or a file storage into customers, events and catalogs."
)
#: How the import service words that it could not log in to an import's source, not that we could not log in to it.
_SOURCE_REFUSED = "could not authenticate"


class BloomreachDescription(VendorDescription):
    """Bloomreach Engagement, as far as it differs from other vendors."""

    entry = BLOOMREACH
    default_host = "https://api.exponea.com"
    where_to_look = "the import's page in Bloomreach Engagement (Data & Assets > Imports)"
    hints = {
        ("*", 401): (
            "Bloomreach wants a private-access API key (ID as login, secret as password) at the host that Project "
            "settings > Access management > API shows; for a workspace, Workspace settings > Access management > API "
            f"(usually {WORKSPACE_HOST})."
        ),
        ("*", 403): (
            'The key needs the permission "Imports > Allow trigger imports", and must be of this very project or '
            "workspace."
        ),
        **{
            (operation, 403): f'The key needs the permission "{permission}", and must be of this very project.'
            for operation, permission in _PERMISSIONS.items()
        },
        ("start_import", 404): (
            "Check import_id, project_token or workspace_id, and the host; an import made by the Imports Management "
            "API needs run_import (managed_by_api=True)."
        ),
        ("run_import", 404): (
            "Check import_id, project_token and the host; an import made in Bloomreach's UI needs start_import "
            "(managed_by_api=False)."
        ),
        ("system_time", 403): "The key must be of this very project or workspace.",
        ("system_time", 404): "Check the project token or the workspace id, and the host.",
        ("list_import_definitions", 404): "Check the project token and the host.",
        ("get_import_definition", 404): "Only imports that the Imports Management API made can be read.",
        ("delete_import_definition", 404): "Only imports that the Imports Management API made can be deleted.",
        ("create_import_definition", 400): _DEFINITION_LIMITS,
        ("create_import_definition", 422): _DEFINITION_LIMITS,
    }

    def authorization(self, settings: Settings) -> Mapping[str, str]:
        """Basic: key ID and secret."""
        self.require_credentials(settings, "login", "password")
        if ":" in settings.login:
            raise ConnectionSettingsError(
                f"Connection {settings.conn_id!r}: login holds a colon, which an API key ID never does; enter the ID "
                "alone, and the API secret as password. Nothing was sent.",
                vendor=self.vendor,
            )
        return basic(settings.login, settings.password)

    def default_host_of(self, connection: AirflowConnection) -> str:
        """The host of projects, or that of workspaces if the connection is one of a workspace."""
        extra = read_extra(connection)
        return WORKSPACE_HOST if extra.get("workspace_id") and not extra.get("project_token") else self.default_host

    def refusal(self, call: Call, answer: Answer) -> VendorImportError | None:
        """
        Take ``"success": false`` for a refusal whatever the HTTP status says.

        The vendor's own words, so it is certain that nothing was started; the documents say no more about it. Words
        that say that the import runs already are a trouble that passes.
        """
        said = read_message(answer).rstrip(".")
        says_no = 200 <= answer.status < 300 and calls.says_no(answer)
        if call.starts and says_busy(said) and (says_no or 400 <= answer.status < 500):
            told = f"{self.hook_name} {call.operation}: HTTP {answer.status}: {said}"
            advice = "It runs already, so nothing was started; a later retry is safe."
            return error_from(ImportBusyError, self.vendor, call, answer, told, advice)
        if not says_no:
            return None
        told = f'{self.hook_name} {call.operation}: HTTP {answer.status}, but "success": false'
        advice = "Nothing was done, and a retry would be refused again."
        return error_from(VendorRequestError, self.vendor, call, answer, f"{told}: {said}" if said else told, advice)

    def hint(self, call: Call, error: VendorImportError) -> str | None:
        """Tell the credentials of the import's source from ours, and name the usual cause of a time-out."""
        if isinstance(error, VendorRequestError) and _SOURCE_REFUSED in (error.vendor_message or "").lower():
            return (
                "The credentials of the Airflow connection are good: it is the import's own source (its URL, storage "
                "or database) that refused Bloomreach. Correct the source's credentials in Bloomreach; "
                "test_connection=False only skips this check, and the import may then fail unseen."
            )
        if isinstance(error, UnknownOutcomeError) and error.status_code is None:
            return (
                "Bloomreach tests the connection to the import's source before it answers, which may take long: raise "
                "the Airflow connection's timeout, or set test_connection=False."
            )
        if call.operation == "start_import" and error.status_code == 400:
            return _CAN_BE_STARTED["workspaces" if call.path.startswith("/data/v2/workspaces/") else "projects"]
        return super().hint(call, error)
