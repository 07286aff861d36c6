"""The recipes that Airflow's own ``dag.test()`` can run, against the sandbox: what the vendor received, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.timezone import datetime

from tests.system.test_dag_test import Ran, example
from tests.tries import starts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_imports.sandbox import Sandbox
    from tests.system.running_airflow import RunningAirflow

pytestmark = [pytest.mark.system, pytest.mark.usefixtures("airflow_database", "sandbox_connections")]


def test_each_day_is_imported_once_and_a_cleared_day_again(sandbox: Any, tmp_path: Path) -> None:
    dag = example("pigment_daily_with_catchup").dag
    for day in (1, 2):
        (tmp_path / f"2026-01-0{day}.csv").write_text("month;amount\n" + "2026-01;1\n" * day)

    ran = [Ran(dag, logical_date=datetime(2026, 1, day), folder=str(tmp_path)) for day in (1, 2)]

    manifests = [one.xcom("push_day") for one in ran]
    assert [one["counts"]["inserted"] for one in manifests] == [1, 2]
    assert [entry.run for entry in starts(sandbox)] == [one["run"]["import_id"] for one in manifests]

    again = Ran(dag, logical_date=datetime(2026, 1, 1), folder=str(tmp_path))
    assert again.xcom("push_day")["counts"]["inserted"] == 1
    assert len(starts(sandbox)) == 3


def test_two_dags_take_turns_at_the_only_slot(airflow: RunningAirflow, sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.change_settings(run_seconds=3.0)
    airflow.create_pool("websale_product", 1, include_deferred=True)
    file = tmp_path / "products.json"
    file.write_text('[{"number": "1"}]')
    names = ("websale_all_products", "websale_new_prices")

    runs = {name: airflow.trigger(name, conf={"file_path": str(file)}) for name in names}

    for name, run_id in runs.items():
        assert airflow.wait_for_run(name, run_id, timeout=300) == "success"
    acted = [entry.operation for entry in sandbox.entries("websale") if entry.acted]
    assert acted.count("start_import") == 2
    assert "cancel_import" not in acted


def test_good_connections_are_told_and_a_bad_one_fails(sandbox: Any, set_connection: Callable[..., str]) -> None:
    bad = {**sandbox.connection("pigment"), "password": "expired"}
    set_connection("pigment_expired", **{name: value for name, value in bad.items() if name != "extra"})
    dag = example("check_connections").dag
    for task in dag.tasks:
        task.retries = 0

    good = Ran(dag, connections=["pigment_default", "websale_default"])
    assert good.state == "success"

    assert Ran(dag, connections=["pigment_default", "pigment_expired"]).state == "failed"
