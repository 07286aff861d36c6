"""The night before a launch, as a company would run it: all five vendors in one Dag, and a second Dag that reports.

* Plan figures go into Pigment, several files into as many import configurations (dynamic task mapping).
* Products go into WEBSALE, new staff into Rocket.Chat.
* Once the customers' file is there, Bloomreach and Blueshift are told to fetch it.
* If a vendor rejected rows, one branch tells so; otherwise the other does.
* Products and staff are assets, and their events hold the counts: when both have been updated, ``launch_report`` runs.

Needs the five default connections and a pool ``imports`` that counts deferred tasks:

    airflow pools set imports 8 "imports at the vendors" --include-deferred

The default ids are the sandbox's.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from airflow.sdk import DAG, Asset, ObjectStoragePath, Param, TriggerRule, task

from airflow_provider_imports.operators.bloomreach import BloomreachStartImportOperator
from airflow_provider_imports.operators.blueshift import BlueshiftTriggerCustomerImportOperator
from airflow_provider_imports.operators.pigment import PigmentPushCsvOperator
from airflow_provider_imports.operators.rocketchat import RocketChatImportUsersOperator
from airflow_provider_imports.operators.websale import WebsaleStartImportOperator

log = logging.getLogger(__name__)

PRODUCTS, STAFF = Asset("launch_products"), Asset("launch_staff")
# The pool counts deferred tasks too, so it limits how many imports run at the vendors, not how many workers are busy.
IMPORTS = {"pool": "imports", "deferrable": True, "poll_interval": 5}

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
):

    @task
    def list_plans(params: dict[str, Any]) -> list[dict[str, str]]:
        """One file for each import configuration."""
        return list(params["plans"])

    push_plan = PigmentPushCsvOperator.partial(
        task_id="push_plan",
        map_index_template="{{ task.file_path.rpartition('/')[2] }}",
        max_rejected=0.01,  # more than one per cent of rejected rows fails the task
        **IMPORTS,
    ).expand_kwargs(list_plans())

    import_products = WebsaleStartImportOperator(
        task_id="import_products",
        service="product",
        file_path="{{ params.products_file }}",
        if_running="wait",  # for whoever in the shop is importing products right now
        outlets=[PRODUCTS],
        **IMPORTS,
    )

    import_staff = RocketChatImportUsersOperator(
        task_id="import_staff",
        file_path="{{ params.staff_file }}",
        if_running="wait",
        outlets=[STAFF],
        **IMPORTS,
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

    @task.branch(trigger_rule=TriggerRule.NONE_FAILED)
    def any_rejected(plans: list[dict[str, Any]], *others: dict[str, Any]) -> str:
        """A manifest counts what its vendor rejected; None where the vendor does not tell."""
        return "tell_of_rejected" if any(one["rejected"] for one in (*plans, *others)) else "tell_all_arrived"

    @task
    def tell_of_rejected(plans: list[dict[str, Any]], *others: dict[str, Any]) -> None:
        """A company would open a ticket here; the rows themselves are in the logs of the imports."""
        for one in (*plans, *others):
            if one["rejected"]:
                log.warning("%s rejected %s rows: %s", one["vendor"], one["rejected"], one["run"])

    @task
    def tell_all_arrived() -> None:
        """Tell that the launch may go ahead."""
        log.info("Every row arrived")

    manifests = (push_plan.output, import_products.output, import_staff.output)
    any_rejected(*manifests) >> [tell_of_rejected(*manifests), tell_all_arrived()]
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
