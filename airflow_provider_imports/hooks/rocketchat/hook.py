"""
Rocket.Chat: stage users, import them, and read what became of that. Needs Rocket.Chat 6.3 or newer.

Sources: https://developer.rocket.chat/apidocs/import-endpoints, ``settings.yaml`` of RocketChat/Rocket.Chat-Open-API,
and the server's own code where the documents say nothing.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_imports.exceptions import (
    ConnectionSettingsError,
    UnknownOutcomeError,
    VendorAuthError,
    VendorImportError,
    VendorRateLimitError,
    VendorRequestError,
    VendorUnavailableError,
)
from airflow_provider_imports.hooks.base import ImportHook
from airflow_provider_imports.hooks.rocketchat import calls
from airflow_provider_imports.hooks.rocketchat.calls import send_once
from airflow_provider_imports.hooks.rocketchat.operation import (
    DONE,
    IMPORTING,
    NEW,
    NONE,
    Operation,
    not_idle,
    read_listed,
    settles_in,
    since,
    staging_unclear,
    status_of,
    superseded,
)
from airflow_provider_imports.hooks.rocketchat.users import checked_users
from airflow_provider_imports.http.call import Answer, Flow, UnreadableAnswerError
from airflow_provider_imports.models import Found, ImportRun, ImportState, ImportStatus, Intent, Slot, parse_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airflow_provider_imports.http.settings import Settings

#: Seconds after which an empty operation no longer counts as one that somebody is about to stage users in.
FRESH_SECONDS = 60.0
#: Key of a run that is whichever operation is the current one.
CURRENT = {"operation": "current"}

_WAIT = re.compile(rb"wait (\d{1,7}) seconds?")


class RocketChatHook(ImportHook):
    """
    Rocket.Chat's bulk import of users.

    The connection's login is a user's ID (not the name) and its password an auth token or, better, a personal access
    token of that user, who needs the permission ``run-import``. A workspace has one current operation: ``import.new``
    aborts whatever is under way there, ``import.addUsers`` and ``import.run`` act on it whoever made it.
    """

    conn_type = "rocketchat"
    default_conn_name = "rocketchat_default"
    hook_name = "Rocket.Chat"
    default_host = ""
    where_to_look = "Administration > Workspace > Import in Rocket.Chat"
    #: 10 calls a minute of each route and from one IP address, unless the user may bypass it
    #: (``api-bypass-rate-limit``) or the workspace is set up otherwise.
    requests_per_minute = 10.0
    rate_limit_by_operation = True
    can_cancel = True
    hints = {
        ("*", 401): "The login must be the user's ID, not the name, and the password a token of that user.",
        ("*", 403): "The user needs the permission 'run-import'.",
        ("*", 404): "The import API needs Rocket.Chat 6.3 or newer; check the connection's host, too.",
        ("*", 413): "A batch is too large for this server or its proxy; use a smaller batch_size.",
    }

    # How the connection authenticates

    def authorization(self, settings: Settings) -> Mapping[str, str]:
        """The user's ID and a token."""
        if not settings.login or not settings.password:
            raise ConnectionSettingsError(
                f"Connection {settings.conn_id!r} needs the user's ID as login and a personal access token as "
                "password. Nothing was sent.",
                vendor=self.vendor,
            )
        return {"X-User-Id": settings.login, "X-Auth-Token": settings.password}

    def rate_limit_wait(self, answer: Answer, now: float) -> float | None:
        """Read the wait from the message, for answers without ``X-RateLimit-Reset``."""
        asked = _WAIT.search(answer.content)
        return min(float(asked[1]), 3600.0) if asked else None

    # What people call

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

        send_once(self, lambda: calls.new_operation(made), took_place)
        return self.run_of(made[-1].id, asked_at)

    def add_users(self, users: Iterable[object]) -> int:
        """
        Stage users in the current operation (``import.addUsers``): all of them, or none.

        Sent twice, they are staged twice; see :meth:`stage_users` for one that finds out.

        :param users: see :mod:`~airflow_provider_imports.hooks.rocketchat.users` for their fields
        :return: how many
        :raises InvalidInputError: naming the bad ones; nothing was sent
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
        except VendorRequestError as error:
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
            except (VendorUnavailableError, VendorRateLimitError) as error:
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

    # What waiting, starting once and canceling ask

    def status_flow(self, run: ImportRun) -> Flow[ImportStatus]:
        """
        Read a run's status, if it is the workspace's current operation; else see how it ended.

        :raises ImportSupersededError: if another operation took its place before it had ended
        """
        current = yield from calls.current_operation()
        if current is not None and current.id == run.key.get("operation_id", current.id):
            return status_of(current)
        if run.key == CURRENT:
            return ImportStatus(ImportState.ACCEPTED, NONE, message="there is no operation yet")
        if current is None:
            raise VendorRequestError("Rocket.Chat has no import operation.", vendor=self.vendor, status_code=404)
        past = yield from self._past(run)
        if past is None or not past.is_through:
            raise superseded(run, current)
        ended = status_of(replace(past, state=DONE, valid=True))
        told = [ended.message, "Another operation took its place after it had ended."]
        return replace(ended, message=" ".join(filter(None, told)), finished_at=None)

    def slot_flow(self, slot: Mapping[str, str]) -> Flow[Slot]:
        """
        Read who has the workspace: busy while an operation runs or holds staged users, or was made just now.

        :param slot: ``ours`` is the ``_id`` of an operation to which that does not apply; ``user`` and ``since`` (ISO
            8601) are whose, and how old, an empty one may be
        """
        current, answer = yield from calls.look()
        if current is None:
            return Slot(False, None, "no operation was ever made")
        busy = current.is_running or (current.is_idle and current.id != slot.get("ours"))
        if busy and current.state == NEW and not current.staged:
            left_behind = slot.get("since") and current.was_made_by(slot["user"], parse_time(slot["since"]))
            busy = not left_behind and since(current.made_at, answer) < FRESH_SECONDS
        return Slot(
            busy, ImportRun(self.vendor, {"operation_id": current.id}), str(current), settles_in(current, answer)
        )

    def adopt_flow(self, intent: Intent) -> Flow[Found]:
        """
        See whether the operation that was made for a start runs, or ran.

        Without one, nothing of ours can run: an empty operation that may have been made is in nobody's way for long.
        """
        if intent.run is None:
            return Found(None)
        current = yield from calls.current_operation()
        if current is None or current.id != intent.run.key["operation_id"]:
            past = yield from self._past(intent.run)
            return Found(intent.run if past is not None and past.is_through else None)
        if current.valid and (current.is_running or current.state == DONE):
            return Found(intent.run)
        return Found(None)

    def cancel_flow(self, run: ImportRun) -> Flow[str]:
        """Clear the operation if it is ours and has not ended; what was imported until then stays."""
        operation_id = run.key.get("operation_id", "")
        current = yield from calls.current_operation()
        if current is None or current.id != operation_id:
            return f"Operation {operation_id} is not the workspace's current one any more, so nothing was cleared."
        if not (current.is_running or current.is_idle):
            return f"Operation {operation_id} had ended already ({current.state})."
        try:
            yield from calls.confirmed(calls.CLEAR)
        except (VendorUnavailableError, UnreadableAnswerError):
            current = yield from calls.current_operation()
            if current is not None and current.id == operation_id and current.valid:
                raise
        return f"Operation {operation_id} was cleared; users that were imported until then stay."

    def test_flow(self) -> Flow[str]:
        """Read the user's own account, then the import status: a missing permission shows there."""
        answer = yield calls.ME
        name = answer.object().get("username")
        if not isinstance(name, str):
            raise UnreadableAnswerError("the answer has no username")
        current = yield from calls.current_operation()
        state = "no operation yet" if current is None else f"current operation: {current.state or current.step}"
        return f"Rocket.Chat knows the user {name}, who may import ({state})."

    # Whose operation it is

    def _ours(self, run: ImportRun) -> Operation:
        current = self._current()
        if current is None or current.id != run.key["operation_id"]:
            raise superseded(run, current)
        return current

    def _current(self) -> Operation | None:
        return self.run_flow(calls.current_operation())

    def _past(self, run: ImportRun) -> Flow[Operation | None]:
        """Look for an operation that is not the current one any more, if the user may see those."""
        try:
            answer = yield calls.LATEST
        except (VendorAuthError, VendorRequestError) as error:
            self.log.debug("The latest operations can't be read: %s", error)
            return None
        return read_listed(answer.json(), run.key["operation_id"])

    def _is_ours(self, operation: Operation, since: datetime, before: str | None) -> bool:
        return operation.id != before and operation.was_made_by(self.client.settings.login, since)
