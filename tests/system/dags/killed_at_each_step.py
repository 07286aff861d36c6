"""
Starts whose process kills itself, as the kernel would, between each two steps of the first try.

One task for each step and vendor; the second try is left alone.
"""

from __future__ import annotations

import os
import signal
from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import DAG

from airflow_provider_imports.operators.pigment import PigmentTriggerImportOperator
from airflow_provider_imports.operators.websale import WebsaleStartImportOperator

STEPS = ("before_intent", "after_intent", "after_answer", "after_run_stored", "before_deferral")
SERVICES = ("inventory", "category", "voucher", "seoViews", "dataFeed")


class KilledAtStep:
    """Mix into an operator: SIGKILL at ``die_at`` in the first try."""

    die_at = ""
    _try_number = 1

    def _reach(self, step: str) -> None:
        if step == self.die_at and self._try_number == 1:
            os.kill(os.getpid(), signal.SIGKILL)

    def execute(self, context: Any) -> Any:
        self._try_number = context["ti"].try_number
        self._reach("before_intent")
        return super().execute(context)  # type: ignore[misc]

    def start(self, hook: Any) -> Any:
        self._reach("after_intent")
        run = super().start(hook)  # type: ignore[misc]
        self._reach("after_answer")
        return run

    def _announce(self, context: Any, run: Any) -> None:
        self._reach("after_run_stored")
        super()._announce(context, run)  # type: ignore[misc]
        self._reach("before_deferral")


class PigmentKilledAtStep(KilledAtStep, PigmentTriggerImportOperator):
    """At a vendor that can't be asked whether an unclear start took place."""


class WebsaleKilledAtStep(KilledAtStep, WebsaleStartImportOperator):
    """At a vendor that can be asked."""


with DAG("killed_at_each_step", schedule=None, start_date=datetime(2026, 1, 1)):
    for step, service in zip(STEPS, SERVICES, strict=True):
        options: dict[str, Any] = {
            "deferrable": True,
            "poll_interval": 1,
            "retries": 1,
            "retry_delay": timedelta(seconds=1),
        }
        PigmentKilledAtStep(
            task_id=f"pigment_{step}", configuration_id="7c9e6679-7425-40de-944b-e07fc1f90ae7", **options
        ).die_at = step
        WebsaleKilledAtStep(
            task_id=f"websale_{step}", service=service, data='[{"id": "1"}]', format="json", **options
        ).die_at = step
