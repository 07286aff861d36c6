"""
Rocket.Chat's calls, and when an answer to one counts: only if it says ``success``.

Source: https://developer.rocket.chat/apidocs/import-endpoints
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_imports.hooks.rocketchat_operation import Operation, read_current, read_operation
from airflow_provider_imports.http.call import Answer, Call, Repeat, UnreadableAnswerError

if TYPE_CHECKING:
    from airflow_provider_imports.hooks.flow import Flow


def _post(operation: str, url_path: str, **more: Any) -> Call:
    return Call(operation, "POST", f"/api/v1/{url_path}", repeat=Repeat.IF_NOT_ACTED, **more)


ME = Call("me", "GET", "/api/v1/me")
STATUS = Call("get_import_status", "GET", "/api/v1/import.status", shared=True)
CURRENT_OPERATION = Call("get_current_operation", "GET", "/api/v1/getCurrentImportOperation")
LATEST = Call("get_latest_operations", "GET", "/api/v1/getLatestImportOperations", shared=True)
_NEW = _post("new_import", "import.new", starts=True)
RUN = _post("run_import", "import.run", starts=True)
CLEAR = _post("clear_import", "import.clear")


def add_users(users: list[dict[str, Any]]) -> Call:
    """Stage users that :func:`~airflow_provider_imports.hooks.rocketchat_users.checked_users` has checked."""
    return _post("add_users", "import.addUsers", json={"users": users}, starts=True)


def answered(call: Call) -> Flow[dict[str, Any]]:
    """
    Send a call, and read its answer.

    :raises UnreadableAnswerError: if that does not say success
    """
    answer = yield call
    body = answer.object()
    if body.get("success") is not True:
        raise UnreadableAnswerError("the answer does not say success")
    return body


def confirmed(call: Call) -> Flow[None]:
    """Send a call whose answer says nothing but success."""
    yield from answered(call)


def new_operation(made: list[Operation]) -> Flow[None]:
    """Make a new operation, and add it to those made."""
    body = yield from answered(_NEW)
    made.append(read_operation(body.get("operation")))


def look() -> Flow[tuple[Operation | None, Answer]]:
    """Read the current operation; once more if the answer is garbled, for users may be half staged by now."""
    answer = yield STATUS
    try:
        return read_current(answer.object()), answer
    except UnreadableAnswerError:
        answer = yield STATUS
    return read_current(answer.object()), answer


def current_operation() -> Flow[Operation | None]:
    """Read the current operation; None if there never was one."""
    current, _ = yield from look()
    return current
