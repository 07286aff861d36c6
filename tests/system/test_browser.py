"""A user's way through Airflow's UI, in a real Chromium: connect, test, trigger, watch, read, follow the link."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from airflow_provider_imports.sandbox import Sandbox
from airflow_provider_imports.sandbox import pigment as pigment_sandbox
from airflow_provider_imports.sandbox import websale as websale_sandbox
from tests.system import demo_data
from tests.system.running_airflow import RunningAirflow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.system.browser import AirflowUi

pytestmark = pytest.mark.system

RUN_SECONDS = 15
"""Of an import: long enough to be seen deferred."""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(run_seconds=RUN_SECONDS).in_thread() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def airflow(dags_folder: Path, sandbox: Sandbox) -> Iterator[RunningAirflow]:
    """An Airflow of its own: one that may test connections, and in which nobody has made any."""
    rocketchat = {"AIRFLOW_CONN_ROCKETCHAT_DEFAULT": sandbox.connection_env()["AIRFLOW_CONN_ROCKETCHAT_DEFAULT"]}
    with RunningAirflow(dags_folder, rocketchat, config={"core.test_connection": "Enabled"}) as airflow:
        airflow.wait_until_ready()
        yield airflow


@pytest.fixture(scope="module")
def ui(airflow: RunningAirflow) -> Iterator[AirflowUi]:
    """Airflow's UI in a browser, which is installed if it is missing and can be."""
    try:
        from tests.system.browser import NoBrowserError, chromium_path, open_browser
    except ImportError as error:
        _do_without(f"Playwright is not installed: {error}")
    try:
        chromium_path()
    except NoBrowserError as error:
        _do_without(str(error))
    with open_browser(airflow.url) as ui:
        yield ui


def _do_without(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(f"in CI this must not be skipped: {reason}")
    pytest.skip(reason)


def test_a_pigment_connection_is_made_by_the_form_and_tested_by_the_button(ui: AirflowUi, sandbox: Sandbox) -> None:
    fields = {
        "Host": f"{sandbox.url}/pigment",
        "Port": sandbox.url.rpartition(":")[2],
        "API key": pigment_sandbox.API_KEY,
    }
    ui.add_connection("Pigment", "our_pigment", fields)

    assert ui.test_connection("our_pigment") == {"status": True, "message": "Pigment accepted the API key."}
    assert {(entry.method, entry.acted) for entry in sandbox.entries("pigment")} == {("GET", False)}, "harmless reads"


def test_a_websale_connection_is_made_by_the_form_and_tested_by_the_button(ui: AirflowUi, sandbox: Sandbox) -> None:
    fields = {
        "Shop URL": f"{sandbox.url}/websale",
        "Port": sandbox.url.rpartition(":")[2],
        "Admin e-mail": websale_sandbox.EMAIL,
        "Password or API key": websale_sandbox.PASSWORD,
    }
    ui.add_connection("WEBSALE", "our_websale", fields)

    assert ui.test_connection("our_websale")["status"] is True
    assert {entry.operation for entry in sandbox.entries("websale")} == {"login", "get_import_status"}


def test_a_wrong_key_is_told_by_the_button(ui: AirflowUi, sandbox: Sandbox) -> None:
    fields = {"Host": f"{sandbox.url}/pigment", "Port": sandbox.url.rpartition(":")[2], "API key": "pgmt_wrong"}
    ui.add_connection("Pigment", "wrong_pigment", fields)

    told = ui.test_connection("wrong_pigment")

    assert told["status"] is False
    assert "API key" in told["message"]
    assert "pgmt_wrong" not in told["message"]


@pytest.mark.long
def test_an_import_is_triggered_waited_for_read_and_followed(
    ui: AirflowUi, airflow: RunningAirflow, sandbox: Sandbox, tmp_path: Path
) -> None:
    staff = demo_data.write("staff.csv", tmp_path)
    airflow.unpause("rocketchat_import_users")
    page_at_vendor = f"{sandbox.url}/rocketchat/admin/import"

    run_id = ui.trigger("rocketchat_import_users", {"file_path": str(staff)})

    ui.open_task("rocketchat_import_users", run_id, "import_users")
    ui.wait_for_state("import_users", "Deferred")
    assert ui.link("Open in Rocket.Chat") == page_at_vendor, "present already while the task waits"
    ui.open_task("rocketchat_import_users", run_id, "import_users")
    ui.wait_for_state("import_users", "Success")
    ui.wait_for_log("Started Rocket.Chat import (operation_id=")
    ui.wait_for_log("400 inserted, 0 failed, 400 total")
    assert ui.link("Open in Rocket.Chat") == page_at_vendor


@pytest.mark.long
def test_the_button_that_clears_a_task_answers_its_question(
    ui: AirflowUi, airflow: RunningAirflow, sandbox: Sandbox
) -> None:
    sandbox.add_fault("reset", vendor="pigment", operation="trigger_import", when="after")
    airflow.api("POST", "connections", json=connection(sandbox, "pigment"))
    run_id = airflow.trigger("unclear_start")
    ui.open_task("unclear_start", run_id, "import_plan")
    ui.wait_for_state("import_plan", "Failed")
    ui.wait_for_log("if no import was started, clear the task, and it starts one")

    ui.clear_open_task()

    ui.wait_for_state("import_plan", "Success")
    ui.wait_for_log("The task was cleared after it asked, so the import is started: twice, if it was")
    assert [entry.acted for entry in sandbox.entries("pigment", "trigger_import")] == [True, True]


def connection(sandbox: Sandbox, vendor: str) -> dict[str, Any]:
    """The vendor's default connection, as the REST API takes it."""
    made = sandbox.connection(vendor)
    return {**made, "connection_id": f"{vendor}_default", "extra": json.dumps(made["extra"])}
