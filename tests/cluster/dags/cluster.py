"""Imports at every vendor, and ones whose worker can be killed between start and deferral.

`CLUSTER_IMPORTS` says how many deferred imports the DAG `cluster_imports` has.
"""

from __future__ import annotations

import os
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG

from airflow_provider_imports.operators.bloomreach import BloomreachStartImportOperator
from airflow_provider_imports.operators.blueshift import BlueshiftTriggerCustomerImportOperator
from airflow_provider_imports.operators.pigment import PigmentPushCsvOperator
from airflow_provider_imports.operators.rocketchat import RocketChatImportUsersOperator
from airflow_provider_imports.operators.websale import WebsaleStartImportOperator
from airflow_provider_imports.sandbox.bloomreach import UI_IMPORT_ID
from airflow_provider_imports.sandbox.blueshift import LAUNCHED_UUID
from airflow_provider_imports.sandbox.pigment import UPLOAD_CONFIGURATION_ID

DEFERRED = int(os.environ.get("CLUSTER_IMPORTS", "200"))
SERVICES = ("category", "customerAccount", "dataFeed", "inquiry", "inventory", "productRating", "seoViews", "voucher")
#: Imports at each WEBSALE service, and at the one Rocket.Chat: they wait for each other.
IN_A_ROW = 2

WEBSALE_IMPORTS = [{"service": service} for service in SERVICES for _ in range(IN_A_ROW)]
ROCKETCHAT_IMPORTS = [
    {"users": [{"username": f"user-{n}", "emails": [f"user-{n}@example.com"], "importIds": [f"{n}"]}]}
    for n in range(IN_A_ROW)
]
PIGMENT_IMPORTS = [
    f"month,amount\n2026-01-01,{n}\n" for n in range(DEFERRED - len(WEBSALE_IMPORTS) - len(ROCKETCHAT_IMPORTS))
]

COMMON: dict[str, Any] = {
    "schedule": None,
    "start_date": datetime(2026, 1, 1),
    "default_args": {"retries": 3, "retry_delay": timedelta(seconds=2)},
    "max_active_tasks": 500,
}
WAITING: dict[str, Any] = {"deferrable": True, "poll_interval": 2, "max_poll_interval": 5}
RECORDS = [{"id": 1}, {"id": 2}]


class HeldBetweenStartAndDeferral:
    """Mix into an operator: after the start, the first try waits as long as there is a file `hold`."""

    def _announce(self, context: Any, run: Any) -> None:
        super()._announce(context, run)  # type: ignore[misc]
        hold = Path(os.environ["CLUSTER_HOLD"])
        while context["ti"].try_number == 1 and hold.exists():
            time.sleep(0.1)


class HeldPigment(HeldBetweenStartAndDeferral, PigmentPushCsvOperator):
    """At a vendor that can't be asked whether an unclear start took place."""


class HeldWebsale(HeldBetweenStartAndDeferral, WebsaleStartImportOperator):
    """At a vendor with one slot."""


with DAG("cluster_imports", **COMMON):
    BloomreachStartImportOperator(task_id="bloomreach", import_id=UI_IMPORT_ID)
    BlueshiftTriggerCustomerImportOperator(task_id="blueshift", uuid=LAUNCHED_UUID)
    PigmentPushCsvOperator.partial(task_id="pigment", configuration_id=UPLOAD_CONFIGURATION_ID, **WAITING).expand(
        data=PIGMENT_IMPORTS
    )
    WebsaleStartImportOperator.partial(
        task_id="websale", data=RECORDS, format="json", if_running="wait", **WAITING
    ).expand_kwargs(WEBSALE_IMPORTS)
    RocketChatImportUsersOperator.partial(task_id="rocketchat", if_running="wait", **WAITING).expand_kwargs(
        ROCKETCHAT_IMPORTS
    )

with DAG("cluster_held", **COMMON):
    HeldPigment(task_id="pigment", configuration_id=UPLOAD_CONFIGURATION_ID, data="a,b\n1,2\n", **WAITING)
    HeldWebsale(task_id="websale", service="order", data=RECORDS, format="json", **WAITING)

with DAG("cluster_killed_by_a_person", **COMMON):
    WebsaleStartImportOperator(
        task_id="websale", service="newsletterSubscriber", data=RECORDS, format="json", **WAITING
    )
