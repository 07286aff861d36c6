"""Waiting ends before Airflow would cut it off at ``execution_timeout``, deferred or not, and one line says so."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_imports import version_compat
from airflow_provider_imports.version_compat import backstop, deadline

NOW = 1_800_000_000.0
STARTED = datetime.fromtimestamp(NOW - 100, UTC)


@pytest.fixture(params=[False, True], ids=["Airflow 2", "Airflow 3"], autouse=True)
def _every_airflow(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The rules are the same on each."""
    monkeypatch.setattr(version_compat, "AIRFLOW_V_3_0_PLUS", request.param)
    caplog.set_level(logging.INFO)


@pytest.mark.parametrize(
    ("execution_timeout", "ends_in"),
    [
        (timedelta(hours=1), 3600 - 100 - 60),
        (timedelta(seconds=300), 300 - 100 - 30),
        (timedelta(days=2), 86400),
        (None, 86400),
    ],
)
def test_waiting_ends_before_execution_timeout(execution_timeout: timedelta | None, ends_in: float) -> None:
    assert deadline(NOW, 86400, STARTED, execution_timeout) == NOW + ends_in


def test_a_task_of_unknown_start_began_now() -> None:
    assert deadline(NOW, 86400, None, timedelta(hours=1)) == NOW + 3540


@pytest.mark.parametrize(("execution_timeout", "lines"), [(timedelta(hours=1), 1), (timedelta(days=2), 0), (None, 0)])
def test_a_deadline_that_is_not_the_timeout_is_said_in_one_line(
    caplog: pytest.LogCaptureFixture, execution_timeout: timedelta | None, lines: int
) -> None:
    deadline(NOW, 86400, STARTED, execution_timeout)

    assert caplog.text.count("Waiting ends shortly before execution_timeout") == lines


@pytest.mark.parametrize(("now", "end", "seconds"), [(100.0, 160.0, 660), (100.0, 90.0, 600)])
def test_airflow_itself_ends_a_deferral_well_after_the_deadline(now: float, end: float, seconds: float) -> None:
    assert backstop(now, end) == timedelta(seconds=seconds)
