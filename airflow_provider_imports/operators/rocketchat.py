"""Import users into Rocket.Chat."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from airflow_provider_imports import validation
from airflow_provider_imports.counts import counted, were
from airflow_provider_imports.exceptions import (
    ImportSupersededError,
    ImportTimeoutError,
    InvalidInputError,
    UnknownOutcomeError,
    VendorImportError,
)
from airflow_provider_imports.models import ImportRun, ImportState, ImportStatus, Sent
from airflow_provider_imports.operators.payload import exactly_one
from airflow_provider_imports.operators.records import materialized
from airflow_provider_imports.operators.rocketchat_user_records import UserRecords, check_every_user, in_batches
from airflow_provider_imports.operators.rocketchat_workspace import (
    RocketChatDownloadOperator,
    RocketChatOperator,
)
from airflow_provider_imports.operators.sql_source import Query, query_given
from airflow_provider_imports.signature import refuse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow.providers.common.compat.sdk import XComArg

    from airflow_provider_imports.arguments import IfRunning, Rows, Text
    from airflow_provider_imports.hooks.rocketchat import RocketChatHook
    from airflow_provider_imports.http.files import FilePath
    from airflow_provider_imports.operators.rocketchat_workspace import RocketChatArgs, RocketChatCreateArgs

#: Users in one call at most; the whole call is held in memory, here and at the server.
LARGEST_BATCH = 10_000
MOST_OPERATIONS = 3  #: how often one try begins again with a new one
#: Seconds after which a look makes sure, between two batches, that the operation is still ours.
LOOK_SECONDS = 10.0
PROGRESS_LINES = 10  #: lines in the log while users are staged


class RocketChatCreateImportOperator(RocketChatOperator):
    """
    Make a new, empty import operation in Rocket.Chat (``import.new``), for other tasks to fill and to run.

    Whatever is under way in the workspace would be aborted by that, so ``if_running`` decides first. A retry takes
    the operation that an earlier try made, as long as it is still the workspace's current one.

    .. seealso:: :ref:`howto/operator:RocketChatCreateImportOperator`

    :param conn_id: the Airflow connection (templated)
    :param if_running: ``"fail"``, ``"wait"`` or ``"replace"`` an operation that is under way (templated)
    """

    without_effect = ("wait_for_completion", "max_rejected", "min_rows", "cancel_on_timeout")

    def __init__(
        self,
        *,
        conn_id: str = "rocketchat_default",
        if_running: IfRunning = "fail",
        **kwargs: Unpack[RocketChatCreateArgs],
    ) -> None:
        refuse(type(self).__name__, self.without_effect, kwargs)
        super().__init__(conn_id=conn_id, if_running=if_running, wait_for_completion=False, **kwargs)

    def start(self, hook: RocketChatHook) -> ImportRun:
        """Make the operation."""
        return hook.new_import(self._operation_before)

    def _attach_to_run(self, run: ImportRun, status: ImportStatus | None) -> tuple[ImportRun, ImportStatus] | None:
        try:
            seen = self.hook.get_status(run)
        except ImportSupersededError as error:
            self.log.warning("%s A new one is made", error)
            return None
        if seen.state in (ImportState.FAILED, ImportState.CANCELED):
            self.log.warning("It is not usable any more (%s); a new one is made", seen.message or seen.vendor_status)
            return None
        return run, seen

    def _status_after_start(self, run: ImportRun) -> ImportStatus:
        return ImportStatus(ImportState.ACCEPTED, "importer_new")


class RocketChatDownloadPendingAvatarsOperator(RocketChatDownloadOperator):
    """
    Fetch the avatars of imported users in Rocket.Chat (``downloadPendingAvatars``), and wait until that is done.

    A user's ``avatarUrl`` only queues the avatar: it appears after this. Rocket.Chat makes an operation of its own for
    it, which ends whatever is under way in the workspace, so ``if_running`` decides first. What is fetched is not
    pending any more, so a second run fetches the rest, or nothing.

    .. seealso:: :ref:`howto/operator:RocketChatDownloadPendingAvatarsOperator`

    :param conn_id: the Airflow connection (templated)
    :param if_running: ``"fail"``, ``"wait"`` or ``"replace"`` an operation that is under way (templated)
    """

    importer = "pending-avatars"


class RocketChatDownloadPendingFilesOperator(RocketChatDownloadOperator):
    """
    Fetch the files of imported messages in Rocket.Chat (``downloadPendingFiles``), and wait until that is done.

    .. seealso:: :ref:`howto/operator:RocketChatDownloadPendingFilesOperator`

    :param conn_id: the Airflow connection (templated)
    :param if_running: ``"fail"``, ``"wait"`` or ``"replace"`` an operation that is under way (templated)
    """

    importer = "pending-files"
    lineage_dataset = "files"


class RocketChatImportUsersOperator(RocketChatOperator):
    """
    Import users into Rocket.Chat: check all, stage them in batches, run the import, and wait for its end.

    Every record is checked before the first is sent; the error lists the first bad ones by position. The file is
    read twice and streamed both times, never held whole. Rocket.Chat ends as done even if no user was created, and
    counts users that exist already as errors: set ``max_rejected`` to what you accept.

    A retry goes on with an import that was started. One that was staged only is staged again from the start, in a
    new operation; nobody is staged twice. A killed task clears its operation, if it is still the current one; users
    that were imported until then stay.

    .. seealso:: :ref:`howto/operator:RocketChatImportUsersOperator`

    :param users: a list (or another sequence) of dicts, or a DataFrame; ``emails`` and ``importIds`` (lists of texts)
        are required, the other fields are ``username``, ``name``, ``bio``, ``statusText``, ``avatarUrl``,
        ``password``, ``utcOffset`` (hours), ``deleted``, ``roles`` and ``type`` (templated)
    :param file_path: a local path, an object-storage URI such as ``s3://conn@bucket/users.csv``, or an
        ``ObjectStoragePath``: ``.csv`` with the fields in the first line and ``|`` or ``;`` within lists, ``.json``
        with an array of objects, ``.jsonl`` or ``.ndjson``; gzip is unpacked; give this or ``users`` (templated)
    :param sql: a query whose rows are sent, or a ``.sql`` file with it: one statement; give this, ``file_path`` or
        ``users``; its columns are named like the fields in any case (templated)
    :param sql_conn_id: the Airflow connection of its database, of any type whose hook is a ``DbApiHook`` (templated)
    :param parameters: for the query's placeholders, as the database's driver wants them (templated)
    :param batch_size: users in one call
    :param conn_id: the Airflow connection (templated)
    :param if_running: ``"fail"``, ``"wait"`` or ``"replace"`` an operation that is under way (templated)
    """

    inputs: ClassVar[Sequence[str]] = ("users", "file_path")
    later_inputs: ClassVar[Sequence[str]] = ("query",)
    template_fields = (
        "conn_id",
        "users",
        "file_path",
        "sql",
        "sql_conn_id",
        "parameters",
        "on_unknown_outcome",
        "if_running",
    )
    template_ext = (".sql",)
    template_fields_renderers = {"sql": "sql", "parameters": "json"}

    def __init__(
        self,
        *,
        users: Rows | None = None,
        file_path: FilePath | Text | None = None,
        sql: Text | None = None,
        sql_conn_id: str | None = None,
        parameters: Sequence[Any] | Mapping[str, Any] | XComArg | None = None,
        batch_size: int = 500,
        **kwargs: Unpack[RocketChatArgs],
    ) -> None:
        super().__init__(**kwargs)
        self.users: Any = users  # whatever another task or a template gives; check() takes the records out
        self.file_path: Any = file_path
        self.sql: Any = sql
        self.sql_conn_id = sql_conn_id
        self.parameters: Any = parameters
        self.batch_size = validation.whole_number("batch_size", batch_size, LARGEST_BATCH)
        self._query: Query | None = None
        self._records: UserRecords | None = None
        self._total = 0

    def check(self) -> None:
        """Check that there is one thing to send as well."""
        super().check()
        exactly_one(users=self.users, file_path=self.file_path, sql=self.sql)
        self.users = materialized("users", self.users, self.min_rows)
        self._query = query_given(self.sql, self.sql_conn_id, self.parameters, self.min_rows)

    @property
    def query(self) -> object:
        """What the rows of ``sql`` are of; None without it."""
        return None if self._query is None else self._query.identity

    def prepare(self) -> None:
        """Run the query, which a try does only once, and check every user."""
        if self._records is not None and self._query is not None:
            return
        self._records = UserRecords(self.users, self.file_path, self._query)
        self._total = check_every_user(self._records)
        self.log.info("Checked %s", counted(self._total, "user"))

    @property
    def in_steps(self) -> bool:
        """Nothing is imported before ``import.run``."""
        return True

    def content_version(self) -> object:
        """Size and time of change of the file, or a hash of the query's rows."""
        return None if self._records is None else self._records.version

    def sent(self) -> Sent | None:
        """The users that were checked; None in a try that did not start the import itself."""
        return Sent(rows=self._total) if self._total else None

    def start(self, hook: RocketChatHook) -> ImportRun:
        """
        Stage all users and run the import, beginning again with a new operation where staging became unclear.

        :raises VendorImportError: if nothing was started; what was staged is cleared then
        """
        from airflow_provider_imports.hooks.rocketchat.operation import StagingUnclearError

        for attempt in range(1, MOST_OPERATIONS + 1):
            run = hook.new_import(self._operation_before)
            self._run = run  # from here on a killed task clears it
            self._store.staged(run)
            self._release_lock()  # staging may take minutes, and an operation that was just made counts as busy
            try:
                self._stage(hook, run)
                self._store.sending()
                hook.run_import(run)
            except UnknownOutcomeError:
                raise  # of import.run: it may be running
            except StagingUnclearError as error:
                self.log.warning("%s A new operation is begun.", error)
                if attempt == MOST_OPERATIONS:
                    self._clear(hook, run)
                    raise
            except Exception:
                self._clear(hook, run)  # whatever went wrong: staged users would be in the way of others
                raise
            else:
                return run
        raise RuntimeError("users were neither staged nor refused")

    def _stage(self, hook: RocketChatHook, run: ImportRun) -> None:
        """Stage every user once, and make sure of it before anything is run."""
        from airflow_provider_imports.hooks.rocketchat.operation import StagingUnclearError

        staged, told, looked_at = 0, 0, time.monotonic()
        for batch in in_batches(self._records or (), self.batch_size):
            self._keep_the_deadline()
            staged = hook.stage_users(run, batch, before=staged)
            if (staged - told) * PROGRESS_LINES >= self._total:
                told = staged
                self.log.info("Staged %s of %s users", f"{staged:,}", f"{self._total:,}")
            if time.monotonic() - looked_at >= LOOK_SECONDS:
                looked_at = time.monotonic()
                hook.staged_users(run)
        held = hook.staged_users(run)
        if held != staged:
            raise StagingUnclearError(
                f"{were(staged, 'user')} sent, but Rocket.Chat operation {run.key['operation_id']} holds "
                f"{'an unknown number' if held is None else f'{held:,}'}. Nothing was started.",
                vendor=hook.vendor,
            )
        if staged != self._total:
            raise InvalidInputError(
                f"The file changed while it was read: {were(self._total, 'user')} checked, {staged:,} staged. Nothing "
                "was imported.",
                vendor=hook.vendor,
            )

    def _keep_the_deadline(self) -> None:
        if time.time() >= self._deadline:
            raise ImportTimeoutError(
                "The users were not staged before the deadline (timeout). Nothing was imported; a retry starts again.",
                vendor=self.hook.vendor,
            )

    def _clear(self, hook: RocketChatHook, run: ImportRun) -> None:
        """Leave no staged users behind; a retry knows what is left."""
        try:
            self.log.info("%s", hook.cancel(run, patience=10.0))
        except VendorImportError as error:
            self.log.warning("What was staged could not be cleared: %s", error)
        self._run = None
