"""Imports of all vendors, by the hundred, for ``make soak``. The run's conf says how many of each."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Param, task

from airflow_provider_imports.operators.bloomreach import BloomreachStartImportOperator
from airflow_provider_imports.operators.blueshift import BlueshiftTriggerCustomerImportOperator
from airflow_provider_imports.operators.pigment import PigmentPushCsvOperator
from airflow_provider_imports.operators.rocketchat import RocketChatImportUsersOperator
from airflow_provider_imports.operators.websale import WebsaleStartImportOperator
from airflow_provider_imports.sandbox import bloomreach, blueshift, pigment

# Many retries: while a start is unclear, for two minutes at most, each try looks for half a minute, and fails.
STARTING: dict[str, Any] = {"retries": 12, "retry_delay": timedelta(seconds=1)}
WAITING: dict[str, Any] = {**STARTING, "deferrable": True, "poll_interval": 1, "timeout": 900}

with DAG(
    "soak",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    max_active_tasks=64,
    params={vendor: Param(1, type="integer") for vendor in ("pigment", "websale", "rocketchat", "bloomreach")},
):

    @task
    def plan_figures(params: Any) -> list[str]:
        return [f"month,amount\n2026-01,{number}\n" for number in range(params["pigment"])]

    @task
    def stock(params: Any) -> list[dict[str, str]]:
        services = ("inventory", "category", "voucher", "seoViews", "dataFeed", "productRating", "customerAccount")
        return [
            {"service": services[number % len(services)], "data": f'[{{"id": "{number}"}}]'}
            for number in range(params["websale"])
        ]

    @task
    def staff(params: Any) -> list[list[dict[str, Any]]]:
        return [
            [{"emails": [f"u{number}@example.com"], "importIds": [f"u{number}"], "username": f"u{number}"}]
            for number in range(params["rocketchat"])
        ]

    @task
    def catalogs(params: Any) -> list[str]:
        return [bloomreach.UI_IMPORT_ID] * params["bloomreach"]

    PigmentPushCsvOperator.partial(
        task_id="pigment", configuration_id=pigment.UPLOAD_CONFIGURATION_ID, **WAITING
    ).expand(data=plan_figures())
    WebsaleStartImportOperator.partial(task_id="websale", format="json", if_running="wait", **WAITING).expand_kwargs(
        stock()
    )
    RocketChatImportUsersOperator.partial(task_id="rocketchat", if_running="wait", **WAITING).expand(users=staff())
    BloomreachStartImportOperator.partial(task_id="bloomreach", **STARTING).expand(import_id=catalogs())
    BlueshiftTriggerCustomerImportOperator.partial(task_id="blueshift", **STARTING).expand(
        uuid=[blueshift.LAUNCHED_UUID, blueshift.SECOND_LAUNCHED_UUID]
    )
