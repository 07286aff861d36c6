"""The night before a launch, as a company would run it: all five vendors in one DAG, and a second DAG that reports.

* Plan figures go into Pigment, several files into as many import configurations (dynamic task mapping).
* Products go into WEBSALE, new staff into Rocket.Chat.
* Once the customers' file is there, Bloomreach and Blueshift are started, and fetch it.
* If a vendor rejected rows or an import failed, one branch runs; otherwise the other does.
* Products and staff are assets, and their events hold the counts: when both have been updated, ``launch_report`` runs.

Look at the task ``tell_of_rejected``: it runs when an import fails, too, since that leaves its manifest in XCom.

Needs the five default connections and a pool ``imports`` that counts deferred tasks:

    airflow pools set imports 8 "imports at the vendors" --include-deferred

The default ids are the sandbox's.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from airflow.sdk import DAG, Asset, ObjectStoragePath, Param, TaskGroup, TriggerRule, task

from airflow_provider_imports.operators.bloomreach import BloomreachStartImportOperator
from airflow_provider_imports.operators.blueshift import BlueshiftTriggerCustomerImportOperator
from airflow_provider_imports.operators.pigment import PigmentPushCsvOperator
from airflow_provider_imports.operators.rocketchat import RocketChatImportUsersOperator
from airflow_provider_imports.operators.websale import WebsaleStartImportOperator
from airflow_provider_imports.retry_policy import import_retry_policy

log = logging.getLogger(__name__)

PRODUCTS, STAFF = Asset("launch_products"), Asset("launch_staff")
# The pool counts deferred tasks too, so it limits how many imports run at the vendors, not how many workers are busy.
IMPORT_TASKS = ["push_plan", "import_products", "import_staff"]
# A retry goes on with the import that an earlier try started; the policy says what is worth one, and when.
IMPORTS: dict[str, Any] = {
    "pool": "imports",
    "deferrable": True,
    "poll_interval": 5,
    "retries": 3,
    "retry_policy": import_retry_policy(),
}

# [START howto_nightly_launch]
with DAG(
    dag_id="nightly_launch",
    schedule=None,  # a company would say "0 2 * * *"
    start_date=datetime(2026, 1, 1),
    max_active_runs=1,
    params={
        "plans": Param(
            [
                {"configuration_id": "33d0d7d0-6125-47c4-b36a-882f4ed53b33", "file_path": "/data/plan-sales.csv"},
                {"configuration_id": "5a1f0c56-3c70-4b6e-9a57-1d4f7e0c2b11", "file_path": "/data/plan-staff.csv"},
            ],
            type="array",
        ),
        "products_file": Param("/data/products.json", type="string"),
        "staff_file": Param("/data/staff.csv", type="string"),
        "customers_file": Param("/data/customers.csv", type="string"),
    },
    tags=["example", "pigment", "websale", "rocketchat", "bloomreach", "blueshift"],
    doc_md=__doc__,
) as launch:

    @task
    def list_plans(params: dict[str, Any]) -> list[dict[str, str]]:
        """One file for each import configuration."""
        return list(params["plans"])

    plans = list_plans()

    with TaskGroup("imports", prefix_group_id=False, default_args=IMPORTS):
        push_plan = PigmentPushCsvOperator.partial(
            task_id="push_plan",
            map_index_template="{{ task.file_path.rpartition('/')[2] }}",
            max_rejected=0.01,  # more than one per cent of rejected rows fails the task
        ).expand_kwargs(plans)

        import_products = WebsaleStartImportOperator(
            task_id="import_products",
            service="product",
            file_path="{{ params.products_file }}",
            if_running="wait",  # until an import of products that runs in the shop has ended
            outlets=[PRODUCTS],
        )

        import_staff = RocketChatImportUsersOperator(
            task_id="import_staff",
            file_path="{{ params.staff_file }}",
            if_running="wait",
            outlets=[STAFF],
        )

    @task.sensor(mode="reschedule", poke_interval=5, timeout=4 * 3600)
    def customers_file_is_there(params: dict[str, Any]) -> bool:
        """Wait for another system's export, without a worker."""
        return ObjectStoragePath(params["customers_file"]).exists()

    fetch_customers = [
        BloomreachStartImportOperator(task_id="start_bloomreach", import_id="5f8a3b2e1c9d4e6f7a8b9c0d"),
        BlueshiftTriggerCustomerImportOperator(
            task_id="trigger_blueshift", uuid="8c1e2d4b-70b5-4f0d-b0d5-51c5cbb6a3f2"
        ),
    ]

    # An import that failed returns nothing, but its manifest is in XCom, so this branch works then, too.
    @task.branch(trigger_rule=TriggerRule.ALL_DONE)
    def any_rejected(ti: Any) -> str:
        """A manifest counts what its vendor rejected; None where the vendor does not count."""
        found = [one for one in ti.xcom_pull(task_ids=IMPORT_TASKS, key="manifest") if one]
        ti.xcom_push(key="rejected", value=[one for one in found if one["rejected"] or one["error"]])
        return "tell_of_rejected" if any(one["rejected"] or one["error"] for one in found) else "tell_all_arrived"

    @task
    def tell_of_rejected(ti: Any) -> None:
        """A company would open a ticket here; the first of the rows are in the manifest's ``errors``."""
        for one in ti.xcom_pull(task_ids="any_rejected", key="rejected"):
            log.warning("%s rejected %s rows: %s %s", one["vendor"], one["rejected"], one["run"], one["errors"])

    @task
    def tell_all_arrived() -> None:
        """Say that the launch may go ahead."""
        log.info("Every row arrived")

    all_arrived = tell_all_arrived()
    [push_plan, import_products, import_staff] >> any_rejected() >> [tell_of_rejected(), all_arrived]
    # An import that failed before it began has no manifest.
    [push_plan, import_products, import_staff] >> all_arrived
    customers_file_is_there() >> fetch_customers
# [END howto_nightly_launch]

# [START howto_launch_report]
with DAG(
    dag_id="launch_report",
    schedule=[PRODUCTS, STAFF],  # when both have been updated
    start_date=datetime(2026, 1, 1),
    tags=["example"],
    doc_md="Add up what arrived, from the asset events of ``nightly_launch``.",
):

    @task
    def add_up(triggering_asset_events: Any) -> dict[str, dict[str, Any]]:
        """Each event's ``extra`` holds the import's vendor, run, state, counts and rejected rows."""
        told = [event.extra for events in triggering_asset_events.values() for event in events]
        for one in told:
            log.info("%s: %s, %s, %s rejected", one["vendor"], one["state"], one["counts"], one["rejected"])
        return {one["vendor"]: {"counts": one["counts"], "rejected": one["rejected"]} for one in told}

    add_up()
# [END howto_launch_report]
