"""Import users from a file into Rocket.Chat and wait, in the triggerer, until they are created.

Needs the connection ``rocketchat_default`` of a user with the permission ``run-import``, and a CSV file like::

    emails,importIds,username,name
    anna@example.com,1001,anna,Anna
    bert@example.com|b@example.com,1002,bert,Bert

Look at the task's XCom: users that exist already are counted as ``failed``.
"""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG, Param

from airflow_provider_imports.operators.rocketchat import RocketChatImportUsersOperator

with DAG(
    dag_id="rocketchat_import_users",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    default_args={"retries": 2},
    params={"file_path": Param("/data/users.csv", type="string", description="Local path, s3://, gs://, ...")},
    tags=["example", "rocketchat"],
    doc_md=__doc__,
):
    # [START howto_operator_rocketchat_import_users]
    RocketChatImportUsersOperator(
        task_id="import_users",
        file_path="{{ params.file_path }}",
        deferrable=True,
        if_running="wait",  # until nobody else imports into the workspace
        max_rejected=0.05,  # users that exist already count as rejected
    )
    # [END howto_operator_rocketchat_import_users]
