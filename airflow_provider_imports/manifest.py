"""What a task hands over of its import, the same in every task of every vendor; see ``manifest.schema.json``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_imports.counts import unaccounted
from airflow_provider_imports.json_values import time_to_json

if TYPE_CHECKING:
    from airflow_provider_imports.models import ImportRun, ImportStatus, Sent


def manifest(
    run: ImportRun, status: ImportStatus, sent: Sent | None = None, error: BaseException | None = None
) -> dict[str, Any]:
    """
    Build what operators that start an import, and sensors, hand over (XCom): one shape in every vendor and mode.

    ``{"vendor", "state", "vendor_status", "run", "sendings", "counts", "rejected", "auto_created", "written", "sent",
    "unaccounted", "message", "errors", "error", "started_at", "finished_at", "url"}``

    :param sent: what was sent, as far as it is known
    :param error: what the task fails with; its class and its words are ``error``, which is None for a success
    """
    return {
        "vendor": run.vendor,
        "state": str(status.state),
        "vendor_status": status.vendor_status,
        "run": dict(run.key),
        "sendings": run.sendings,
        "counts": status.counts.to_json(),
        "rejected": status.counts.rejected,
        "auto_created": status.auto_created,
        "written": dict(status.written),
        "sent": None if sent is None else sent.to_json(),
        "unaccounted": unaccounted(status.counts, sent),
        "message": status.message,
        "errors": list(status.errors),
        "error": None if error is None else {"type": type(error).__name__, "message": str(error)},
        "started_at": time_to_json(status.started_at or run.started_at),
        "finished_at": time_to_json(status.finished_at),
        "url": run.url,
    }
