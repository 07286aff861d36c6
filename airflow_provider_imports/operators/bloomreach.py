"""Start imports in Bloomreach Engagement, and make definitions of imports there."""

from __future__ import annotations

from functools import cached_property
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_imports import validation
from airflow_provider_imports.exceptions import InvalidInputError
from airflow_provider_imports.operators.asking import AskingImportOperator
from airflow_provider_imports.signature import WholeSignature
from airflow_provider_imports.vendors.bloomreach import BLOOMREACH

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.providers.common.compat.sdk import Context, XComArg

    from airflow_provider_imports.arguments import AskingArgs, TaskArgs, Text
    from airflow_provider_imports.hooks.bloomreach import BloomreachHook
    from airflow_provider_imports.models import ImportRun


class BloomreachStartImportOperator(AskingImportOperator):
    """
    Start an import that is set up in Bloomreach Engagement.

    The task succeeds as soon as Bloomreach has accepted, with state ``accepted``: Bloomreach publishes no status of a
    run and gives it no id, so nothing is waited for, and rows with errors show only in Bloomreach.

    In a project, imports from a URL, a file storage (GCS, SFTP), a database or Bloomreach Engagement itself, into
    customers, events, vouchers and legacy catalogs, can be started. Not: item collections, Snowflake, Databricks,
    copied & pasted or uploaded data. In a workspace: URL, file storage (GCS, S3, SFTP) and data warehouse. Imports
    that the Imports Management API made need ``managed_by_api=True``, all others must not have it.

    A retry never starts a second time what Bloomreach accepted; where nobody can know (a time-out, a 5xx), see
    ``on_unknown_outcome``.

    .. seealso:: :ref:`howto/operator:BloomreachStartImportOperator`

    :param import_id: of the import; it stands in the address of the import's page (templated)
    :param path: URL or path in the file storage to load from, for this run only (templated)
    :param test_connection: False skips the vendor's test of the connection to the import's source, which takes time;
        True is the vendor's default. Sent only if given
    :param project_token: of the project, in place of the connection's (templated)
    :param workspace_id: of the workspace, in place of the connection's project token or workspace id (templated)
    :param managed_by_api: the import was made by the Imports Management API
    :param conn_id: the Airflow connection (templated)
    :param if_running: when Bloomreach refuses the start since the import runs: ``"fail"``, or ``"wait"``: start it
        again until Bloomreach takes it (templated)
    """

    entry = BLOOMREACH
    inputs: ClassVar[Sequence[str]] = ("import_id", "path", "project_token", "workspace_id", "managed_by_api")
    template_fields = (
        "conn_id",
        "import_id",
        "path",
        "project_token",
        "workspace_id",
        "on_unknown_outcome",
        "if_running",
    )

    def __init__(
        self,
        *,
        import_id: Text,
        path: Text | None = None,
        test_connection: bool | None = None,
        project_token: Text | None = None,
        workspace_id: Text | None = None,
        managed_by_api: bool = False,
        conn_id: str = "bloomreach_default",
        **kwargs: Unpack[AskingArgs],
    ) -> None:
        super().__init__(conn_id=conn_id, **kwargs)
        self.import_id: Any = import_id
        self.path: Any = path
        self.test_connection = validation.flag_or_none("test_connection", test_connection)
        self.project_token: Any = project_token
        self.workspace_id: Any = workspace_id
        self._given = validation.given(path=path, project_token=project_token, workspace_id=workspace_id)
        self.managed_by_api = validation.flag("managed_by_api", managed_by_api)

    def check(self) -> None:
        """Check the import's id and place as well."""
        super().check()
        self.import_id = validation.required("import_id", self.import_id)
        if self.managed_by_api and self.workspace_id:
            raise InvalidInputError(
                "The Imports Management API is one of projects: with managed_by_api=True give project_token, not "
                "workspace_id. Nothing was sent."
            )

    def start(self, hook: BloomreachHook) -> ImportRun:
        """Start the import."""
        if self.managed_by_api:
            return hook.run_import(self.import_id, self.path, self.test_connection, self.project_token)
        return hook.start_import(self.import_id, self.path, self.test_connection, self.project_token, self.workspace_id)


class BloomreachCreateImportDefinitionOperator(BaseOperator):
    """
    Make an import in Bloomreach Engagement by the Imports Management API, unless one of its name is there.

    With it a pipeline brings its own import along: the task returns the ``import_id``, which
    :class:`BloomreachStartImportOperator` runs with ``managed_by_api=True``. A definition can't be changed there: one
    of this name that says something else stays as it is, with a warning. One whose trigger is ``now`` runs as soon as
    it is made.

    The API key needs the permissions *Imports > Allow to List Imports* and *Allow to Create new Imports*. A retry looks
    by name first, so it makes nothing twice that Bloomreach shows.

    .. seealso:: :ref:`howto/operator:BloomreachCreateImportDefinitionOperator`

    :param definition: ``name``, ``trigger``, ``active``, ``source``, ``destination`` and ``mapping``, as Bloomreach's
        page *Create import* describes them; take credentials of the source from a connection by a template (templated)
    :param project_token: of the project, in place of the connection's (templated)
    :param conn_id: the Airflow connection (templated)
    """

    __signature__ = WholeSignature()
    template_fields: Sequence[str] = ("conn_id", "definition", "project_token")

    def __init__(
        self,
        *,
        definition: Mapping[str, Any] | XComArg,
        project_token: Text | None = None,
        conn_id: str = "bloomreach_default",
        **kwargs: Unpack[TaskArgs],
    ) -> None:
        super().__init__(**kwargs)
        self.definition: Any = definition
        self.project_token: Any = project_token
        self._given = validation.given(project_token=project_token)
        self.conn_id = conn_id

    @cached_property
    def hook(self) -> BloomreachHook:
        """Bloomreach's hook."""
        hook: BloomreachHook = resolve_name(BLOOMREACH.hook)(self.conn_id)
        return hook

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Find the definition or make it.

        :return: ``{"import_id", "name", "created"}``
        :raises InvalidInputError: if it has no name, or several of that name are there
        :raises UnknownOutcomeError: if Bloomreach may or may not have made it, and shows none of that name
        :raises VendorImportError: if Bloomreach did not make it
        """
        validation.required("conn_id", self.conn_id)
        validation.still_given(self, self._given)
        found, created = self.hook.create_import_definition_if_missing(self.definition, self.project_token)
        if created:
            self.log.info("Made import %s (%s)", found.import_id, found.name)
        elif differing := sorted(name for name, one in self.definition.items() if found.definition.get(name) != one):
            self.log.warning(
                "Import %s (%s) is there, with another %s; it can't be changed and stays as it is. Delete it first to "
                "have it made again",
                found.import_id,
                found.name,
                ", ".join(differing),
            )
        else:
            self.log.info("Import %s (%s) is there", found.import_id, found.name)
        return {"import_id": found.import_id, "name": found.name, "created": created}
