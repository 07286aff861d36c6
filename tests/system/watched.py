"""The DAG ``import_ended``, which is started by imports that nobody of this Airflow started."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_imports.hooks.websale import WebsaleHook
from airflow_provider_imports.polling import PollPolicy

if TYPE_CHECKING:
    import pytest

    from airflow_provider_imports.models import ImportRun
    from airflow_provider_imports.sandbox import Sandbox
    from tests.system.running_airflow import RunningAirflow

DAG = "import_ended"
SERVICE = "category"
PATIENCE = 300  # on a busy machine


class Watched:
    """The DAG ``import_ended``, and the shop whose imports it is about."""

    def __init__(self, airflow: RunningAirflow, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
        self.airflow, self.sandbox = airflow, sandbox
        for name, value in sandbox.connection_env().items():
            monkeypatch.setenv(name, value)
        sandbox.change_settings(run_seconds=0.5)

    def begin(self) -> None:
        """Unpause the DAG, and wait until what there is was taken note of."""
        self.airflow.unpause(DAG)
        self._read_again()
        self.wait_for_looks()

    def pause(self) -> None:
        """Pause the DAG: nobody looks any more."""
        self.airflow.api("PATCH", f"dags/{DAG}", json={"is_paused": True})
        self._read_again()

    def _read_again(self) -> None:
        """Have Airflow read the DAG: only then it starts and ends the watchers of a DAG that was unpaused or paused."""
        (self.airflow.dags_folder / f"{DAG}.py").touch()

    def looks(self) -> int:
        entries = self.sandbox.entries("websale", "get_import_status")
        return sum(SERVICE in entry.path for entry in entries)

    def wait_for_looks(self, number: int = 3) -> None:
        asked = self.looks()
        self.airflow.wait_for(lambda: self.looks() >= asked + number or None, PATIENCE, "looks at the shop")

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
            self.airflow.wait_for_run(DAG, run_id, PATIENCE)
            given += self.airflow.xcom(DAG, run_id, "manifests") or []
        return given

    def wait_for_manifests(self, number: int) -> list[dict[str, Any]]:
        def given() -> list[dict[str, Any]] | None:
            found = self.manifests()
            return found if len(found) >= number else None

        return self.airflow.wait_for(given, PATIENCE, f"{number} manifests")
