"""A trigger, and the import that it waits for."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_imports.hooks.pigment import PigmentHook
from airflow_provider_imports.sandbox.pigment import INTEGRATION_CONFIGURATION_ID
from airflow_provider_imports.triggers.imports import ImportTrigger
from tests.tries import CancelingHook

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_imports.models import ImportRun

PIGMENT = "airflow_provider_imports.hooks.pigment.PigmentHook"


@pytest.fixture
def run(sandbox_connections: Any, monkeypatch: pytest.MonkeyPatch) -> ImportRun:
    """An import that runs for long."""
    monkeypatch.setattr(CancelingHook, "canceled", [])
    sandbox_connections.change_settings(run_seconds=300.0)
    return PigmentHook().trigger_import(INTEGRATION_CONFIGURATION_ID)


@pytest.fixture
def make_trigger(run: ImportRun) -> Callable[..., ImportTrigger]:
    """``make_trigger(hook=..., deadline=...)`` waits for that import."""

    def make(**changes: Any) -> ImportTrigger:
        arguments = {
            "hook": PIGMENT,
            "conn_id": "pigment_default",
            "run": run.to_json(),
            "deadline": time.time() + 300,
            "poll_interval": 0.05,
            "max_poll_interval": 0.1,
            "outage_tolerance": 60.0,
        }
        return ImportTrigger(**{**arguments, **changes})

    return make


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """The trigger's log."""
    return lambda: capsys.readouterr().out
