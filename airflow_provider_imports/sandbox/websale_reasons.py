"""Why the stand-in of WEBSALE answers 503: the reasons that its page "Import" documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

Unavailable = Literal[
    "",
    "no_status",
    "not_triggered",
    "no_file_service",
    "not_stored",
    "status_not_updated",
    "not_started_in_time",
    "no_redis",
    "not_stopped",
]
"""The keys of :data:`REASONS`; empty for none of them."""


class Reason(NamedTuple):
    """
    A reason of 503.

    :param calls: ``status``, ``start``, and ``change`` for pause, resume and cancel.
    :param acts: whether WEBSALE has done what was asked all the same. Its page does not say; where it may have, it has.
    """

    type: str
    message: str
    calls: tuple[str, ...]
    acts: bool = False


REASONS: Mapping[str, Reason] = {
    "no_status": Reason("internalError", "Redis did not return a status.", ("status", "start", "change"), True),
    "not_triggered": Reason("serviceUnavailable", "The import process could not be triggered.", ("start",)),
    "no_file_service": Reason("internalError", "The internal FileService cannot be reached.", ("start",)),
    "not_stored": Reason("internalError", "Request could not be stored in a file.", ("start",)),
    "status_not_updated": Reason("internalError", "The status could not be updated in Redis.", ("start",), True),
    "not_started_in_time": Reason(
        "internalError", "The import process did not start within 10 seconds.", ("start",), True
    ),
    "no_redis": Reason("internalError", "Redis cannot be reached.", ("change",)),
    "not_stopped": Reason("internalError", "The process could not be stopped.", ("change",)),
}
