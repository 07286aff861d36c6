"""
Rocket.Chat described: its limits and log-in, and how a run is read, looked for and cleared. Nothing here sends.

Sources: https://developer.rocket.chat/apidocs/import-api, ``settings.yaml`` of RocketChat/Rocket.Chat-Open-API,
and the server's own code where the documents say nothing.
"""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_imports.exceptions import (
    ImportBusyError,
    VendorAuthError,
    VendorImportError,
    VendorRequestError,
    VendorUnavailableError,
)
from airflow_provider_imports.hooks.description import NewestImport, VendorDescription
from airflow_provider_imports.hooks.rocketchat import calls
from airflow_provider_imports.hooks.rocketchat.operation import (
    DONE,
    NEW,
    NONE,
    Operation,
    read_listed,
    since,
    status_of,
    superseded,
)
from airflow_provider_imports.hooks.slot_turns import Slot
from airflow_provider_imports.http.call import Answer, Call, UnreadableAnswerError
from airflow_provider_imports.http.errors import error_from, read_message
from airflow_provider_imports.intent import Found, Intent
from airflow_provider_imports.json_values import parse_time
from airflow_provider_imports.models import ImportRun, ImportState, ImportStatus
from airflow_provider_imports.vendors.rocketchat import ROCKETCHAT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_imports.http.call import Flow
    from airflow_provider_imports.http.settings import Settings

log = logging.getLogger(__name__)

#: Seconds after which an empty operation no longer counts as one that somebody is about to stage users in.
FRESH_SECONDS = 60.0
#: Key of a run that is whichever operation is the current one.
CURRENT = {"operation": "current"}

#: What ``import.addUsers`` answers while an operation loads or imports.
_RUNS = "The current import operation can not receive new data"
_WAIT = re.compile(rb"wait (\d{1,7}) seconds?")


class RocketChatDescription(VendorDescription):
    """Rocket.Chat, as far as it differs from other vendors."""

    entry = ROCKETCHAT
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

    def authorization(self, settings: Settings) -> Mapping[str, str]:
        """The user's ID and a token."""
        self.require_credentials(settings, "login", "password")
        return {"X-User-Id": settings.login, "X-Auth-Token": settings.password}

    def rate_limit_wait(self, answer: Answer, now: float) -> float | None:
        """Read the wait from the message, for answers without ``X-RateLimit-Reset``."""
        asked = _WAIT.search(answer.content)
        return float(asked[1]) if asked else None

    def refusal(self, call: Call, answer: Answer) -> VendorImportError | None:
        """Tell an operation that runs, which passes, from one that takes no users for good."""
        said = read_message(answer)
        if call.operation != "add_users" or answer.status != 400 or _RUNS not in said:
            return None
        told = f"{self.hook_name} {call.operation}: HTTP {answer.status}: {said}"
        advice = "An operation runs in the workspace, so nothing was staged; a later retry is safe."
        return error_from(ImportBusyError, self.vendor, call, answer, told, advice)

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
        return ended._replace(message=" ".join(filter(None, told)), finished_at=None)

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
        run = ImportRun(self.vendor, {"operation_id": current.id})
        return Slot(busy, run, str(current), current.settles_in(answer))

    def newest_flow(self, slot: Mapping[str, str]) -> Flow[NewestImport | None]:
        """Read the workspace's current operation."""
        current = yield from calls.current_operation()
        if current is None:
            return None
        return NewestImport(ImportRun(self.vendor, {"operation_id": current.id}), status_of(current))

    def adopt_flow(self, intent: Intent) -> Flow[Found]:
        """
        See whether the operation that was made for a start runs, or ran.

        Without one, nothing of ours can run: an empty operation that may have been made is in nobody's way for long.
        A start that fetches what is pending makes its operation itself, which shows by its importer.
        """
        importer = (intent.slot or {}).get("importer")
        if intent.run is None and importer is None:
            return Found(None, not_sent=True)
        current = yield from calls.current_operation()
        if intent.run is None:
            return Found(self._fetching(current, intent))
        if current is None:
            return Found(None)
        if current.id != intent.run.key["operation_id"]:
            past = yield from self._past(intent.run)
            took_place = past is not None and past.is_through
            return Found(intent.run if took_place else None, would_show=past is not None)
        if current.valid and (current.is_running or current.state == DONE):
            return Found(intent.run)
        return Found(None)

    def _fetching(self, current: Operation | None, intent: Intent) -> ImportRun | None:
        """The operation that an unclear call made which fetches what is pending, if it is the current one."""
        slot, before = intent.slot or {}, intent.before or {}
        if current is None or current.importer != slot["importer"] or current.id == before.get("operation_id"):
            return None
        ours = current.was_made_by(slot["user"], intent.at)
        return ImportRun(self.vendor, {"operation_id": current.id}, intent.at) if ours else None

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

    def _past(self, run: ImportRun) -> Flow[Operation | None]:
        """
        Look for an operation that is not the current one any more, if the user may see those.

        None if it is not shown or the list can't be read: this read is a help and never ends a wait by itself.
        """
        try:
            answer = yield calls.LATEST
            return read_listed(answer.json(), run.key["operation_id"])
        except (VendorAuthError, VendorRequestError) as error:
            log.debug("The latest operations can't be read: %s", error)
        except UnreadableAnswerError as error:
            log.warning("The latest operations can't be read: %s", error)
        return None
