"""Mistakes in DAGs, one a line: mypy and pyright must find each. Never run; tests/typing/test_typing.py reads it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from airflow.sdk import DAG, task

from airflow_provider_imports.operators.bloomreach import BloomreachStartImportOperator
from airflow_provider_imports.operators.blueshift import BlueshiftTriggerCustomerImportOperator
from airflow_provider_imports.operators.pigment import PigmentPushCsvOperator, PigmentTriggerImportOperator
from airflow_provider_imports.operators.rocketchat import RocketChatCreateImportOperator, RocketChatImportUsersOperator
from airflow_provider_imports.operators.websale import WebsalePauseImportOperator, WebsaleStartImportOperator
from airflow_provider_imports.sensors.bloomreach import BloomreachArrivalSensor
from airflow_provider_imports.sensors.pigment import PigmentImportSensor
from airflow_provider_imports.sensors.websale import WebsaleImportSensor

if TYPE_CHECKING:
    from airflow_provider_imports.operators.rocketchat_user_records import RocketChatUser

with DAG("mistakes"):
    # the seven that a review made
    PigmentPushCsvOperator(task_id="a", file_path="x.csv")  # mistake
    PigmentPushCsvOperator(task_id="b", configuration_id=5, file_path="x.csv")  # mistake
    PigmentPushCsvOperator(task_id="c", configuration_id="c", file_path="x.csv", max_rejcted=0)  # mistake
    PigmentPushCsvOperator(task_id="d", configuration_id="c", file_path="x.csv", poll_interval="soon")  # mistake
    PigmentPushCsvOperator(task_id="e", configuration_id="c", file_path="x.csv", deferrable="yes")  # mistake
    PigmentTriggerImportOperator(task_id="f", configuration_id="c", on_unknown_outcome="retry")  # mistake
    PigmentTriggerImportOperator(task_id="g", configuration_id="c", if_running="bogus")  # mistake
    # more of their kind
    PigmentTriggerImportOperator(task_id="h", configuration="Plan")  # mistake
    PigmentTriggerImportOperator(task_id="i")  # mistake
    PigmentPushCsvOperator(task_id="j", configuration_id="c", file_path=5)  # mistake
    PigmentPushCsvOperator(task_id="k", configuration_id="c", data="a", csv_format={"delimeter": ";"})  # mistake
    PigmentTriggerImportOperator(task_id="l", configuration_id="c", max_auto_created="none")  # mistake
    PigmentTriggerImportOperator(task_id="m", configuration_id="c", min_rows=0.5)  # mistake
    PigmentTriggerImportOperator(task_id="n", configuration_id="c", timeout="1h")  # mistake
    PigmentTriggerImportOperator(task_id="o", configuration_id="c", retrys=3)  # mistake
    PigmentTriggerImportOperator(task_id="p", configuration_id="c", retries="3")  # mistake
    WebsaleStartImportOperator(task_id="q", file_path="x.csv")  # mistake
    WebsaleStartImportOperator(task_id="r", service="product", file_path="x.csv", if_running="kill")  # mistake
    WebsaleStartImportOperator(task_id="t", service="product", data=[1, 2])  # mistake
    WebsalePauseImportOperator(task_id="u", service="product", timeout=5)  # mistake
    RocketChatImportUsersOperator(task_id="v", users=[{"emails": []}], batchsize=5)  # mistake
    RocketChatImportUsersOperator(task_id="w", users="users.csv")  # mistake
    RocketChatCreateImportOperator(task_id="x", max_rejected=0)  # mistake
    BloomreachStartImportOperator(task_id="y")  # mistake
    BloomreachStartImportOperator(task_id="z", import_id="i", test_connection="no")  # mistake
    BlueshiftTriggerCustomerImportOperator(task_id="aa", uuid="u", wait_for_completion=True)  # mistake
    PigmentImportSensor(task_id="ab")  # mistake
    PigmentImportSensor(task_id="ac", import_id="i", mode="defer")  # mistake
    PigmentImportSensor(task_id="ad", import_id="i", cancel_on_kill=True)  # mistake
    WebsaleImportSensor(task_id="ae", service="product", max_rejected="5 %")  # mistake
    PigmentTriggerImportOperator(task_id="ah", configuration_id="c", cancel_on_timeout=False)  # mistake
    BloomreachArrivalSensor(task_id="ai", customer_ids={}, property_name="p", value="v", min_rows=1)  # mistake
    BloomreachArrivalSensor(task_id="af", customer_ids={}, property_name="p", value="v", max_rejected=0)  # mistake
    no_emails: RocketChatUser = {"importIds": ["1"]}  # mistake
    robot: RocketChatUser = {"emails": [], "importIds": ["1"], "type": "robot"}  # mistake
    PigmentTriggerImportOperator.parcial(task_id="ag")  # mistake

    # and what is right
    @task
    def users() -> list[RocketChatUser]:
        """Made by a task."""
        return [{"emails": ["a@example.com"], "importIds": ["1"], "type": "user"}]

    PigmentPushCsvOperator(
        task_id="right",
        configuration_id="{{ params.id }}",
        file_path=Path("x.csv"),
        timeout=timedelta(hours=1),
        poll_interval=0.5,
        max_rejected=0.05,
        retries=3,
        on_failure_callback=[print],
        outlets=[],
    )
    PigmentTriggerImportOperator(task_id="named", configuration="Plan", metadata_conn_id="pigment_metadata")

    @task
    def newest_import() -> str:
        """Made by a task."""
        return "33d0d7d0-6125-47c4-b36a-882f4ed53b33"

    PigmentImportSensor(task_id="watch", import_id=newest_import(), soft_fail=True, mode="reschedule")
    RocketChatImportUsersOperator(task_id="users", users=users(), if_running="wait", max_rejected=3)
    WebsaleStartImportOperator(task_id="start", service="product", data=[{"sku": 1}], if_running="replace")
    PigmentPushCsvOperator.partial(task_id="many", configuration_id="c").expand(file_path=["a.csv", "b.csv"])

    @task
    def exported() -> str:
        """Made by a task."""
        return "s3://bucket/plan.csv"

    PigmentPushCsvOperator(task_id="of_a_task", configuration_id=newest_import(), file_path=exported())
    WebsaleStartImportOperator(task_id="a_file", service=exported(), file_path=exported(), format=exported())
    RocketChatImportUsersOperator(task_id="a_query", sql=exported(), sql_conn_id="db", parameters=exported())
    BloomreachStartImportOperator(task_id="a_path", import_id=exported(), path=exported(), project_token=exported())
    BlueshiftTriggerCustomerImportOperator(task_id="a_uuid", uuid=exported())
    WebsaleImportSensor(task_id="a_start", service="product", start=exported())
    BloomreachArrivalSensor(
        task_id="arrived", customer_ids={"registered": exported()}, property_name="p", value=exported()
    )
