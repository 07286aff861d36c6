"""Two hundred deferred imports of all vendors while parts of the cluster are killed, frozen and restarted."""

from __future__ import annotations

import logging
import os
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.conftest import RUN_SECONDS
from tests.system.running_airflow import FINAL_RUN_STATES

pytest.importorskip("airflow.providers.celery", reason="the cluster's packages are not installed: make cluster-test")

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_imports.sandbox import Sandbox
    from airflow_provider_imports.testing.vendor_clock import VendorClock
    from tests.cluster.cluster import Cluster

pytestmark = pytest.mark.system
log = logging.getLogger(__name__)

DEFERRED = int(os.environ.get("CLUSTER_IMPORTS", "200"))
STARTS = {
    "bloomreach": "start_import",
    "blueshift": "trigger_customer_import",
    "pigment": "push_csv",
    "rocketchat": "run_import",
    "websale": "start_import",
}
WEBSALE, ROCKETCHAT = 16, 2
#: Imports that the vendor could cancel; as many wait for a slot, and have none.
CANCELABLE = WEBSALE // 2 + ROCKETCHAT // 2
PATIENCE = 1200  # for all tasks to get from one state to another, on a busy machine


@dataclass
class Story:
    """What happened to the cluster, and what was seen of it."""

    imports: str = ""
    held: str = ""
    killed_worker: str = ""
    before_kill: Counter[int | None] = field(default_factory=Counter)
    after_kill: Counter[int | None] = field(default_factory=Counter)
    before_freeze: Counter[int | None] = field(default_factory=Counter)
    after_freeze: Counter[int | None] = field(default_factory=Counter)


@pytest.fixture(scope="module")
def story(cluster: Cluster, sandbox: Sandbox, vendor_clock: VendorClock, hold: Path) -> Story:
    """Everything that can be lost in a cluster is lost once while the imports run, and everything has ended."""
    story = Story()

    story.held = cluster.trigger("cluster_held")
    _wait_until(cluster, lambda: len(_started(sandbox)) == 2, "both held imports to be started")
    _wait_until(cluster, lambda: _is_running(cluster, story.held, "pigment"), "the held task to be running")
    (pigment,) = [ti for ti in cluster.task_instances("cluster_held", story.held) if ti["task_id"] == "pigment"]
    story.killed_worker = cluster.component_of(pigment["pid"])
    cluster.kill(story.killed_worker)
    hold.unlink()
    cluster.start(story.killed_worker)

    story.imports = cluster.trigger("cluster_imports")
    _wait_until(cluster, lambda: sum(_waited_for(cluster, story.imports).values()) == DEFERRED, "all to be deferred")
    _wait_until(cluster, lambda: None not in _waited_for(cluster, story.imports), "all to be waited for")

    story.before_kill = _waited_for(cluster, story.imports)
    cluster.kill("triggerer-1")
    _wait_until(cluster, lambda: len(_waited_for(cluster, story.imports)) == 1, "the other triggerer to take over")
    story.after_kill = _waited_for(cluster, story.imports)
    cluster.start("triggerer-1")
    cluster.wait_until_ready()

    story.before_freeze = _waited_for(cluster, story.imports)
    cluster.pause("triggerer-2")
    _wait_until(
        cluster,
        lambda: not _waited_for(cluster, story.imports).keys() & story.before_freeze.keys(),
        "the new triggerer to take over",
    )
    cluster.resume("triggerer-2")
    story.after_freeze = _waited_for(cluster, story.imports)
    _wait_until(
        cluster,
        lambda: _all_logs(cluster).count("has moved to another triggerer") >= CANCELABLE,
        "the frozen triggerer to find all its triggers gone",
    )

    cluster.kill("api-server")
    cluster.start("api-server")
    cluster.wait_until_ready()

    sandbox.change_settings(run_seconds=1)
    vendor_clock.advance(RUN_SECONDS)
    _wait_until(cluster, lambda: sum(_waited_for(cluster, story.imports).values()) < DEFERRED, "the first to end")
    cluster.restart_broker()

    _wait_until(cluster, lambda: _has_ended(cluster, "cluster_held", story.held), "the held imports' end")
    _wait_until(cluster, lambda: _has_ended(cluster, "cluster_imports", story.imports), "all imports' end")
    return story


def test_every_task_ends_green(story: Story, cluster: Cluster) -> None:
    held = cluster.task_instances("cluster_held", story.held)
    imports = cluster.task_instances("cluster_imports", story.imports)

    assert (len(held), len(imports)) == (2, DEFERRED + 2)
    assert "\n".join(_end_of_log(cluster, task) for task in [*held, *imports] if task["state"] != "success") == ""


def test_each_import_is_started_once(story: Story, sandbox: Sandbox) -> None:
    by_vendor = Counter(vendor for vendor, _ in _started(sandbox))

    assert by_vendor == {
        "bloomreach": 1,
        "blueshift": 1,
        "pigment": DEFERRED - WEBSALE - ROCKETCHAT + 1,
        "rocketchat": ROCKETCHAT,
        "websale": WEBSALE + 1,
    }


def test_none_is_canceled(story: Story, sandbox: Sandbox) -> None:
    assert sandbox.entries("websale", "cancel_import") == []
    assert [entry for entry in sandbox.entries("rocketchat", "clear_import") if entry.acted] == []


def test_a_worker_lost_between_start_and_deferral_costs_a_try_and_no_import(story: Story, cluster: Cluster) -> None:
    (pigment,) = [ti for ti in cluster.task_instances("cluster_held", story.held) if ti["task_id"] == "pigment"]
    log = cluster.task_log("cluster_held", story.held, "pigment", pigment["try_number"])

    assert pigment["try_number"] == 2
    assert "An earlier try started this Pigment import" in log


def test_the_triggers_of_a_killed_triggerer_move_to_the_other(story: Story) -> None:
    assert len(story.before_kill) == 2
    assert list(story.after_kill.values()) == [DEFERRED]


def test_a_frozen_triggerer_that_comes_back_leaves_the_others_imports_alone(story: Story, cluster: Cluster) -> None:
    logs = _all_logs(cluster)

    assert story.before_freeze.keys().isdisjoint(story.after_freeze)
    assert "invoking on_kill" in logs  # if not, Airflow's fault is gone, and what is tested here with it
    assert "The task was killed" not in logs
    assert "is left running" not in logs


def test_an_import_is_canceled_if_a_person_kills_its_task(story: Story, cluster: Cluster, sandbox: Sandbox) -> None:
    sandbox.change_settings(run_seconds=RUN_SECONDS)
    run = cluster.trigger("cluster_killed_by_a_person")
    cluster.wait_for_task("cluster_killed_by_a_person", run, "websale", "deferred")
    _wait_until(cluster, lambda: None not in _waited_for(cluster, run, "cluster_killed_by_a_person"), "its trigger")

    cluster.set_task_state("cluster_killed_by_a_person", run, "websale", "failed")

    _wait_until(cluster, lambda: bool(sandbox.entries("websale", "cancel_import")), "the import to be canceled")
    assert [entry.acted for entry in sandbox.entries("websale", "cancel_import")] == [True]


def _started(sandbox: Sandbox) -> list[tuple[str, str | None]]:
    return [
        (entry.vendor, entry.run)
        for entry in sandbox.journal
        if entry.acted and STARTS.get(entry.vendor) == entry.operation
    ]


def _is_running(cluster: Cluster, run_id: str, task_id: str) -> bool:
    return cluster.task_states("cluster_held", run_id).get(task_id) == "running"


def _has_ended(cluster: Cluster, dag_id: str, run_id: str) -> bool:
    return cluster.run_state(dag_id, run_id) in FINAL_RUN_STATES


def _waited_for(cluster: Cluster, run_id: str, dag_id: str = "cluster_imports") -> Counter[int | None]:
    return cluster.triggers_by_triggerer(dag_id, run_id)


def _wait_until(cluster: Cluster, true: Callable[[], bool], what: str) -> None:
    began = time.monotonic()
    cluster.wait_for(lambda: true() or None, PATIENCE, what, every=1.0)
    log.info("Waited %.0f s for %s", time.monotonic() - began, what)


def _end_of_log(cluster: Cluster, task: dict[str, Any]) -> str:
    dag_id, run_id, task_id = task["dag_id"], task["dag_run_id"], task["task_id"]
    log = cluster.task_log(dag_id, run_id, task_id, task["try_number"], map_index=task["map_index"])
    return "\n".join([f"{task_id}[{task['map_index']}]: {task['state']}", *log.splitlines()[-15:]])


def _all_logs(cluster: Cluster) -> str:
    return "\n".join(file.read_text(errors="replace") for file in (cluster.home / "logs").rglob("*.log*"))
