"""Import users into Rocket.Chat, then fetch the avatars that their ``avatarUrl`` only queued.

Needs the connection ``rocketchat_default`` of a user with the permission ``run-import``.

Look at the second task's log: it counts the avatars that the operation of Rocket.Chat's own has fetched.
"""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG, Param

from airflow_provider_imports.operators.rocketchat import (
    RocketChatDownloadPendingAvatarsOperator,
    RocketChatImportUsersOperator,
)

with DAG(
    dag_id="rocketchat_pending_avatars",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    default_args={"retries": 2},
    max_active_runs=1,  # a workspace has one import operation
    params={"file_path": Param("s3://staff/with_avatars.csv", type="string")},
    tags=["example", "rocketchat"],
    doc_md=__doc__,
):
    users = RocketChatImportUsersOperator(
        task_id="import_users",
        file_path="{{ params.file_path }}",
        deferrable=True,
    )

    # [START howto_operator_rocketchat_pending_avatars]
    avatars = RocketChatDownloadPendingAvatarsOperator(
        task_id="download_avatars",
        if_running="wait",
        deferrable=True,
    )
    # [END howto_operator_rocketchat_pending_avatars]

    users >> avatars
