"""A start of which it is not clear whether it took place: look for its run, and say what a person can do."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from airflow_provider_imports import metrics
from airflow_provider_imports.exceptions import (
    UnknownOutcomeError,
    VendorImportError,
    VendorRateLimitError,
    VendorUnavailableError,
)
from airflow_provider_imports.intent import Found

if TYPE_CHECKING:
    from airflow_provider_imports.hooks.base import ImportHook
    from airflow_provider_imports.intent import Intent
    from airflow_provider_imports.operators.record import Record

#: Seconds for which one try looks again and again for a run that is not there yet.
FIND_OUT_SECONDS = 30.0
FIND_OUT_INTERVAL = 3.0


def begins_until(hook: ImportHook, record: Record) -> datetime:
    """When the vendor has begun the import at the latest, if it ever does: by then its last byte is long gone."""
    return (record.unclear_at or record.looked_at or datetime.now(UTC)) + timedelta(seconds=hook.longest_start)


def find(hook: ImportHook, intent: Intent, until: datetime) -> Found:
    """
    Look for the run of an unclear start; a vendor that may need a moment to show it gets that.

    :param until: when it has begun at the latest: a look after that settles it
    :raises VendorUnavailableError: if the vendor did not answer; what is stored stays
    :raises VendorImportError: if it refused to
    """
    if intent.sent_at is None:
        return Found(None, not_sent=True)
    give_up = time.monotonic() + FIND_OUT_SECONDS
    while True:
        settles = datetime.now(UTC) >= until
        try:
            found = hook.run_flow(hook.adopt_flow(intent))
        except VendorImportError as error:
            raise _not_found_out(hook, error) from error
        if found.run is not None or found.not_sent or not found.would_show or settles:
            return found
        if time.monotonic() + FIND_OUT_INTERVAL >= give_up:
            return found
        time.sleep(FIND_OUT_INTERVAL)


def not_yet_clear(hook: ImportHook, told: str, until: datetime) -> VendorUnavailableError:
    """The vendor shows no run, but may still be about to begin one."""
    return VendorUnavailableError(
        f"{told} {hook.hook_name} shows no import of this start, but may begin it until {until:%H:%M:%S} UTC. Nothing "
        "is started until then: the next try looks again, and waits for the import if it began, or starts it if not.",
        vendor=hook.vendor,
    )


def unknown(hook: ImportHook, told: str, cause: VendorImportError | None = None) -> UnknownOutcomeError:
    """Nobody but a person can tell whether the start took place."""
    metrics.count("imports.unknown_outcome", hook.vendor)
    return UnknownOutcomeError(
        f"{told} The task does not start it again, for that could import twice. Look at {where_to_look(hook)}: if no "
        "import was started, clear the task, and it starts one; if one was, mark the task as success.",
        vendor=hook.vendor,
        operation=None if cause is None else cause.operation,
        status_code=None if cause is None else cause.status_code,
        vendor_message=None if cause is None else cause.vendor_message,
        request_id=None if cause is None else cause.request_id,
    )


def where_to_look(hook: ImportHook) -> str:
    """Where people see the vendor's imports."""
    return hook.where_to_look or f"{hook.hook_name}'s own UI"


def _not_found_out(hook: ImportHook, error: VendorImportError) -> VendorImportError:
    passes = isinstance(error, VendorUnavailableError | VendorRateLimitError)
    kind = VendorUnavailableError if passes else type(error)
    then = "the next try looks" if passes else "mend this and clear the task: it looks"
    return kind(
        f"It is not clear whether {hook.hook_name} started the import, and it could not be looked up: {error} Nothing "
        f"is started until that is clear; {then} again.",
        vendor=hook.vendor,
        operation=error.operation,
        status_code=error.status_code,
        vendor_message=error.vendor_message,
        request_id=error.request_id,
    )
