"""
Rocket.Chat: stage users, import them, and read what became of that. Needs Rocket.Chat 6.3 or newer.

Sources: https://developer.rocket.chat/apidocs/import-endpoints, ``settings.yaml`` of RocketChat/Rocket.Chat-Open-API,
and the server's own code where the documents say nothing.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_imports.exceptions import (
    ConnectionSettingsError,
    ImportSupersededError,
    UnknownOutcomeError,
    VendorAuthError,
    VendorImportError,
    VendorRateLimitError,
    VendorRequestError,
    VendorUnavailableError,
)
from airflow_provider_imports.hooks.base import ImportHook
from airflow_provider_imports.hooks.rocketchat_operation import (
    DONE,
    IMPORTING,
    NEW,
    NONE,
    Operation,
    read_current,
    read_operation,
    status_of,
)
from airflow_provider_imports.hooks.rocketchat_users import checked_users
from airflow_provider_imports.http.call import Answer, Call, Repeat, UnreadableAnswerError
from airflow_provider_imports.models import Found, ImportRun, ImportState, ImportStatus, Intent, Slot, parse_time
from airflow_provider_imports.polling import PollPolicy, next_wait

if TYPE_CHECKING:
    from airflow_provider_imports.hooks.flow import Flow
    from airflow_provider_imports.http.settings import Settings

#: Seconds after which an empty operation no longer counts as one that somebody is about to stage users in.
FRESH_SECONDS = 60.0
#: Seconds by which Rocket.Chat's clock and ours may differ, when an operation is told from an older one.
CLOCK_TOLERANCE = timedelta(minutes=5)
#: After an unclear call, the status is read this often, with this many seconds in between, before it is sent again.
MOST_LOOKS = 2
LOOK_AGAIN_SECONDS = 3.0
#: How often a call is sent whose earlier sendings, as the status shows, did nothing.
MOST_SENDINGS = 4
#: Seconds between two looks, unless the user says otherwise.
POLL_INTERVAL = 10.0
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
    paced_by_operation = True
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

        self._send_once(lambda: _made(made), took_place)
        return self.run_of(made[-1].id, asked_at)

    def add_users(self, users: Iterable[object]) -> int:
        """
        Stage users in the current operation (``import.addUsers``): all of them, or none.

        Sent twice, they are staged twice; see :meth:`stage_users` for one that finds out.

        :param users: see :mod:`~airflow_provider_imports.hooks.rocketchat_users` for their fields
        :return: how many
        :raises InvalidInputError: naming the bad ones; nothing was sent
        :raises UnknownOutcomeError: if they may or may not have been staged
        """
        checked = checked_users(users)
        self.run_flow(_confirmed(_add_users_call(checked)))
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
                raise StagingUnclearError(_unclear(run, staged, before, after), vendor=self.vendor)
            return staged == after

        try:
            self._send_once(lambda: _confirmed(_add_users_call(checked)), took_place)
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
        self._still_idle(operation)
        return operation.staged

    def run_import(self, run: ImportRun | None = None) -> None:
        """
        Import what is staged (``import.run``); returns when Rocket.Chat has taken that on, not when it is done.

        :param run: our operation; if the answer is lost, its state tells whether it runs
        :raises ImportSupersededError: if the workspace has another operation by now
        :raises UnknownOutcomeError: if nobody can tell whether it runs
        """
        if run is None:
            self.run_flow(_confirmed(_RUN))
            return

        def took_place() -> bool:
            try:
                operation = self._ours(run)
            except (VendorUnavailableError, VendorRateLimitError) as error:
                raise UnknownOutcomeError(f"It is unknown whether it runs: {error}", vendor=self.vendor) from error
            if operation.valid and operation.state in (IMPORTING, DONE):
                return True
            self._still_idle(operation)
            return False

        try:
            self._send_once(lambda: _confirmed(_RUN), took_place)
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
        self.run_flow(_confirmed(_CLEAR))

    def get_current_operation(self) -> dict[str, Any] | None:
        """Read the newest operation (``getCurrentImportOperation``) as Rocket.Chat has it, valid or not."""
        operation = self.run_flow(_answered(_CURRENT_OPERATION)).get("operation")
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
        current = yield from _read_current()
        if current is not None and current.id == run.key.get("operation_id", current.id):
            return status_of(current)
        if run.key == CURRENT:
            return ImportStatus(ImportState.ACCEPTED, NONE, message="there is no operation yet")
        if current is None:
            raise VendorRequestError("Rocket.Chat has no import operation.", vendor=self.vendor, status_code=404)
        past = yield from self._past(run)
        if past is None or not past.is_through:
            raise self._superseded(run, current)
        ended = status_of(replace(past, state=DONE, valid=True))
        told = [ended.message, "Another operation took its place after it had ended."]
        return replace(ended, message=" ".join(filter(None, told)), finished_at=None)

    def slot_flow(self, slot: Mapping[str, str]) -> Flow[Slot]:
        """
        Read who has the workspace: busy while an operation runs or holds staged users, or was made just now.

        :param slot: ``ours`` is the ``_id`` of an operation to which that does not apply; ``user`` and ``since`` (ISO
            8601) are whose, and how old, an empty one may be
        """
        current, answer = yield from _look()
        if current is None:
            return Slot(False, None, "no operation was ever made")
        busy = current.is_running or (current.is_idle and current.id != slot.get("ours"))
        if busy and current.state == NEW and not current.staged:
            left_behind = slot.get("since") and self._was_made_by(current, slot["user"], parse_time(slot["since"]))
            busy = not left_behind and _since(current.made_at, answer) < FRESH_SECONDS
        return Slot(
            busy, ImportRun(self.vendor, {"operation_id": current.id}), str(current), _settles_in(current, answer)
        )

    def adopt_flow(self, intent: Intent) -> Flow[Found]:
        """
        See whether the operation that was made for a start runs, or ran.

        Without one, nothing of ours can run: an empty operation that may have been made is in nobody's way for long.
        """
        if intent.run is None:
            return Found(None)
        current = yield from _read_current()
        if current is None or current.id != intent.run.key["operation_id"]:
            past = yield from self._past(intent.run)
            return Found(intent.run if past is not None and past.is_through else None)
        if current.valid and (current.is_running or current.state == DONE):
            return Found(intent.run)
        return Found(None)

    def cancel_flow(self, run: ImportRun) -> Flow[str]:
        """Clear the operation if it is ours and has not ended; what was imported until then stays."""
        operation_id = run.key.get("operation_id", "")
        current = yield from _read_current()
        if current is None or current.id != operation_id:
            return f"Operation {operation_id} is not the workspace's current one any more, so nothing was cleared."
        if not (current.is_running or current.is_idle):
            return f"Operation {operation_id} had ended already ({current.state})."
        try:
            yield from _confirmed(_CLEAR)
        except (VendorUnavailableError, UnreadableAnswerError):
            current = yield from _read_current()
            if current is not None and current.id == operation_id and current.valid:
                raise
        return f"Operation {operation_id} was cleared; users that were imported until then stay."

    def test_flow(self) -> Flow[str]:
        """Read the user's own account, then the import status: a missing permission shows there."""
        answer = yield _ME
        name = answer.object().get("username")
        if not isinstance(name, str):
            raise UnreadableAnswerError("the answer has no username")
        current = yield from _read_current()
        state = "no operation yet" if current is None else f"current operation: {current.state or current.step}"
        return f"Rocket.Chat knows the user {name}, who may import ({state})."

    # Sending what must not act twice

    def _send_once(self, send: Callable[[], Flow[None]], took_place: Callable[[], bool]) -> None:
        """Send a call, and send it again only where the status shows that it did nothing."""
        for _ in range(MOST_SENDINGS):
            try:
                self.run_flow(send())
                return
            except UnknownOutcomeError as error:
                unclear = error
                self.log.warning("%s Rocket.Chat is asked whether it did.", error)
            for look in range(MOST_LOOKS):
                if look:
                    time.sleep(LOOK_AGAIN_SECONDS)  # it may still be at it
                if took_place():
                    self.log.info("It did")
                    return
            self.log.info("It did not, so it is sent again")
        raise VendorUnavailableError(
            f"{unclear} Rocket.Chat shows that it did not, {MOST_SENDINGS} times on end; a retry is safe.",
            vendor=self.vendor,
        ) from unclear

    def _ours(self, run: ImportRun) -> Operation:
        current = self._current()
        if current is None or current.id != run.key["operation_id"]:
            raise self._superseded(run, current)
        return current

    def _still_idle(self, operation: Operation) -> None:
        if not operation.is_idle:
            raise VendorUnavailableError(
                f"Rocket.Chat {operation} takes no users any more: somebody cleared or started it, or the server was "
                "restarted. A retry starts with a new one.",
                vendor=self.vendor,
            )

    def _current(self) -> Operation | None:
        return self.run_flow(_read_current())

    def _past(self, run: ImportRun) -> Flow[Operation | None]:
        """Look for an operation that is not the current one any more, if the user may see those."""
        try:
            answer = yield _LATEST
        except (VendorAuthError, VendorRequestError) as error:
            self.log.debug("The latest operations can't be read: %s", error)
            return None
        listed = answer.json()
        if not isinstance(listed, list):
            raise UnreadableAnswerError("the answer is no list of operations")
        operation_id = run.key["operation_id"]
        ours = [one for one in listed if isinstance(one, Mapping) and one.get("_id") == operation_id]
        return read_operation(ours[0]) if ours else None

    def _superseded(self, run: ImportRun, current: Operation | None) -> ImportSupersededError:
        return ImportSupersededError(
            f"Operation {run.key['operation_id']} was replaced at Rocket.Chat by {current or 'none at all'}. What it "
            "had imported until then stays; the other one is left alone. The user's permission "
            "'view-import-operations' would tell how far it came.",
            vendor=self.vendor,
        )

    def _is_ours(self, operation: Operation, since: datetime, before: str | None) -> bool:
        return operation.id != before and self._was_made_by(operation, self.client.settings.login, since)

    @staticmethod
    def _was_made_by(operation: Operation, user: str, since: datetime | None) -> bool:
        if operation.user != user or operation.made_at is None or since is None:
            return False
        return operation.made_at > since - CLOCK_TOLERANCE


class StagingUnclearError(VendorUnavailableError):
    """Nobody can tell which users are staged; nothing was started, and a new operation starts with none."""


def _post(operation: str, url_path: str, **more: Any) -> Call:
    return Call(operation, "POST", f"/api/v1/{url_path}", repeat=Repeat.IF_NOT_ACTED, **more)


_ME = Call("me", "GET", "/api/v1/me")
_STATUS = Call("get_import_status", "GET", "/api/v1/import.status", shared=True)
_CURRENT_OPERATION = Call("get_current_operation", "GET", "/api/v1/getCurrentImportOperation")
_LATEST = Call("get_latest_operations", "GET", "/api/v1/getLatestImportOperations", shared=True)
_NEW = _post("new_import", "import.new", starts=True)
_RUN = _post("run_import", "import.run", starts=True)
_CLEAR = _post("clear_import", "import.clear")


def _add_users_call(users: list[dict[str, Any]]) -> Call:
    return _post("add_users", "import.addUsers", json={"users": users}, starts=True)


def _answered(call: Call) -> Flow[dict[str, Any]]:
    answer = yield call
    body = answer.object()
    if body.get("success") is not True:
        raise UnreadableAnswerError("the answer does not say success")
    return body


def _confirmed(call: Call) -> Flow[None]:
    yield from _answered(call)


def _made(made: list[Operation]) -> Flow[None]:
    body = yield from _answered(_NEW)
    made.append(read_operation(body.get("operation")))


def _look() -> Flow[tuple[Operation | None, Answer]]:
    """Read the current operation; once more if the answer is garbled, for users may be half staged by now."""
    answer = yield _STATUS
    try:
        return read_current(answer.object()), answer
    except UnreadableAnswerError:
        answer = yield _STATUS
    return read_current(answer.object()), answer


def _read_current() -> Flow[Operation | None]:
    current, _ = yield from _look()
    return current


def _since(moment: datetime | None, answer: Answer) -> float:
    """Seconds since then, by Rocket.Chat's own clock where the answer shows it; 0 if the moment is not known."""
    try:
        now = parsedate_to_datetime(answer.headers.get("date", ""))
    except (ValueError, TypeError):
        now = datetime.now(UTC)
    return 0.0 if moment is None else abs((now if now.tzinfo else now.replace(tzinfo=UTC)) - moment).total_seconds()


def _settles_in(operation: Operation, answer: Answer) -> float:
    """Seconds for which a waiter with the default intervals may still not have seen that this operation is done."""
    if not operation.is_through or operation.made_at is None or operation.changed_at is None:
        return 0.0
    took = (operation.changed_at - operation.made_at).total_seconds()
    return max(0.0, next_wait(PollPolicy(POLL_INTERVAL), took, 1.0) - _since(operation.changed_at, answer))


def _unclear(run: ImportRun, staged: int | None, before: int, after: int) -> str:
    holds = "an unknown number of" if staged is None else f"{staged:,}"
    return (
        f"Rocket.Chat operation {run.key['operation_id']} holds {holds} users where there should be {before:,} or "
        f"{after:,}. Nothing was started."
    )
