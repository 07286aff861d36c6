"""Imports that nobody of this Airflow started start a DAG: each once, whatever happens to triggerer and DAG."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_imports.hooks.websale import WebsaleHook
from airflow_provider_imports.polling import PollPolicy

if TYPE_CHECKING:
    from airflow_provider_imports.models import ImportRun
    from airflow_provider_imports.sandbox import Sandbox
    from tests.system.running_airflow import RunningAirflow

pytestmark = pytest.mark.system

DAG = "import_ended"
SERVICE = "category"


class Watched:
    """The DAG ``import_ended``, and the shop whose imports it is about."""

    def __init__(self, airflow: RunningAirflow, sandbox: Sandbox) -> None:
        self.airflow, self.sandbox = airflow, sandbox

    def looks(self) -> int:
        entries = self.sandbox.entries("websale", "get_import_status")
        return sum(SERVICE in entry.path for entry in entries)

    def wait_for_looks(self, number: int = 3) -> None:
        asked = self.looks()
        self.airflow.wait_for(lambda: self.looks() >= asked + number or None, 60, "looks at the shop")

    def import_by_somebody(self) -> ImportRun:
        """Import as a person or another system does, and wait for the end."""
        hook = WebsaleHook()
        run = hook.start_import(SERVICE, b'[{"id": 1}]', "json")
        hook.wait(run, PollPolicy(0.1, 0.1))
        return run

    def manifests(self) -> list[dict[str, Any]]:
        """All that the DAG's runs were given."""
        given: list[dict[str, Any]] = []
        for run_id in self.airflow.run_ids(DAG):
            self.airflow.wait_for_run(DAG, run_id)
            given += self.airflow.xcom(DAG, run_id, "manifests") or []
        return given

    def wait_for_manifests(self, number: int) -> list[dict[str, Any]]:
        def given() -> list[dict[str, Any]] | None:
            found = self.manifests()
            return found if len(found) >= number else None

        return self.airflow.wait_for(given, 90, f"{number} manifests")


@pytest.fixture
def watched(airflow: RunningAirflow, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Watched:
    for name, value in sandbox.connection_env().items():
        monkeypatch.setenv(name, value)
    sandbox.change_settings(run_seconds=0.5)
    return Watched(airflow, sandbox)


def test_a_foreign_import_starts_a_dag_once_over_restarts_of_the_triggerer(
    watched: Watched, airflow: RunningAirflow, sandbox: Sandbox
) -> None:
    before = watched.import_by_somebody()
    airflow.unpause(DAG)
    watched.wait_for_looks()

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

    airflow.api("PATCH", f"dags/{DAG}", json={"is_paused": True})
    airflow.unpause(DAG)
    watched.wait_for_looks()

    last = watched.import_by_somebody()
    given = watched.wait_for_manifests(3)
    assert [manifest["run"] for manifest in given] == [dict(run.key) for run in (first, while_away, last)]
    assert before.key not in [manifest["run"] for manifest in given]
    assert sandbox.entries("websale", "cancel_import") == []
