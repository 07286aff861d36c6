"""The example DAGs that nothing else runs, through ``dag.test()``: what the vendor received, how each task ended."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.dag_processing.dagbag import DagBag

from airflow_provider_imports.hooks.websale import WebsaleHook
from airflow_provider_imports.testing.ways_out import until
from tests.system.test_dag_test import EXAMPLES, Ran, example
from tests.tries import default_poll_interval

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_imports.models import ImportRun
    from airflow_provider_imports.sandbox import Sandbox

pytestmark = [pytest.mark.system, pytest.mark.usefixtures("airflow_database", "sandbox_connections")]

LONG = 3600.0
#: Between two looks.
SECONDS = 0.1


def run(name: str, **params: Any) -> Ran:
    """Run an example with short waits and without retries."""
    dag = DagBag(EXAMPLES / f"{name}.py").dags[name]
    for task in dag.tasks:
        task.retries = 0
        for wait in {"poll_interval", "poke_interval", "max_poll_interval"} & vars(task).keys():
            setattr(task, wait, SECONDS)
    return Ran(dag, **params)


def acted(sandbox: Sandbox, vendor: str) -> list[str]:
    """What the vendor did, in order."""
    return [entry.operation for entry in sandbox.entries(vendor) if entry.acted and entry.operation != "login"]


def test_a_missing_definition_is_made_once_and_run_by_each_run(sandbox: Sandbox) -> None:
    sandbox.change_settings(run_seconds=0.0)

    for is_made in (True, False):
        done = run("bloomreach_define_and_run")
        assert done.states == {"define_import": "success", "run_import": "success"}
        assert done.xcom("define_import")["created"] is is_made
    assert acted(sandbox, "bloomreach") == ["create_import", "run_import", "run_import"]


def test_the_stamp_of_this_run_arrives(sandbox: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    sandbox.change_settings(run_seconds=0.2, blueshift={"source": str(file)})

    done = run("blueshift_arrival", upload_to=file.as_uri())

    assert set(done.states.values()) == {"success"}
    assert done.xcom("wait_for_the_stamp")["state"] == "evidence"
    assert acted(sandbox, "blueshift") == ["trigger_customer_import"]


def test_an_operation_is_made_filled_with_the_hook_and_waited_for(sandbox: Sandbox) -> None:
    sandbox.change_settings(run_seconds=0.2)

    done = run("rocketchat_create_and_wait")

    assert set(done.states.values()) == {"success"}
    manifest = done.xcom("wait_for_import")
    assert (manifest["run"], manifest["counts"]["inserted"]) == (done.xcom("create_import")["run"], 1)
    assert acted(sandbox, "rocketchat") == ["new_import", "add_users", "run_import"]


def test_the_avatars_of_imported_users_are_fetched(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.change_settings(run_seconds=0.2)
    default_poll_interval(monkeypatch, "rocketchat", SECONDS)
    file = tmp_path / "staff.csv"
    file.write_text("emails,importIds,username,avatarUrl\nann@example.com,1,ann,https://example.com/ann.png\n")

    done = run("rocketchat_pending_avatars", file_path=str(file))

    assert done.states == {"import_users": "success", "download_avatars": "success"}
    assert done.xcom("download_avatars")["counts"]["inserted"] == 1
    assert acted(sandbox, "rocketchat") == ["new_import", "add_users", "run_import", "download_pending_avatars"]


def test_what_runs_is_canceled_by_hand_and_what_has_ended_is_told(sandbox: Sandbox) -> None:
    for seconds, state in ((0.0, "failed"), (LONG, "success")):
        sandbox.change_settings(run_seconds=seconds)
        WebsaleHook().start_import("product", b'[{"sku": "1"}]', "json")
        done = run("websale_cancel")
        assert done.states == {"cancel_import": state}

    assert done.xcom("cancel_import")["state"] == "canceled"
    assert acted(sandbox, "websale") == ["start_import", "start_import", "cancel_import"]


def test_an_import_is_paused_and_resumed(sandbox: Sandbox) -> None:
    sandbox.change_settings(run_seconds=3.0)

    done = run("websale_pause_and_resume")

    assert set(done.states.values()) == {"success"}
    assert done.xcom("resume_import")["run"] == done.xcom("start_import")["run"]
    assert done.xcom("resume_import")["counts"]["processed"] == 1000
    assert acted(sandbox, "websale") == ["start_import", "pause_import", "resume_import"]


def test_an_older_import_is_replaced(sandbox: Sandbox) -> None:
    sandbox.change_settings(run_seconds=LONG)
    older = WebsaleHook().start_import("inventory", b'[{"sku": "1"}]', "json")
    sandbox.change_settings(run_seconds=0.2)

    done = run("websale_replace")

    assert done.states == {"import_stock": "success"}
    assert done.xcom("import_stock")["run"] != dict(older.key)
    assert acted(sandbox, "websale") == ["start_import", "start_import"]


def test_an_import_by_anybody_is_handed_over_when_it_has_ended(sandbox: Sandbox) -> None:
    sandbox.change_settings(run_seconds=0.0)
    module = example("websale_import_ended")
    (watcher,) = module.orders.watchers
    _, arguments = watcher.trigger.serialize()
    trigger = type(watcher.trigger)(**{**arguments, "poll_interval": SECONDS})

    async def first_end() -> tuple[ImportRun, dict[str, Any]]:
        end = asyncio.ensure_future(anext(trigger.run()))
        await asyncio.to_thread(until, lambda: sandbox.entries("websale", "get_import_status")[1:])
        started = await asyncio.to_thread(WebsaleHook().start_import, "order", b'[{"id": "1"}]', "json")
        async with asyncio.timeout(30):
            return started, (await end).payload

    started, manifest = asyncio.run(first_end())

    events = {module.orders: [SimpleNamespace(extra={"payload": manifest})]}
    assert module.summarize.function(events) == [manifest]
    assert (manifest["run"], manifest["state"]) == (dict(started.key), "succeeded")
    assert acted(sandbox, "websale") == ["start_import"]
