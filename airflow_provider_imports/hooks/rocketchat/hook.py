"""
Rocket.Chat: stage users, import them, and read what became of that. Needs Rocket.Chat 6.3 or newer.

Sources: https://developer.rocket.chat/apidocs/import-api, ``settings.yaml`` of RocketChat/Rocket.Chat-Open-API,
and the server's own code where the documents say nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_imports.exceptions import (
    ImportBusyError,
    ImportSupersededError,
    UnknownOutcomeError,
    VendorImportError,
    VendorRequestError,
)
from airflow_provider_imports.hooks.base import ImportHook
from airflow_provider_imports.hooks.rocketchat import calls
from airflow_provider_imports.hooks.rocketchat.calls import send_once
from airflow_provider_imports.hooks.rocketchat.description import CURRENT, RocketChatDescription
from airflow_provider_imports.hooks.rocketchat.operation import (
    DONE,
    IMPORTING,
    NEW,
    Operation,
    not_idle,
    staging_unclear,
    superseded,
)
from airflow_provider_imports.hooks.rocketchat.users import checked_users
from airflow_provider_imports.models import ImportRun, ImportStatus

if TYPE_CHECKING:
    from collections.abc import Iterable


class RocketChatHook(RocketChatDescription, ImportHook):
    """
    Rocket.Chat's bulk import of users.

    The connection's login is a user's ID (not the name) and its password an auth token or, better, a personal access
    token of that user, who needs the permission ``run-import``. A workspace has one current operation: ``import.new``
    aborts whatever is under way there, ``import.addUsers`` and ``import.run`` act on it whoever made it.
    """

    def new_import(self, before: str | None = None) -> ImportRun:
        """
        Make a new operation (``import.new``). Whatever is under way in the workspace is aborted, unasked.

        :param before: ``_id`` of the operation that was there before, to tell the new one from if the answer is lost
        :raises VendorImportError: if there is no new operation
        """
        asked_at = datetime.now(UTC)
        made: list[Operation] = []

        def took_place() -> bool:
            seen = self._current()
            if seen is not None and seen.state == NEW and self._is_ours(seen, asked_at, before):
                made.append(seen)
            return bool(made)

        send_once(self, lambda: calls.new_operation(made, before), took_place)
        return self.run_of(made[-1].id, asked_at)

    def add_users(self, users: Iterable[object]) -> int:
        """
        Stage users in the current operation (``import.addUsers``): all of them, or none.

        Sent twice, they are staged twice; see :meth:`stage_users` for one that finds out.

        :param users: see :mod:`~airflow_provider_imports.hooks.rocketchat.users` for their fields
        :return: how many
        :raises InvalidInputError: naming the bad ones; nothing was sent
        :raises ImportBusyError: if an operation runs, so that it takes none
        :raises UnknownOutcomeError: if they may or may not have been staged
        """
        checked = checked_users(users)
        self.run_flow(calls.confirmed(calls.add_users(checked)))
        return len(checked)

    def stage_users(self, run: ImportRun, users: Iterable[object], before: int) -> int:
        """
        Stage users in our operation, once: where the answer is lost, ``count.users`` tells whether they arrived.

        :param before: how many it holds already
        :return: how many it holds now
        :raises StagingUnclearError: if the count fits neither; start over with a new operation
        :raises ImportSupersededError: if the workspace has another operation by now
        """
        checked = checked_users(users, before + 1)
        after = before + len(checked)

        def took_place() -> bool:
            staged = self.staged_users(run)
            if staged not in (before, after):
                raise staging_unclear(run, staged, before, after)
            return staged == after

        try:
            send_once(self, lambda: calls.confirmed(calls.add_users(checked)), took_place)
        except (VendorRequestError, ImportBusyError) as error:
            try:
                self.staged_users(run)  # refused because it is not ours any more?
            except VendorImportError as reason:
                raise reason from error
            raise
        return after

    def staged_users(self, run: ImportRun) -> int | None:
        """
        Read how many users our operation holds; None if Rocket.Chat does not say.

        :raises ImportSupersededError: if the workspace has another operation by now
        :raises VendorUnavailableError: if it is ours but takes no users any more; nothing of it will be imported
        """
        operation = self._ours(run)
        if not operation.is_idle:
            raise not_idle(operation)
        return operation.staged

    def run_import(self, run: ImportRun | None = None) -> None:
        """
        Import what is staged (``import.run``); returns when Rocket.Chat has taken that on, not when it is done.

        :param run: our operation; if the answer is lost, its state tells whether it runs
        :raises ImportSupersededError: if the workspace has another operation by now
        :raises UnknownOutcomeError: if nobody can tell whether it runs
        """
        if run is None:
            self.run_flow(calls.confirmed(calls.RUN))
            return

        def took_place() -> bool:
            try:
                operation = self._ours(run)
            except ImportSupersededError:
                raise
            except VendorImportError as error:
                raise UnknownOutcomeError(f"It is unknown whether it runs: {error}", vendor=self.vendor) from error
            if operation.valid and operation.state in (IMPORTING, DONE):
                return True
            if not operation.is_idle:
                raise not_idle(operation)
            return False

        try:
            send_once(self, lambda: calls.confirmed(calls.RUN), took_place)
        except VendorRequestError:
            if not took_place():
                raise
            self.log.info("Rocket.Chat operation %s runs already", run.key["operation_id"])

    def download_pending_avatars(self, before: str | None = None) -> ImportRun:
        """
        Fetch the avatars that imported users were given as ``avatarUrl``, which only queues them.

        Rocket.Chat makes an operation of its own for that: whatever is under way in the workspace is aborted, unasked.

        :param before: ``_id`` of the operation that is there before; None asks for it
        :return: that operation, to be waited for like any other
        :raises ImportSupersededError: if the workspace has another operation already
        :raises VendorImportError: if Rocket.Chat did not begin
        """
        return self.download_pending("pending-avatars", before)

    def download_pending_files(self, before: str | None = None) -> ImportRun:
        """Fetch the files of imported messages, like :meth:`download_pending_avatars`."""
        return self.download_pending("pending-files", before)

    def download_pending(self, importer: str, before: str | None = None) -> ImportRun:
        """
        Fetch what is pending, like :meth:`download_pending_avatars`.

        :param importer: one of :data:`~airflow_provider_imports.hooks.rocketchat.calls.PENDING`
        :raises UnknownOutcomeError: if Rocket.Chat does not show whether it began; it is not sent again, for each
            sending makes an operation
        """
        call = calls.PENDING[importer]
        if before is None:
            current = self._current()
            before = None if current is None else current.id
        asked_at = datetime.now(UTC)
        made: list[Operation] = []

        def took_place() -> bool:
            try:
                seen = self._current()
            except VendorImportError as error:
                told = f"It is unknown which operation {call.operation} made, if any: {error}"
                raise UnknownOutcomeError(told, vendor=self.vendor, operation=call.operation) from error
            if seen is not None and seen.importer == importer and self._is_ours(seen, asked_at, before):
                made.append(seen)
            return bool(made)

        send_once(self, lambda: calls.confirmed(call), took_place, again=False)
        if not made and not took_place():  # its answer names no operation
            raise ImportSupersededError(
                f"Rocket.Chat began to fetch ({call.operation}), but the workspace has another operation already: "
                f"{self._current() or 'none at all'}. What it fetched until then stays.",
                vendor=self.vendor,
                operation=call.operation,
            )
        return self.run_of(made[-1].id, asked_at)

    def get_import_status(self) -> ImportStatus:
        """
        Read the status of the workspace's current operation (``import.status``), whoever made it.

        Its ``vendor_status`` is ``none`` if there never was one.
        """
        return self.run_flow(self.status_flow(ImportRun(self.vendor, CURRENT)))

    def clear_import(self) -> None:
        """Abort the current operation (``import.clear``), whoever made it; see :meth:`cancel` for one's own."""
        self.run_flow(calls.confirmed(calls.CLEAR))

    def get_current_operation(self) -> dict[str, Any] | None:
        """Read the newest operation (``getCurrentImportOperation``) as Rocket.Chat has it, valid or not."""
        operation = self.run_flow(calls.answered(calls.CURRENT_OPERATION)).get("operation")
        return operation if isinstance(operation, dict) else None

    def run_of(self, operation_id: str, started_at: datetime | None = None) -> ImportRun:
        """The run that is this operation, with the address of the workspace's import page."""
        url = f"{self.client.settings.base_url}/admin/import"
        return ImportRun(self.vendor, {"operation_id": operation_id}, started_at, url)

    # Whose operation it is

    def _ours(self, run: ImportRun) -> Operation:
        current = self._current()
        if current is None or current.id != run.key["operation_id"]:
            raise superseded(run, current)
        return current

    def _current(self) -> Operation | None:
        return self.run_flow(calls.current_operation())

    def _is_ours(self, operation: Operation, since: datetime, before: str | None) -> bool:
        return operation.id != before and operation.was_made_by(self.client.settings.login, since)
