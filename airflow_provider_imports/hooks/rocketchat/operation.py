"""
What Rocket.Chat says about an import operation: its twenty steps, its counts, and what they mean.

Sources: ``settings.yaml`` of RocketChat/Rocket.Chat-Open-API, and the server's ``services/import/service.ts`` and
``importer/server/classes/Importer.ts``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_imports.counts import counted, were
from airflow_provider_imports.exceptions import ImportSupersededError, VendorUnavailableError
from airflow_provider_imports.http.call import UnreadableAnswerError
from airflow_provider_imports.http.text import is_whole
from airflow_provider_imports.json_values import parse_time, read_count
from airflow_provider_imports.models import Counts, ImportState, ImportStatus
from airflow_provider_imports.polling import PollPolicy, unseen_for
from airflow_provider_imports.vendors.rocketchat import ROCKETCHAT

if TYPE_CHECKING:
    from airflow_provider_imports.http.call import Answer
    from airflow_provider_imports.models import ImportRun

#: Seconds by which Rocket.Chat's clock and ours may differ, when an operation is told from an older one.
CLOCK_TOLERANCE = timedelta(minutes=5)

NEW, READY, LOADING, IMPORTING, DONE = "new", "ready", "loading", "importing", "done"
NONE = "none"  #: no operation was ever made
API = "api"  #: the importer of users that the API stages

#: ``state`` of ``import.status``, in our words. ``new`` and ``ready`` are idle: they wait for users, or for a run.
STATES = {
    NEW: ImportState.ACCEPTED,
    READY: ImportState.ACCEPTED,
    LOADING: ImportState.RUNNING,
    IMPORTING: ImportState.RUNNING,
    DONE: ImportState.SUCCEEDED,
    "error": ImportState.FAILED,
    "canceled": ImportState.CANCELED,
}
#: ``operation.status``, and the ``state`` that belongs to it.
STEPS = {
    "importer_new": NEW,
    "importer_uploading": LOADING,
    "importer_downloading_file": LOADING,
    "importer_file_loaded": LOADING,
    "importer_preparing_started": LOADING,
    "importer_preparing_users": LOADING,
    "importer_preparing_channels": LOADING,
    "importer_preparing_messages": LOADING,
    "importer_preparing_contacts": LOADING,
    "importer_user_selection": READY,
    "importer_importing_started": IMPORTING,
    "importer_importing_users": IMPORTING,
    "importer_importing_contacts": IMPORTING,
    "importer_importing_channels": IMPORTING,
    "importer_importing_messages": IMPORTING,
    "importer_importing_files": IMPORTING,
    "importer_finishing": IMPORTING,
    "importer_done": DONE,
    "importer_import_failed": "error",
    "importer_import_cancelled": "canceled",
}
_INVALID = (
    "the operation is not valid any more: it was cleared or replaced, or the server was restarted. "
    "Users that it had imported until then stay"
)


@dataclass(frozen=True, slots=True)
class Operation:
    """
    An import operation of a workspace.

    :param id: ``_id``
    :param state: Rocket.Chat's word for it; a word that is not documented, or ``""``, if it says none
    :param step: ``status``, one of :data:`STEPS`
    :param valid: False once it was cleared, replaced or cut off by a restart
    :param user: ID of the user who made it
    :param made_at: by Rocket.Chat's clock
    :param changed_at: by Rocket.Chat's clock
    :param users: staged so far; None if not reported
    :param completed: users that were created
    :param errors: users that were not
    :param total: of users, and of other records of a file importer
    :param importer: ``importerKey``, else ``type``: ``api``, ``csv``, ``slack``, ``pending-avatars``, ...; ``""`` if
        it is not reported
    """

    id: str
    state: str
    step: str
    valid: bool
    user: str | None = None
    made_at: datetime | None = None
    changed_at: datetime | None = None
    users: int | None = None
    completed: int | None = None
    errors: int | None = None
    total: int | None = None
    importer: str = ""

    @property
    def is_running(self) -> bool:
        """Rocket.Chat works on it; also if it says something that is not documented."""
        return self.valid and STATES.get(self.state, ImportState.RUNNING) is ImportState.RUNNING

    @property
    def is_idle(self) -> bool:
        """It waits for users, or for ``import.run``."""
        return self.valid and self.state in (NEW, READY)

    @property
    def is_through(self) -> bool:
        """Its end was reached and every user counted: true also of one that was replaced afterwards."""
        if self.step != "importer_done" or not self.total or self.counted is None:
            return False
        return self.counted >= self.total

    def was_made_by(self, user: str, since: datetime | None) -> bool:
        """Say whether this user made it at that time or later; False if that is not known."""
        if self.user != user or self.made_at is None or since is None:
            return False
        return self.made_at > since - CLOCK_TOLERANCE

    @property
    def counted(self) -> int | None:
        """Users that were dealt with, created or not; None if that is not reported."""
        return None if self.completed is None else self.completed + (self.errors or 0)

    @property
    def staged(self) -> int | None:
        """How many users it holds; None if that is not reported."""
        return 0 if self.users is None and self.state == NEW else self.users

    @property
    def counts(self) -> Counts:
        """As reported; nothing is guessed."""
        return Counts(inserted=self.completed, failed=self.errors, total=self.total)

    def settles_in(self, answer: Answer) -> float:
        """Seconds for which a waiter with the default intervals may still not have seen that it is done."""
        if not self.is_through or self.made_at is None or self.changed_at is None:
            return 0.0
        policy = PollPolicy(ROCKETCHAT.poll_interval, ROCKETCHAT.max_poll_interval)
        return unseen_for(policy, (self.changed_at - self.made_at).total_seconds(), since(self.changed_at, answer))

    def __str__(self) -> str:
        """``operation 64d6… (importing, importer slack) of user rbAX…``: who is in the way."""
        users = "" if not self.users else f", {counted(self.users, 'user')}"
        importer = "" if not self.importer else f", importer {self.importer}"
        return f"operation {self.id} ({self.state or self.step}{users}{importer}) of user {self.user or 'unknown'}"


def read_operation(value: object, state: object = None) -> Operation:
    """
    Read an ``IImport``.

    :param state: ``state`` of ``import.status``; without it, the one that belongs to the operation's step
    :raises UnreadableAnswerError: if it has no ``_id`` or no ``status``
    """
    if not isinstance(value, Mapping) or not isinstance(value.get("_id"), str) or not value["_id"]:
        raise UnreadableAnswerError("the answer has no operation with an _id")
    if not is_whole(value["_id"]):
        raise UnreadableAnswerError("the operation's _id is not an id")
    step, valid, count = value.get("status"), value.get("valid"), value.get("count")
    if not isinstance(step, str) or not isinstance(valid, bool):
        raise UnreadableAnswerError("the operation has no status, or does not say whether it is valid")
    counted: Mapping[str, Any] = count if isinstance(count, Mapping) else {}
    user, importer = value.get("user"), value.get("importerKey") or value.get("type")
    return Operation(
        id=value["_id"],
        state=state if isinstance(state, str) else STEPS.get(step, ""),
        step=step,
        valid=valid,
        user=user if isinstance(user, str) else None,
        made_at=parse_time(value.get("ts")),
        changed_at=parse_time(value.get("_updatedAt")),
        users=read_count(counted.get("users")),
        completed=read_count(counted.get("completed")),
        errors=read_count(counted.get("error")),
        total=read_count(counted.get("total")),
        importer=importer if isinstance(importer, str) else "",
    )


def read_current(body: Mapping[str, Any]) -> Operation | None:
    """
    Read an answer of ``import.status``; None if no operation was ever made.

    A ``state`` that is missing (the server leaves it out for a step that it does not know) stays ``""``.

    :raises UnreadableAnswerError: if it is no such answer
    """
    state = body.get("state", "")
    if body.get("success") is not True or not isinstance(state, str):
        raise UnreadableAnswerError("the answer has no success, or its state is no text")
    return None if state == NONE else read_operation(body.get("operation"), state)


def read_listed(listed: object, operation_id: str) -> Operation | None:
    """
    Find an operation in an answer of ``getLatestImportOperations``; None if it is not there.

    The list comes bare; some versions of the server wrap it as ``operations``.

    :raises UnreadableAnswerError: if it is no such answer
    """
    if isinstance(listed, Mapping):
        listed = listed.get("operations")
    if not isinstance(listed, list):
        raise UnreadableAnswerError("the answer is no list of operations")
    ours = [one for one in listed if isinstance(one, Mapping) and one.get("_id") == operation_id]
    return read_operation(ours[0]) if ours else None


def status_of(operation: Operation) -> ImportStatus:
    """
    Say what an operation means: success only if it is valid, and state and step agree on it.
    """
    state, message = _judge(operation)
    counted, total = operation.counted, operation.total
    done = None if counted is None or not total else min(100.0, round(100 * counted / total, 1))
    return ImportStatus(
        state,
        operation.step,
        progress=done,
        counts=operation.counts,
        message=message or (_about_errors(operation) if state.is_terminal else None),
        started_at=operation.made_at,
        finished_at=operation.changed_at if state.is_terminal else None,
    )


def since(moment: datetime | None, answer: Answer) -> float:
    """Seconds since then, by Rocket.Chat's own clock where the answer shows it; 0 if the moment is not known."""
    return 0.0 if moment is None else abs(answer.date - moment).total_seconds()


def _judge(operation: Operation) -> tuple[ImportState, str | None]:
    if not operation.valid:
        return ImportState.FAILED, _INVALID
    state = STATES.get(operation.state)
    if state is None:
        said = f"state {operation.state!r}" if operation.state else "no state"
        return ImportState.RUNNING, f"{said} of step {operation.step!r} is not documented; taken as still running"
    if state is ImportState.SUCCEEDED and operation.step != "importer_done":
        return ImportState.RUNNING, f"state 'done' does not fit step {operation.step!r}; taken as still running"
    return state, None


def _about_errors(operation: Operation) -> str | None:
    if not operation.errors:
        return None
    if operation.importer not in ("", API):
        return f"{were(operation.errors, 'record')} not imported; Rocket.Chat does not say which"
    return (
        f"{were(operation.errors, 'user')} not created. Rocket.Chat counts a user whose email or username exists "
        "already as an error, and does not say who it was; look one up with users.info?importId=..."
    )


class StagingUnclearError(VendorUnavailableError):
    """Nobody can tell which users are staged; nothing was started, and a new operation starts with none."""


def staging_unclear(run: ImportRun, staged: int | None, before: int, after: int) -> StagingUnclearError:
    """Our operation holds neither the users it held before a batch nor those and the batch's."""
    holds = "an unknown number of" if staged is None else f"{staged:,}"
    return StagingUnclearError(
        f"Rocket.Chat operation {run.key['operation_id']} holds {holds} users where there should be {before:,} or "
        f"{after:,}. Nothing was started.",
        vendor="rocketchat",
    )


def not_idle(operation: Operation) -> VendorUnavailableError:
    """Our operation is past the state in which it takes users."""
    return VendorUnavailableError(
        f"Rocket.Chat {operation} takes no users any more: it was cleared or started, or the server was "
        "restarted. A retry starts with a new one.",
        vendor="rocketchat",
    )


def superseded(run: ImportRun, current: Operation | None) -> ImportSupersededError:
    """Another operation is the workspace's current one."""
    return ImportSupersededError(
        f"Operation {run.key['operation_id']} was replaced at Rocket.Chat by {current or 'none at all'}. What it "
        "had imported until then stays; the other one is left alone. The user's permission "
        "'view-import-operations' would tell how far it came.",
        vendor="rocketchat",
    )
