"""The state machine of imports at the stand-in of Rocket.Chat: operations, staged users, the jobs."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_imports.sandbox.progress import Clock, Progress, iso
from airflow_provider_imports.sandbox.rocketchat_users import Users

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_imports.sandbox.stand_in import SharedSettings

FLUSH_EVERY = 50

LOADING = (
    "importer_uploading",
    "importer_downloading_file",
    "importer_file_loaded",
    "importer_preparing_started",
    "importer_preparing_users",
    "importer_preparing_channels",
    "importer_preparing_messages",
    "importer_preparing_contacts",
)
API, AVATARS, FILES = "api", "pending-avatars", "pending-files"
NAMES = {API: "api", AVATARS: "Pending Avatars", FILES: "Pending Files", "csv": "CSV", "slack": "Slack"}
"""The importers that are here, by their keys."""
NEW, SELECTION, DONE = "importer_new", "importer_user_selection", "importer_done"
FAILED, CANCELLED = "importer_import_failed", "importer_import_cancelled"
IMPORTING: Mapping[str, float] = {
    "importer_importing_started": 0.02,
    "importer_importing_users": 0.90,
    "importer_importing_contacts": 0.92,
    "importer_importing_channels": 0.94,
    "importer_importing_messages": 0.96,
    "importer_importing_files": 0.96,
    "importer_finishing": 1.0,
}
"""Steps of a running import, each with the share of the run's time at which it ends; files have no share."""
FETCHING, PREPARING = "importer_importing_files", "importer_preparing_users"
USERS_BEGIN, USERS_END = 0.02, 0.90
STATES = {
    NEW: "new",
    SELECTION: "ready",
    DONE: "done",
    FAILED: "error",
    CANCELLED: "canceled",
    **dict.fromkeys(LOADING, "loading"),
    **dict.fromkeys(IMPORTING, "importing"),
}


@dataclass
class RocketChatSettings:
    """
    :param calls_per_window: limit of calls for one route and IP address; ``None``: no limit.
    :param window_seconds: length of that limit's window.
    :param abort_seconds: how long after its abort a job writes ``importer_done``; ``None``: it never does.
    :param seat_limit: an import that would leave more users fails as a whole; ``None`` for no limit.
    :param broken_roles: store roles as servers did before the fix: letter by letter.
    :param plain_validation: validation errors without ``[invalid-params]``, as newer routes give them.
    :param short_401: 401 with only ``status`` and ``message``, as documented.
    :param view_operations: the accounts have the permission ``view-import-operations``.
    :param wrap_operations: the latest operations as ``{"operations": [...]}`` instead of a bare list.
    :param pending_avatars: how many avatars are fetched besides those of imported users, each time.
    :param pending_files: how many files of imported messages wait to be fetched.
    :param broken_files: how many of them cannot be fetched, and go on waiting.
    """

    calls_per_window: int | None = 10
    window_seconds: float = 60.0
    abort_seconds: float | None = 1.0
    seat_limit: int | None = None
    broken_roles: bool = False
    plain_validation: bool = False
    short_401: bool = False
    view_operations: bool = True
    wrap_operations: bool = False
    pending_avatars: int = 0
    pending_files: int = 0
    broken_files: int = 0


@dataclass
class WorkspaceImport:
    """One import operation; ``items`` are what it imports: staged users, users with a pending avatar, files."""

    id: str
    user: str
    ts: float
    updated_at: float
    importer_key: str = API
    items: list[Any] = field(default_factory=list)
    status: str = NEW
    valid: bool = True
    completed: int = 0
    errors: int = 0
    progress: Progress | None = None
    aborted_at: float | None = None

    @property
    def state(self) -> str:
        """What ``import.status`` calls it."""
        return STATES[self.status] if self.valid or self.status == DONE else "error"

    def as_json(self) -> dict[str, Any]:
        """Return the ``IImport``; counts that were never written are missing."""
        total = len(self.items)
        count = {"total": total, "users" if self.importer_key == API else "messages": total}
        if self.completed + self.errors:
            count |= {"completed": self.completed, "error": self.errors}
        return {
            "_id": self.id,
            "type": NAMES[self.importer_key],
            "importerKey": self.importer_key,
            "ts": iso(self.ts),
            "status": self.status,
            "valid": self.valid,
            "user": self.user,
            "_updatedAt": iso(self.updated_at),
            **({"count": count} if self.items else {}),
        }


class Workspace:
    """A workspace: its operations, of which only the newest counts, its staged users and its users."""

    def __init__(self, clock: Clock, shared: SharedSettings, settings: RocketChatSettings) -> None:
        self._clock = clock
        self._shared = shared
        self._settings = settings
        self.operations: list[WorkspaceImport] = []
        self.staged: list[dict[str, Any]] = []
        self.users = Users()
        self.fetched_files = 0
        self._imports: Mapping[str, Callable[[Any], bool]] = {
            API: lambda user: self.users.insert(user, settings.broken_roles),
            AVATARS: self.users.fetch_avatar,
            FILES: self._fetch_file,
        }
        self._lock = threading.RLock()  # tests look at the users from their own thread

    def begin(self, user: str, importer_key: str = API) -> WorkspaceImport:
        """Clear, and begin a new operation."""
        self.clear()
        now = self._clock()
        operation = WorkspaceImport(secrets.token_hex(12), user, now, now, importer_key)
        if importer_key == API:
            operation.items = self.staged
        self.operations.append(operation)
        return operation

    def prepare_file(self, user: str, importer_key: str) -> WorkspaceImport:
        """Begin the operation of a file importer, which reads its file and then waits for a person."""
        operation = self.begin(user, importer_key)
        self._write(operation, PREPARING)
        return operation

    def fetch(self, user: str, importer_key: str) -> WorkspaceImport:
        """Begin an operation that fetches what is pending; with nothing to do, it is done at once."""
        operation = self.begin(user, importer_key)
        if importer_key == AVATARS:
            others = [{"avatarUrl": "https://example.com/avatar.png"} for _ in range(self._settings.pending_avatars)]
            operation.items = [*self.users.with_pending_avatar, *others]
        else:
            operation.items = list(range(self._settings.pending_files - self.fetched_files))
        if operation.items:
            operation.progress = Progress(self._clock, self._shared.seconds_for(len(operation.items)))
        self._write(operation, FETCHING if operation.items else DONE)
        return operation

    def stage(self, operation: WorkspaceImport, users: list[dict[str, Any]]) -> None:
        """Stage users, duplicates included."""
        self.staged += users
        self._write(operation, SELECTION)

    def run(self, operation: WorkspaceImport) -> None:
        """Start the job."""
        operation.progress = Progress(self._clock, self._shared.seconds_for(len(operation.items)))
        self._write(operation, next(iter(IMPORTING)))

    @property
    def current(self) -> WorkspaceImport | None:
        """The newest operation."""
        return self.operations[-1] if self.operations else None

    def settle(self) -> None:
        """Do what the job has done by now. Aborted jobs are settled when they are aborted."""
        with self._lock:
            for operation in self.operations:
                progress = operation.progress
                abort = self._settings.abort_seconds
                if operation.aborted_at is not None:
                    if abort is not None and self._clock() >= operation.aborted_at + abort:
                        self._write(operation, DONE)
                elif operation.valid and progress is not None and operation.state == "importing":
                    self._work(operation, progress.fraction)

    def restart(self) -> None:
        """Restart the server: every operation becomes invalid, unless the newest waits for ``import.run``."""
        self.settle()
        for operation in self.operations:
            if operation is not self.current or operation.status != SELECTION:
                operation.valid = False

    def _work(self, operation: WorkspaceImport, fraction: float) -> None:
        if operation.importer_key != API:
            self._import_until(operation, int(len(operation.items) * fraction))
            self._write(operation, FETCHING if fraction < 1 else DONE)
            return
        limit = self._settings.seat_limit
        if limit is not None and len(self.users.all) + len(operation.items) > limit and not operation.completed:
            self._write(operation, FAILED)
            return
        share = min(max((fraction - USERS_BEGIN) / (USERS_END - USERS_BEGIN), 0.0), 1.0)
        self._import_until(operation, int(len(operation.items) * share))
        self._write(operation, next((step for step, end in IMPORTING.items() if fraction < end), DONE))

    def _fetch_file(self, number: int) -> bool:
        is_broken = number < self._settings.broken_files
        self.fetched_files += not is_broken
        return not is_broken

    def _import_until(self, operation: WorkspaceImport, position: int) -> None:
        """Import whole batches up to a position; the counters show no other."""
        done = operation.completed + operation.errors
        until = position if position >= len(operation.items) else position - position % FLUSH_EVERY
        for item in operation.items[done:until]:
            if self._imports[operation.importer_key](item):
                operation.completed += 1
            else:
                operation.errors += 1

    def clear(self) -> None:
        """Abort whatever is under way, and drop the staged users."""
        with self._lock:
            operation = self.current
            if operation is not None and operation.state == "importing":
                # The job notices only at its next flush: one more batch is inserted.
                done = operation.completed + operation.errors
                self._import_until(operation, min(done + FLUSH_EVERY, len(operation.items)))
                operation.aborted_at = self._clock()
            for each in self.operations:
                each.valid = False
            self.staged = []

    def _write(self, operation: WorkspaceImport, status: str) -> None:
        if operation.status != status:
            operation.status = status
            operation.updated_at = self._clock()
