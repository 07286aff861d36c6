"""As much of Airflow's context as operators and sensors use."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class TaskStateStoreOfTest:
    """Airflow's ``context["task_state_store"]`` for one task instance: keeps JSON, and nothing else."""

    def __init__(self) -> None:
        self.written: dict[str, str] = {}

    def get(self, key: str, default: Any = None) -> Any:
        """Read a value."""
        return json.loads(self.written[key]) if key in self.written else default

    def set(self, key: str, value: Any) -> None:
        """Write a value."""
        self.written[key] = json.dumps(value, allow_nan=False)

    def delete(self, key: str) -> None:
        """Remove a value."""
        self.written.pop(key, None)


class TaskInstanceOfTest:
    """As much of a task instance as operators and sensors use; what is pushed must be JSON."""

    def __init__(self, try_number: int = 1, max_tries: int = 1) -> None:
        self.try_number = try_number
        self.max_tries = max_tries
        self.start_date = datetime.now(UTC)
        self.dag_id, self.task_id, self.run_id, self.map_index = "a_dag", "a_task", "a_run", -1
        self.xcoms: dict[str, Any] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        """Keep an XCom."""
        self.xcoms[key] = json.loads(json.dumps(value, allow_nan=False))


def outlet_events() -> Mapping[Any, Any]:
    """Airflow's own asset events by outlet; before 3.2 an asset can't be the key of a dict in their place."""
    from airflow_provider_imports.version_compat import AIRFLOW_V_3_0_PLUS

    if AIRFLOW_V_3_0_PLUS:
        from airflow.sdk.execution_time.context import OutletEventAccessors
    else:
        from airflow.utils.context import OutletEventAccessors
    events: Mapping[Any, Any] = OutletEventAccessors()
    return events
