"""The recipes, in a running Airflow against the sandbox, as a user's Airflow would run them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_imports.hooks.pigment import PigmentHook
from airflow_provider_imports.sandbox.pigment import INTEGRATION_CONFIGURATION_ID
from tests.system.running_airflow import LOOPBACK, free_port
from tests.tries import starts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_provider_imports.sandbox import Sandbox
    from tests.system.running_airflow import RunningAirflow
    from tests.system.test_notifier import Mails

pytestmark = [pytest.mark.system, pytest.mark.long]

FILES = 20
AT_A_TIME = 3


def assert_ended(airflow: RunningAirflow, dag_id: str, run_id: str, state: str = "success") -> None:
    """Wait for a run's end; what its tasks did is shown if it is another."""
    ended = airflow.wait_for_run(dag_id, run_id, timeout=900)
    assert ended == state, airflow.task_states(dag_id, run_id)


def most_at_a_time(sandbox: Sandbox) -> int:
    """How many imports ran at the vendor side by side, by its own clock."""
    imports = sandbox.vendors["pigment"].imports.values()
    changes = sorted(change for one in imports for change in ((one.progress.began, 1), (one.progress.ended_at, -1)))
    running = most = 0
    for _, change in changes:
        running += change
        most = max(most, running)
    return most


def test_twenty_files_of_a_folder_three_at_a_time(airflow: RunningAirflow, sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.change_settings(run_seconds=4.0)
    airflow.create_pool("pigment", AT_A_TIME, include_deferred=True)
    for number in range(FILES):
        (tmp_path / f"plan-{number:02}.csv").write_text("month;amount\n" + "2026-01;1\n" * (number + 1))
    (tmp_path / "readme.txt").write_text("no plan")

    run_id = airflow.trigger("pigment_push_many", conf={"folder": tmp_path.as_uri()})

    assert_ended(airflow, "pigment_push_many", run_id)
    manifests = [airflow.xcom("pigment_push_many", run_id, "push_csv", map_index=n) for n in range(FILES)]
    assert [one["counts"]["inserted"] for one in manifests] == [number + 1 for number in range(FILES)]
    assert len(starts(sandbox)) == len({one["run"]["import_id"] for one in manifests}) == FILES
    assert 1 < most_at_a_time(sandbox) <= AT_A_TIME


def test_an_import_of_another_system_is_waited_for(
    airflow: RunningAirflow, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.change_settings(run_seconds=3.0)
    monkeypatch.setenv("AIRFLOW_CONN_PIGMENT_DEFAULT", sandbox.connection_env()["AIRFLOW_CONN_PIGMENT_DEFAULT"])
    started = PigmentHook().trigger_import(INTEGRATION_CONFIGURATION_ID).key

    run_id = airflow.trigger("pigment_wait_for_foreign_import", conf=started)

    assert_ended(airflow, "pigment_wait_for_foreign_import", run_id)
    manifest = airflow.xcom("pigment_wait_for_foreign_import", run_id, "wait_for_import")
    assert (manifest["run"], manifest["state"], manifest["sent"]) == (started, "succeeded", None)
    assert airflow.xcom("pigment_wait_for_foreign_import", run_id, "go_on") == manifest["counts"]["inserted"] > 0
    assert len(starts(sandbox)) == 1, "the sensor starts nothing"


@pytest.mark.parametrize(("rows", "state"), [("2026-01;1\n2026-02;2\n", "success"), ("2026-01;1\n2\n", "skipped")])
def test_the_next_dag_goes_on_only_if_every_row_got_in(
    airflow: RunningAirflow, sandbox: Sandbox, tmp_path: Path, rows: str, state: str
) -> None:
    file = tmp_path / "plan.csv"
    file.write_text(f"month;amount\n{rows}")
    airflow.unpause("pigment_publish_if_complete")
    before = set(airflow.run_ids("pigment_publish_if_complete"))

    run_id = airflow.trigger("pigment_update_plan", conf={"file_path": str(file)})

    assert_ended(airflow, "pigment_update_plan", run_id)

    def woken() -> str | None:
        return next(iter(set(airflow.run_ids("pigment_publish_if_complete")) - before), None)

    next_run = airflow.wait_for(woken, 300, "the next DAG to run")
    assert_ended(airflow, "pigment_publish_if_complete", next_run)
    assert airflow.task_states("pigment_publish_if_complete", next_run)["publish"] == state


def test_users_come_from_a_task_and_from_a_data_frame(airflow: RunningAirflow, sandbox: Sandbox) -> None:
    pytest.importorskip("pyarrow", reason="Airflow writes XComs of DataFrames with it")

    run_id = airflow.trigger("rocketchat_users_from_tasks")

    assert_ended(airflow, "rocketchat_users_from_tasks", run_id)
    told = {
        name: airflow.xcom("rocketchat_users_from_tasks", run_id, f"import_{name}") for name in ("staff", "trainees")
    }
    assert {name: (one["sent"]["rows"], one["counts"]["inserted"]) for name, one in told.items()} == {
        "staff": (2, 2),
        "trainees": (3, 3),
    }
    users = {user["username"]: user for user in sandbox.vendors["rocketchat"].users}
    assert {"anna", "bert", "cleo", "dora", "emil"} <= set(users)
    assert (users["cleo"].get("name"), users["dora"].get("name")) == ("Cleo", None)


@pytest.fixture
def mails(airflow: RunningAirflow) -> Iterator[Mails]:
    """The mails that the connection ``smtp_default`` of the running Airflow has delivered."""
    from aiosmtpd.controller import Controller

    from tests.system.test_notifier import Mails  # skips without the notifiers' providers

    controller = Controller(Mails(), hostname=LOOPBACK, port=free_port())
    controller.start()
    connection = {
        "connection_id": "smtp_default",
        "conn_type": "smtp",
        "host": LOOPBACK,
        "port": controller.port,
        "extra": '{"disable_ssl": true, "disable_tls": true, "from_email": "airflow@example.com"}',
    }
    airflow.api("POST", "connections", json=connection)
    yield controller.handler
    airflow.api("DELETE", "connections/smtp_default")
    controller.stop()


def test_an_e_mail_tells_the_counts_of_rejected_rows(
    airflow: RunningAirflow, sandbox: Sandbox, mails: Mails, tmp_path: Path
) -> None:
    file = tmp_path / "plan.csv"
    file.write_text("a;b\n1;2\n3\n")

    run_id = airflow.trigger("pigment_tell_of_failures", conf={"file_path": str(file)})

    assert_ended(airflow, "pigment_tell_of_failures", run_id, "failed")
    manifest: dict[str, Any] = airflow.xcom("pigment_tell_of_failures", run_id, "push_csv", "manifest")
    assert (manifest["rejected"], manifest["counts"]["inserted"]) == (1, 1)
    airflow.wait_for(lambda: mails.received or None, 300, "the e-mail")
    subject, content = mails.only()
    assert subject == "pigment_tell_of_failures.push_csv failed: 1 rejected"
    assert manifest["run"]["import_id"] in content
    assert "1 row was rejected" in content
