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
#: From here on ``execution_timeout`` does not end a deferral; before, Airflow ends it without telling the operator.
AIRFLOW_V_3_0_PLUS = Version("3.0.0") <= AIRFLOW_VERSION
#: From here on a task can remember things from one try to the next, and a trigger learns that its task was killed.
AIRFLOW_V_3_3_PLUS = Version("3.3.0") <= AIRFLOW_VERSION
#: Our deadline lies this many seconds before ``execution_timeout``, so that the task can still cancel and report.
EXECUTION_TIMEOUT_MARGIN = 60.0
#: Airflow itself ends a deferral this many seconds after our deadline; the last look takes a while.
BACKSTOP = 600.0


def deadline(now: float, timeout: float, started_at: datetime | None, execution_timeout: timedelta | None) -> float:
    """
    When to stop waiting, in epoch seconds: at ``timeout``, or shortly before ``execution_timeout`` if that is earlier.

    Airflow 2 cuts a deferral there without telling the operator, Airflow 3 not at all; a wait on a worker is cut by
    both.

    :param now: epoch seconds
    :param timeout: seconds that the user allows
    :param started_at: when the task instance started
    :param execution_timeout: of the task
    """
    end = now + timeout
    if execution_timeout is None:
        return end
    began = now if started_at is None else started_at.timestamp()
    seconds = execution_timeout.total_seconds()
    cut = began + seconds - min(EXECUTION_TIMEOUT_MARGIN, seconds / 10)
    if cut < end:
        log.warning(
            "Waiting ends shortly before execution_timeout (in %.0f s), not at timeout (in %.0f s)",
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
