"""What differs between the versions of Airflow that this package runs on, and how its clocks stand to our deadline."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from airflow import __version__ as airflow_version
from packaging.version import Version

if TYPE_CHECKING:
    from datetime import datetime

log = logging.getLogger(__name__)

AIRFLOW_VERSION = Version(Version(airflow_version).base_version)
#: Before, Airflow ends a deferred task at ``execution_timeout`` without telling the operator.
AIRFLOW_V_3_0_PLUS = Version("3.0.0") <= AIRFLOW_VERSION
#: From here on a task can remember things from one try to the next, and a trigger learns that its task was killed.
AIRFLOW_V_3_3_PLUS = Version("3.3.0") <= AIRFLOW_VERSION
#: On Airflow 2, our deadline lies this many seconds before ``execution_timeout``.
EXECUTION_TIMEOUT_MARGIN = 60.0
#: Airflow itself ends a deferral this many seconds after our deadline; the last look takes a while.
BACKSTOP = 600.0


def deadline(now: float, timeout: float, started_at: datetime | None, execution_timeout: timedelta | None) -> float:
    """
    When to stop waiting, in epoch seconds.

    :param now: epoch seconds
    :param timeout: seconds that the user allows
    :param started_at: when the task instance started
    :param execution_timeout: Airflow 2 cuts a deferral there, so we must be done before
    """
    end = now + timeout
    if AIRFLOW_V_3_0_PLUS or execution_timeout is None:
        return end
    began = now if started_at is None else started_at.timestamp()
    seconds = execution_timeout.total_seconds()
    cut = began + seconds - min(EXECUTION_TIMEOUT_MARGIN, seconds / 10)
    if cut < end:
        log.warning(
            "Airflow 2 ends a deferred task at execution_timeout without telling it, so waiting ends shortly before "
            "(in %.0f s), not at timeout (in %.0f s)",
            max(0.0, cut - now),
            timeout,
        )
    return min(end, cut)


def backstop(now: float, end: float) -> timedelta:
    """
    After what time Airflow itself is to end a deferral, should its trigger not.

    :param now: epoch seconds
    :param end: our deadline, in epoch seconds
    """
    return timedelta(seconds=max(0.0, end - now) + BACKSTOP)
