"""
A start whose answer is lost, for a person to say whether it took place.

The second DAG's first try is killed after it has stored its question, before Airflow learns that it failed. They wait
on a worker: Airflow fails a deferred task now and then that goes on before the scheduler has seen it defer, and this
would be one more try.
"""

from __future__ import annotations

import os
import signal
from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import DAG

from airflow_provider_imports.exceptions import UnknownOutcomeError
from airflow_provider_imports.operators.pigment import PigmentTriggerImportOperator


class PigmentKilledWhileItAsks(PigmentTriggerImportOperator):
    def execute(self, context: Any) -> Any:
        try:
            return super().execute(context)
        except UnknownOutcomeError:
            if context["ti"].try_number == 1:
                os.kill(os.getpid(), signal.SIGKILL)
            raise


for dag_id, operator in {
    "unclear_start": PigmentTriggerImportOperator,
    "unclear_start_killed_while_it_asks": PigmentKilledWhileItAsks,
}.items():
    with DAG(dag_id, schedule=None, start_date=datetime(2026, 1, 1)):
        operator(
            task_id="import_plan",
            configuration_id="7c9e6679-7425-40de-944b-e07fc1f90ae7",
            poll_interval=1,
            retries=3,
            retry_delay=timedelta(seconds=1),
        )
