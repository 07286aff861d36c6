"""Links from a task to the vendor's own UI, only where that address is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import BaseOperatorLink, XCom

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator, TaskInstanceKey

#: XCom key under which an operator leaves the address as soon as it knows it, and its property that tells it.
URL_KEY = "import_url"


class ImportLink(BaseOperatorLink):
    """The import's page in the vendor's UI; empty until the import was started, or if there is no such page."""

    name = "Open at the vendor"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """
        Ask the operator that has just run (Airflow 3 asks on the worker), or read what it left (Airflow 2).

        Looking up an address that was never left would put an error into the task's log.
        """
        known: str | None = getattr(operator, URL_KEY, None)
        return (XCom.get_value(key=URL_KEY, ti_key=ti_key) or "") if known is None else known
