"""Pause a running import, do what must not happen at the same time, resume it and wait for its end.

Needs the connection ``websale_default``. An import that ends before it is paused fails the task ``pause_import``.

Look at the log of the task that resumes: it waits for the import's end as if it had started it.
"""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG, task

from airflow_provider_imports.operators.websale import (
    WebsalePauseImportOperator,
    WebsaleResumeImportOperator,
    WebsaleStartImportOperator,
)

with DAG(
    dag_id="websale_pause_and_resume",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    tags=["example", "websale"],
    doc_md=__doc__,
):
    start = WebsaleStartImportOperator(
        task_id="start_import",
        service="newsletterSubscriber",
        data=[{"email": f"reader{number}@example.com"} for number in range(1000)],
        wait_for_completion=False,
    )

    # [START howto_operator_websale_pause_import]
    pause = WebsalePauseImportOperator(task_id="pause_import", service="newsletterSubscriber")
    # [END howto_operator_websale_pause_import]

    @task
    def change_templates() -> None:
        """What must not happen while subscribers are imported."""

    # [START howto_operator_websale_resume_import]
    resume = WebsaleResumeImportOperator(task_id="resume_import", service="newsletterSubscriber", deferrable=True)
    # [END howto_operator_websale_resume_import]

    start >> pause >> change_templates() >> resume
