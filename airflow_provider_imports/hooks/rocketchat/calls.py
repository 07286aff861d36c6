"""
Rocket.Chat's calls: when an answer to one counts, and how one that must not act twice is sent.

Source: https://developer.rocket.chat/apidocs/import-api
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_imports.exceptions import UnknownOutcomeError, VendorUnavailableError
from airflow_provider_imports.hooks.rocketchat.operation import CLOCK_TOLERANCE, Operation, read_current, read_operation
from airflow_provider_imports.http.call import Answer, Call, Flow, Repeat, UnreadableAnswerError
from airflow_provider_imports.http.reading import LARGEST_REPORT

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_imports.hooks.base import ImportHook

#: After an unclear call, the status is read this often, with this many seconds in between, before it is sent again.
MOST_LOOKS = 2
LOOK_AGAIN_SECONDS = 3.0
#: How often a call is sent whose earlier sendings, as the status shows, did nothing.
MOST_SENDINGS = 4


def _post(operation: str, url_path: str, **more: Any) -> Call:
    return Call(operation, "POST", f"/api/v1/{url_path}", repeat=Repeat.IF_NOT_ACTED, **more)


ME = Call("me", "GET", "/api/v1/me")
STATUS = Call("get_import_status", "GET", "/api/v1/import.status", shared=True)
CURRENT_OPERATION = Call("get_current_operation", "GET", "/api/v1/getCurrentImportOperation")
LATEST = Call(
    "get_latest_operations",
    "GET",
    "/api/v1/getLatestImportOperations",
    shared=True,
    largest_answer=LARGEST_REPORT,
)
_NEW = _post("new_import", "import.new", starts=True)
RUN = _post("run_import", "import.run", starts=True)
CLEAR = _post("clear_import", "import.clear")
#: What fetches the files of imported users and messages, by the importer of the operation that it makes.
PENDING = {
    "pending-avatars": _post("download_pending_avatars", "downloadPendingAvatars", starts=True),
    "pending-files": _post("download_pending_files", "downloadPendingFiles", starts=True),
}


def add_users(users: list[dict[str, Any]]) -> Call:
    """Stage users that :func:`~airflow_provider_imports.hooks.rocketchat.users.checked_users` has checked."""
    return _post("add_users", "import.addUsers", json={"users": users}, starts=True)


def answered(call: Call) -> Flow[dict[str, Any]]:
    """Send a call, and read its answer; see :func:`success_of`."""
    return success_of((yield call))


def success_of(answer: Answer) -> dict[str, Any]:
    """
    Read an answer.

    :raises UnreadableAnswerError: if it does not say success
    """
    body = answer.object()
    if body.get("success") is not True:
        raise UnreadableAnswerError("the answer does not say success")
    return body


def confirmed(call: Call) -> Flow[None]:
    """Send a call whose answer says nothing but success."""
    yield from answered(call)


def new_operation(made: list[Operation], before: str | None) -> Flow[None]:
    """
    Make a new operation, and add it to those made.

    :param before: ``_id`` of the operation that was there before
    :raises UnreadableAnswerError: if the answer shows that one, or one that was made long ago
    """
    asked_at = datetime.now(UTC)
    answer = yield _NEW
    operation = read_operation(success_of(answer).get("operation"))
    sent_ago = datetime.now(UTC) - asked_at + CLOCK_TOLERANCE
    if operation.id == before or (operation.made_at is not None and operation.made_at < answer.date - sent_ago):
        raise UnreadableAnswerError(f"the answer shows an operation that was there before: {operation}")
    made.append(operation)


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


def send_once(
    hook: ImportHook, send: Callable[[], Flow[None]], took_place: Callable[[], bool], *, again: bool = True
) -> None:
    """
    Send a call, and send it again only where the status shows that it did nothing.

    :param send: makes the flow that sends it
    :param took_place: reads the status; True if it shows what the call was to do
    :param again: False for a call that must not take place twice, were the first sending acted on late
    :raises UnknownOutcomeError: if it must not be sent again, and the status does not show it yet
    :raises VendorUnavailableError: if it did nothing every time; a retry is safe
    """
    for _ in range(MOST_SENDINGS):
        try:
            hook.run_flow(send())
            return
        except UnknownOutcomeError as error:
            unclear = error
            hook.log.warning("%s Rocket.Chat is asked whether it did.", error)
        for look in range(MOST_LOOKS):
            if look:
                time.sleep(LOOK_AGAIN_SECONDS)  # it may still be at it
            if took_place():
                hook.log.info("It did")
                return
        if not again:
            raise unclear
        hook.log.info("It did not, so it is sent again")
    raise VendorUnavailableError(
        f"{unclear} Rocket.Chat shows that it did not, {MOST_SENDINGS} times on end; a retry is safe.",
        vendor=hook.vendor,
    ) from unclear
