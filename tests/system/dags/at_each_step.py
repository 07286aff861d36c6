"""
Starts whose process gets a signal between two steps of the first try; the second try is left alone.

``killed_at_each_step``: SIGKILL, as from the kernel. ``stopped_at_each_step``: SIGSTOP, and no heartbeats any more, so
that Airflow believes the process dead until a test lets it go on.
"""

from __future__ import annotations

import os
import signal
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG

from airflow_provider_imports.operators import unclear_start
from airflow_provider_imports.operators.pigment import PigmentTriggerImportOperator
from airflow_provider_imports.operators.rocketchat import RocketChatImportUsersOperator
from airflow_provider_imports.operators.websale import WebsaleStartImportOperator

STEPS = ("before_intent", "after_intent", "after_answer", "after_run_stored", "before_deferral")
#: Rocket.Chat's import is an operation that is made, filled with users, and run.
ROCKETCHAT_STEPS = (
    "before_intent",
    "after_intent",
    "after_operation",
    "after_operation_stored",
    "after_staging",
    "after_sending_stored",
    "after_answer",
    "after_run_stored",
    "before_deferral",
)
SERVICES = ("inventory", "category", "voucher", "seoViews", "dataFeed")
STOPPED = {
    "pigment": ("before_load", "after_intent", "before_first_byte"),
    "websale": ("before_load", "after_intent", "before_first_byte"),
    "rocketchat": ("before_load", "after_intent", "after_staging", "after_sending_stored"),
}
#: Stopped there, the process sends the start when it goes on. That must be within the vendor's window to be found.
SENDS_LATER = ("before_first_byte", "after_sending_stored")
#: In ``$AIRFLOW_HOME``: files named after tries whose heartbeats are withheld.
WITHHELD = "withheld_heartbeats"


class AtStep:
    """Mix into an operator: a signal to its own process at ``step`` of the first try, and short windows."""

    step = ""
    signal_number = signal.SIGKILL
    longest_start = 3.0
    _try_number = 1

    def _reach(self, step: str) -> None:
        if step == self.step and self._try_number == 1:
            os.kill(os.getpid(), self.signal_number)

    def execute(self, context: Any) -> Any:
        self._try_number = context["ti"].try_number
        self.hook.longest_start = self.longest_start  # type: ignore[attr-defined]
        unclear_start.FIND_OUT_SECONDS = 4.0
        if self.signal_number == signal.SIGSTOP and self._try_number == 1:
            Path(os.environ["AIRFLOW_HOME"], WITHHELD, str(context["ti"].id)).touch()
        self._reach("before_load")
        return super().execute(context)  # type: ignore[misc]

    def _intend(self) -> None:
        self._reach("before_intent")
        super()._intend()  # type: ignore[misc]
        self._reach("after_intent")

    def start(self, hook: Any) -> Any:
        self._reach("before_first_byte")
        run = super().start(hook)  # type: ignore[misc]
        self._reach("after_answer")
        return run

    def _announce(self, context: Any, run: Any) -> None:
        self._reach("after_run_stored")
        super()._announce(context, run)  # type: ignore[misc]
        self._reach("before_deferral")


class PigmentAtStep(AtStep, PigmentTriggerImportOperator):
    """At a vendor that can't be asked whether an unclear start took place."""


class WebsaleAtStep(AtStep, WebsaleStartImportOperator):
    """At a vendor that can be asked."""


class RocketChatAtStep(AtStep, RocketChatImportUsersOperator):
    """At a vendor that can be asked, and whose start is several calls."""

    def start(self, hook: Any) -> Any:
        new_import, run_import = hook.new_import, hook.run_import

        def new_import_and_reach(before: str | None) -> Any:
            run = new_import(before)
            self._reach("after_operation")
            return run

        def reach_and_run_import(run: Any) -> None:
            self._reach("after_sending_stored")
            run_import(run)

        hook.new_import, hook.run_import = new_import_and_reach, reach_and_run_import
        return super().start(hook)

    def _stage(self, hook: Any, run: Any) -> None:
        self._reach("after_operation_stored")
        super()._stage(hook, run)
        self._reach("after_staging")


PIGMENT: dict[str, Any] = {"configuration_id": "7c9e6679-7425-40de-944b-e07fc1f90ae7"}
WEBSALE: dict[str, Any] = {"data": '[{"id": "1"}]', "format": "json"}
ROCKETCHAT: dict[str, Any] = {
    "users": [{"emails": [f"{n}@example.com"], "importIds": [f"{n}"], "username": f"u{n}"} for n in range(3)]
}
OPTIONS: dict[str, Any] = {"deferrable": True, "poll_interval": 1, "retry_delay": timedelta(seconds=1)}

with DAG("killed_at_each_step", schedule=None, start_date=datetime(2026, 1, 1)):
    for step, service in zip(STEPS, SERVICES, strict=True):
        PigmentAtStep(task_id=f"pigment_{step}", retries=1, **PIGMENT, **OPTIONS).step = step
        WebsaleAtStep(task_id=f"websale_{step}", retries=1, service=service, **WEBSALE, **OPTIONS).step = step
    for step in ROCKETCHAT_STEPS:
        conn_id = task_id = f"rocketchat_{step}"
        RocketChatAtStep(task_id=task_id, conn_id=conn_id, retries=1, **ROCKETCHAT, **OPTIONS).step = step

with DAG("stopped_at_each_step", schedule=None, start_date=datetime(2026, 1, 1)):
    for operator, vendor, options in (
        (PigmentAtStep, "pigment", PIGMENT),
        (WebsaleAtStep, "websale", {"service": "inventory", **WEBSALE}),
        (RocketChatAtStep, "rocketchat", ROCKETCHAT),
    ):
        for step in STOPPED[vendor]:
            conn_id = task_id = f"{vendor}_{step}"
            stopped = operator(task_id=task_id, conn_id=conn_id, retries=20, **options, **OPTIONS)
            stopped.step, stopped.signal_number = step, signal.SIGSTOP
            if step in SENDS_LATER:
                stopped.longest_start = 600.0
