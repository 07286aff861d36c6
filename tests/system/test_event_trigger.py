"""Imports that nobody of this Airflow started start a DAG: each once, whatever happens to triggerer and DAG."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.system.watched import Watched

if TYPE_CHECKING:
    from airflow_provider_imports.sandbox import Sandbox
    from tests.system.running_airflow import RunningAirflow

pytestmark = [pytest.mark.system, pytest.mark.long]


def test_a_foreign_import_starts_a_dag_once_over_restarts_of_the_triggerer(
    airflow: RunningAirflow, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(airflow, sandbox, monkeypatch)
    watched.import_by_somebody()  # had ended before the first look
    watched.begin()

    first = watched.import_by_somebody()
    (manifest,) = watched.wait_for_manifests(1)
    assert manifest["run"] == dict(first.key)
    assert manifest["state"] == "succeeded"
    assert manifest["counts"]["processed"] == 1

    airflow.kill("triggerer", signal.SIGTERM)
    while_away = watched.import_by_somebody()
    airflow.start("triggerer")
    watched.wait_for_manifests(2)

    airflow.kill("triggerer")
    airflow.start("triggerer")
    watched.wait_for_looks()

    watched.pause()
    watched.begin()

    last = watched.import_by_somebody()
    given = watched.wait_for_manifests(3)
    assert [manifest["run"] for manifest in given] == [dict(run.key) for run in (first, while_away, last)]
    assert sandbox.entries("websale", "cancel_import") == []
    watched.pause()
