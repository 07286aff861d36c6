"""
Bloomreach Engagement: start imports that are set up in Bloomreach.

Sources: https://documentation.bloomreach.com/engagement/reference/imports-2-1 ("Start import"), the workspace's
``startWorkspaceImport``, and the Imports Management API ("Create, list, read an import"). The vendor's own page for
``/imports/v1/…/run`` is not public; its body is as Bloomreach's published Magento extension sends it.
"""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_imports import validation
from airflow_provider_imports.exceptions import (
    ConnectionSettingsError,
    InvalidInputError,
    UnknownOutcomeError,
    VendorAuthError,
    VendorRequestError,
)
from airflow_provider_imports.hooks.base import ImportHook
from airflow_provider_imports.http.call import Answer, Call, Flow, Repeat, UnreadableAnswerError, path
from airflow_provider_imports.http.errors import HTML_PAGE, error_from, read_message
from airflow_provider_imports.http.reading import LARGEST_REPORT
from airflow_provider_imports.models import ImportRun

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_imports.exceptions import VendorImportError
    from airflow_provider_imports.http.settings import Settings

#: How the import service words that it could not log in to an import's source, not that we could not log in to it.
_SOURCE_REFUSED = "could not authenticate"


class BloomreachHook(ImportHook):
    """
    Bloomreach Engagement's calls that start imports.

    The connection's login is the ID of a *private access* API key, its password the key's secret. A key belongs to
    one project or one workspace, which the connection names. Bloomreach publishes no status of a run, gives it no id,
    and has no call that cancels one.
    """

    conn_type = "bloomreach"
    default_conn_name = "bloomreach_default"
    hook_name = "Bloomreach Engagement"
    default_host = "https://api.exponea.com"
    where_to_look = "the import's page in Bloomreach Engagement (Data & Assets > Imports)"
    hints = {
        ("*", 401): (
            "Bloomreach wants a private-access API key (ID as login, secret as password) at the host that Project "
            "settings > Access management > API shows."
        ),
        ("*", 403): (
            'The key needs the permission "Imports > Allow trigger imports", and must be of this very project or '
            "workspace."
        ),
        ("start_import", 404): (
            "Check import_id, project_token or workspace_id, and the host; an import made by the Imports Management "
            "API needs run_import (managed_by_api=True)."
        ),
        ("run_import", 404): (
            "Check import_id, project_token and the host; an import made in Bloomreach's UI needs start_import "
            "(managed_by_api=False)."
        ),
        ("list_imports", 404): "Check the project token and the host.",
    }

    def authorization(self, settings: Settings) -> Mapping[str, str]:
        """Basic: key ID and secret."""
        if not settings.login or not settings.password:
            missing = "API secret; enter it as password" if settings.login else "API key ID; enter it as login"
            raise ConnectionSettingsError(
                f"Connection {settings.conn_id!r} has no {missing}. Nothing was sent.", vendor=self.vendor
            )
        if ":" in settings.login:
            raise ConnectionSettingsError(
                f"Connection {settings.conn_id!r}: login holds a colon, which an API key ID never does; enter the ID "
                "alone, and the API secret as password. Nothing was sent.",
                vendor=self.vendor,
            )
        credentials = f"{settings.login}:{settings.password}".encode()
        return {"Authorization": f"Basic {b64encode(credentials).decode()}"}

    def refusal(self, call: Call, answer: Answer) -> VendorImportError | None:
        """
        Take ``"success": false`` for a refusal whatever the HTTP status says.

        The vendor's own words, so it is certain that nothing was started; the documents say no more about it.
        """
        if not 200 <= answer.status < 300 or not _says_no(answer):
            return None
        said = read_message(answer).rstrip(".")
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
        return super().hint(call, error)

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
        call = _call("start_import", self._start_path(import_id, project_token, workspace_id), path, test_connection)
        return self.run_flow(_started(call, import_id))

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
        call = _call("run_import", self._run_path(import_id, project_token), path, test_connection)
        return self.run_flow(_started(call, import_id))

    def test_flow(self) -> Flow[str]:
        """
        List the project's API-made imports: the only read that Bloomreach documents beside imports.

        It needs a permission that starting does not, so 403 proves no more than that the key exists. For a
        workspace's key there is no read at all.
        """
        if self._extra("workspace_id") and not self._extra("project_token"):
            raise ConnectionSettingsError(
                "Not tested: Bloomreach has no call that a workspace's key may make without starting an import. "
                "Nothing was sent; whether the key is good shows at the first start.",
                vendor=self.vendor,
            )
        try:
            answer = yield Call(
                "list_imports", "GET", self._list_path(), query=(("limit", "1"),), largest_answer=LARGEST_REPORT
            )
        except VendorAuthError as error:
            if error.status_code != 403 or (error.vendor_message or "").startswith(HTML_PAGE):
                raise
            return (
                "Bloomreach knows the API key, but does not let it list imports (HTTP 403). Starting them needs "
                'another permission, "Imports > Allow trigger imports", which cannot be tested without starting one. '
                "If a start is refused as well, the key lacks that too or is of another project."
            )
        if not isinstance(answer.json(), list):
            raise UnreadableAnswerError("the answer is not a list of imports")
        return (
            'Bloomreach accepted the API key for this project. The permission "Imports > Allow trigger imports" '
            "cannot be tested without starting an import."
        )

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

    def _list_path(self) -> str:
        return path("/imports/v1/{token}", token=self._token(None))

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


#: How each of the two calls names the path of this run.
_PATH_KEYS = {"start_import": "path", "run_import": "path_to_overwrite"}


def _call(operation: str, url_path: str, source: str | None, test_connection: bool | None) -> Call:
    """Describe a start. Without options there is no body and no content type, for which Bloomreach answers 400."""
    options: dict[str, Any] = {}
    if source is not None:
        options[_PATH_KEYS[operation]] = validation.required("path", source)
    if test_connection is not None:
        if not isinstance(test_connection, bool):
            raise InvalidInputError(
                f"test_connection must be True, False or None, not {test_connection!r}. Nothing was sent."
            )
        options["test_connection"] = test_connection
    return Call(operation, "POST", url_path, json=options or None, repeat=Repeat.IF_NOT_ACTED, starts=True)


def _started(call: Call, import_id: str) -> Flow[ImportRun]:
    run = ImportRun("bloomreach", {"import_id": import_id.strip()}, datetime.now(UTC))
    answer = yield call
    # What run_import answers is not documented: there, a JSON object without "success" is as good.
    if answer.object().get("success", call.operation == "run_import") is not True:
        raise UnreadableAnswerError('the answer does not say "success": true')
    return run


def _says_no(answer: Answer) -> bool:
    try:
        return answer.object().get("success") is False
    except UnreadableAnswerError:
        return False
