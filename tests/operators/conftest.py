"""Pigment's tasks, blocking and deferrable, against the sandbox."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from packaging.version import Version

from airflow_provider_imports.operators.pigment import PigmentPushCsvOperator, PigmentTriggerImportOperator
from airflow_provider_imports.sandbox.pigment import INTEGRATION_CONFIGURATION_ID, UPLOAD_CONFIGURATION_ID
from airflow_provider_imports.version_compat import AIRFLOW_VERSION
from tests.tries import CancelingHook

MakeTask = Callable[..., Callable[[], Any]]


@pytest.fixture(params=[False, True], ids=["blocking", "deferrable"])
def deferrable(request: pytest.FixtureRequest) -> bool:
    """Both ways to wait."""
    return bool(request.param)


@pytest.fixture(autouse=True)
def _no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeat at once."""
    monkeypatch.setattr("airflow_provider_imports.http.retry.backoff", lambda attempt, jitter: 0.01)


@pytest.fixture
def logged(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """What the task's log says so far, whichever logger said it."""
    caplog.set_level("INFO")
    seen: list[str] = []

    def text() -> str:
        if Version("3.1") > AIRFLOW_VERSION:  # logs through `logging` alone, and prints the same once more
            return caplog.text
        seen.append(capsys.readouterr().out)
        return "".join(seen) + caplog.text

    return text


@pytest.fixture
def pigment(sandbox_connections: Any) -> Any:
    """The sandbox, whose imports take a moment only."""
    sandbox_connections.change_settings(run_seconds=0.05)
    return sandbox_connections


@pytest.fixture
def trigger_task(pigment: Any, deferrable: bool) -> MakeTask:
    """``trigger_task(**parameters)`` gives a maker of PigmentTriggerImportOperators."""

    def task(**parameters: Any) -> Callable[[], PigmentTriggerImportOperator]:
        given = {"configuration_id": INTEGRATION_CONFIGURATION_ID, "deferrable": deferrable, "poll_interval": 0.05}
        return lambda: PigmentTriggerImportOperator(task_id="load", **{**given, **parameters})

    return task


@pytest.fixture
def push_task(pigment: Any, deferrable: bool) -> MakeTask:
    """``push_task(data=...)`` gives a maker of PigmentPushCsvOperators."""

    def task(**parameters: Any) -> Callable[[], PigmentPushCsvOperator]:
        given = {"configuration_id": UPLOAD_CONFIGURATION_ID, "deferrable": deferrable, "poll_interval": 0.05}
        return lambda: PigmentPushCsvOperator(task_id="load", **{**given, **parameters})

    return task


class CancelingOperator(PigmentTriggerImportOperator):
    """Of a vendor that can cancel."""

    entry = replace(PigmentTriggerImportOperator.entry, hook="tests.tries.CancelingHook")
    without_effect = ()


@pytest.fixture
def canceling_task(pigment: Any, deferrable: bool, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Callable[[], Any]]:
    """``canceling_task(**parameters)`` gives a maker of operators whose vendor can cancel."""
    monkeypatch.setattr(CancelingHook, "canceled", [])

    def task(**parameters: Any) -> Callable[[], CancelingOperator]:
        given = {"configuration_id": INTEGRATION_CONFIGURATION_ID, "deferrable": deferrable, "poll_interval": 0.05}
        return lambda: CancelingOperator(task_id="load", **{**given, **parameters})

    return task
