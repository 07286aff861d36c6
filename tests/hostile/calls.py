"""Every call of every vendor that a task may make, at a server whose every answer is made up."""

from __future__ import annotations

import json
import logging
import traceback
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_imports.event import Event
from airflow_provider_imports.exceptions import VendorImportError
from airflow_provider_imports.hooks.bloomreach import BloomreachHook
from airflow_provider_imports.hooks.blueshift import BlueshiftHook
from airflow_provider_imports.hooks.pigment import PigmentHook
from airflow_provider_imports.hooks.rocketchat import RocketChatHook
from airflow_provider_imports.hooks.websale import WebsaleHook
from airflow_provider_imports.hooks.websale.status import WebsaleImport
from airflow_provider_imports.models import ImportRun, ImportStatus
from airflow_provider_imports.polling import Ending, Outcome
from airflow_provider_imports.progress_log import ProgressLog
from airflow_provider_imports.report import look_failed, manifest, report
from tests.http.wire import Received, WireServer, answer

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from airflow_provider_imports.hooks.base import ImportHook

UUID = "33d0d7d0-6125-47c4-b36a-882f4ed53b33"
OPERATION = ImportRun("rocketchat", {"operation_id": "64d6f0c2a9b1c80001e2f3a4"})
WEBSALE = ImportRun("websale", {"service": "product", "start": "2026-11-25T10:00:00Z"})
USERS = [{"emails": ["a@example.com"], "importIds": ["a"]}]

#: By vendor: what a task may call. Each is given the vendor's hook.
CALLS: dict[type[ImportHook], dict[str, Callable[[Any], object]]] = {
    PigmentHook: {
        "push_csv": lambda hook: hook.push_csv(UUID, b"a;b\n"),
        "trigger_import": lambda hook: hook.trigger_import(UUID),
        "get_import_status": lambda hook: hook.get_import_status(UUID, detailed_report=True),
        "get_status": lambda hook: hook.get_status(ImportRun("pigment", {"import_id": UUID})),
        "test_connection": lambda hook: hook.test_connection(),
    },
    WebsaleHook: {
        "start_import": lambda hook: hook.start_import("product", b"[]", format="json"),
        "pause_import": lambda hook: hook.pause_import("product"),
        "resume_import": lambda hook: hook.resume_import("product"),
        "cancel_import": lambda hook: hook.cancel_import("product"),
        "get_import_status": lambda hook: hook.get_import_status("product"),
        "get_status": lambda hook: hook.get_status(WEBSALE),
        "cancel": lambda hook: hook.cancel(WEBSALE),
        "slot": lambda hook: hook.run_flow(hook.slot_flow({"service": "product"})),
        "test_connection": lambda hook: hook.test_connection(),
    },
    RocketChatHook: {
        "new_import": lambda hook: hook.new_import(),
        "add_users": lambda hook: hook.add_users(USERS),
        "stage_users": lambda hook: hook.stage_users(OPERATION, USERS, 0),
        "run_import": lambda hook: hook.run_import(OPERATION),
        "clear_import": lambda hook: hook.clear_import(),
        "get_current_operation": lambda hook: hook.get_current_operation(),
        "get_import_status": lambda hook: hook.get_import_status(),
        "get_status": lambda hook: hook.get_status(OPERATION),
        "cancel": lambda hook: hook.cancel(OPERATION),
        "slot": lambda hook: hook.run_flow(hook.slot_flow({"user": "u"})),
        "test_connection": lambda hook: hook.test_connection(),
    },
    BloomreachHook: {
        "start_import": lambda hook: hook.start_import("an-import"),
        "run_import": lambda hook: hook.run_import("an-import"),
        "test_connection": lambda hook: hook.test_connection(),
    },
    BlueshiftHook: {
        "trigger_customer_import": lambda hook: hook.trigger_customer_import(UUID),
        "test_connection": lambda hook: hook.test_connection(),
    },
}
EVERY_CALL = [(kind, name) for kind, calls in CALLS.items() for name in calls]


class MadeUpVendor:
    """A server that answers every request in the way that was set last; a log-in is answered well unless asked."""

    def __init__(self) -> None:
        self.status, self.headers, self.content = 200, {}, b"{}"
        self.spoils_login = False
        self.server = WireServer(self._react)

    def answers(self, status: int, content: bytes, headers: dict[str, str | bytes] | None = None) -> None:
        """Set what is answered from now on."""
        self.status, self.content, self.headers = status, content, headers or {}

    def _react(self, connection: socket.socket, received: Received) -> None:
        if received.target.endswith("/login") and not self.spoils_login:
            connection.sendall(answer(200, b'{"accessToken": "a-token-of-the-test"}'))
            return
        lines = [f"HTTP/1.1 {self.status} Reason".encode(), b"Content-Length: %d" % len(self.content)]
        for name, value in self.headers.items():
            lines.append(name.encode() + b": " + (value if isinstance(value, bytes) else value.encode()))
        connection.sendall(b"\r\n".join([*lines, b"", b""]) + self.content)


def new_hook(kind: type[ImportHook], conn_id: str) -> ImportHook:
    """A hook that sends each call once; how it repeats is tested elsewhere."""
    hook = kind(conn_id)
    hook.run_flow = lambda flow, patience=0.0: kind.run_flow(hook, flow, 0.0)  # type: ignore[method-assign]
    return hook


@contextmanager
def log_lines() -> Iterator[list[str]]:
    """Every line that anybody logs meanwhile, down to DEBUG."""
    lines: list[str] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(f"{record.getMessage()} {record.args!r}")
            if record.exc_info and record.exc_info[1] is not None:
                lines.extend(texts_of(record.exc_info[1]))

    keeper, root = Keeper(), logging.getLogger()
    level = root.level
    root.addHandler(keeper)
    root.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        root.setLevel(level)
        root.removeHandler(keeper)


def what_is_told(hook: ImportHook, call: Callable[[Any], object]) -> list[str]:
    """Make a call, and collect all that anybody is told of it: logs, errors, results, and what becomes of those."""
    with log_lines() as lines:
        try:
            seen: object = call(hook)
        except VendorImportError as error:
            seen = error
        texts = [*texts_of(seen), repr(hook), *texts_of(hook.client.access), *texts_of(hook.client.access.settings)]
    return [*lines, *texts]


def texts_of(seen: object) -> list[str]:
    """Everything that a value shows of itself, and what is made of it on its way to the user."""
    if isinstance(seen, BaseException):
        return _of_error(seen)
    texts = [str(seen), repr(seen)]
    if isinstance(seen, tuple) and not hasattr(seen, "_fields"):
        texts += [text for one in seen for text in texts_of(one)]
    if isinstance(seen, WebsaleImport):
        texts += [*texts_of(seen.status), *texts_of(seen.run)]
    if isinstance(seen, ImportStatus):
        texts += _of_status(seen)
    if isinstance(seen, ImportRun):
        texts.append(_as_json(seen.to_json()))
    if isinstance(seen, dict):
        texts.append(_as_json(seen))
    return texts


def _of_error(error: BaseException) -> list[str]:
    texts = traceback.format_exception(error)[-1:]
    cause: BaseException | None = error
    while cause is not None:
        texts += [str(cause), repr(cause), repr(cause.args), repr(vars(cause))]
        texts += [str(getattr(cause, name, "")) for name in ("doc", "object", "reason")]  # of errors of reading
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, VendorImportError):
        failed = look_failed(error)
        ending = Ending(Outcome.UNREACHABLE, None, failed.error, failed.message)
        texts += [
            str(ProgressLog().of_trouble(failed.trouble, failed.error, failed.message, 0.0)),
            _as_json(Event(ending, 0.0, OPERATION).to_json()),
        ]
    return texts


def _of_status(status: ImportStatus) -> list[str]:
    run = ImportRun("vendor", {"id": "1"}, datetime.now(UTC))
    ending = Ending(Outcome.TIMED_OUT, status, message=status.message)
    texts = [
        _as_json(manifest(run, status)),
        _as_json(Event(ending, 0.0, run).to_json()),
        str(ProgressLog().of(status, 0.0)),
    ]
    for outcome in (Outcome.SUCCEEDED, Outcome.FAILED, Outcome.TIMED_OUT):
        try:
            report("Vendor", run, Ending(outcome, status, message=status.message))
        except VendorImportError as error:
            texts += [str(error), repr(error)]
    return texts


def _as_json(value: object) -> str:
    """As Airflow stores it; what can't be stored is an error."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode().decode()
