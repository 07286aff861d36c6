"""Import the users that other tasks return into Rocket.Chat: dicts from one, a DataFrame from another.

Needs the connection ``rocketchat_default`` of a user with the permission ``run-import``, and ``pip install pandas
pyarrow`` for the DataFrame. Look at the XComs of both imports: ``sent`` counts the users, ``unaccounted`` says whether
Rocket.Chat counted them all.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from airflow.sdk import DAG, task

from airflow_provider_imports.operators.rocketchat import RocketChatImportUsersOperator

if TYPE_CHECKING:
    from pandas import DataFrame

    from airflow_provider_imports.operators.rocketchat_user_records import RocketChatUser

# [START howto_users_from_tasks]
with DAG(
    dag_id="rocketchat_users_from_tasks",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    max_active_runs=1,  # a workspace has one import operation
    default_args={"deferrable": True, "if_running": "wait", "max_rejected": 0.05, "retries": 3},
    tags=["example", "rocketchat"],
    doc_md=__doc__,
):

    @task
    def new_staff() -> list[RocketChatUser]:
        """What another system's API would give."""
        return [
            {"emails": ["anna@example.com"], "importIds": ["hr-1001"], "username": "anna", "type": "user"},
            {"emails": ["bert@example.com"], "importIds": ["hr-1002"], "username": "bert", "type": "user"},
        ]

    @task
    def trainees() -> DataFrame:
        """Read a table; a cell without a value is left out."""
        import pandas

        table = pandas.DataFrame({"username": ["cleo", "dora", "emil"], "name": ["Cleo", None, "Emil"]})
        table["emails"] = [[f"{username}@example.com"] for username in table["username"]]
        table["importIds"] = [[f"trainee-{number}"] for number in table.index]
        return table

    RocketChatImportUsersOperator(task_id="import_staff", users=new_staff())
    RocketChatImportUsersOperator(task_id="import_trainees", users=trainees())
# [END howto_users_from_tasks]
