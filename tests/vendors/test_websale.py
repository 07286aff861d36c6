"""WEBSALE, proven with the test kit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_imports.hooks.websale import WebsaleHook
from airflow_provider_imports.operators.websale import WebsaleStartImportOperator
from airflow_provider_imports.sensors.websale import WebsaleImportSensor
from airflow_provider_imports.testing import Conformance, Start, Wait
from airflow_provider_imports.testing.fault_matrix import acted
from airflow_provider_imports.testing.matrix import fault_at
from airflow_provider_imports.testing.single_calls import FAULT, in_three_tries
from tests.conftest import SAMPLES

if TYPE_CHECKING:
    from pathlib import Path

STATUS = "get_import_status"


def inventory(folder: Path) -> dict[str, Any]:
    file = folder / "inventory.csv"
    if not file.exists():
        file.write_text("id;stock\n" + "1;5\n" * 50)
    return {"service": "inventory", "file_path": str(file)}


class TestWebsale(Conformance):
    starts = (
        Start(
            WebsaleStartImportOperator,
            inventory,
            "start_import",
            STATUS,
            "cancel_import",
            first=("login", STATUS, "start_import"),
            again=("login", STATUS),
            supersede=lambda: WebsaleHook().start_import("inventory", b'[{"id": "9"}]', format="json"),
            adopts=True,
        ),
    )
    sensors = (
        Wait(
            WebsaleImportSensor,
            lambda run: {"service": "inventory", "start": run.key["start"]},
            STATUS,
            first=("login", STATUS),
        ),
    )
    samples = SAMPLES / "websale"
    calls = {
        "pause_import": lambda hook: hook.pause_import("inventory"),
        "resume_import": lambda hook: hook.resume_import("inventory"),
        "cancel_import": lambda hook: hook.cancel_import("inventory"),
        "get_import_status": lambda hook: hook.get_import_status("inventory"),
        "slot": lambda hook: hook.run_flow(hook.slot_flow({"service": "inventory"})),
    }

    @FAULT
    @pytest.mark.parametrize("call", ["pause_import", "resume_import"])
    def test_a_pause_and_a_resume_act_once_and_are_told_truly(
        self, long_imports: Any, everything_told: Any, call: str, fault: str
    ) -> None:
        hook = WebsaleHook()
        hook.start_import("inventory", b'[{"id": "1"}]', format="json")
        if call == "resume_import":
            hook.pause_import("inventory")
        long_imports.clear_journal()
        long_imports.add_fault(**fault_at([call], 0, "websale", fault))
        _, errors = in_three_tries(lambda: getattr(hook, call)("inventory"))
        told = hook.get_import_status("inventory").status.vendor_status
        assert told == ("PAUSED" if call == "pause_import" else "RUNNING")
        assert {name: count for name, count in acted(long_imports, "websale").items() if name != "login"} == {call: 1}
        assert long_imports.connection("websale")["password"] not in everything_told(*errors)
