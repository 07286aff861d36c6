"""What every operator and every sensor of an import has in common, besides what Airflow gives it."""

from __future__ import annotations

from functools import cached_property
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowException

from airflow_provider_imports import lineage, validation
from airflow_provider_imports.xcoms_and_assets import failures_handed_over

#: The method that Airflow names where it resumes a task since its trigger failed or its deferral timed out.
DEFERRAL_FAILED = "__fail__"

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_imports.hooks.base import ImportHook
    from airflow_provider_imports.models import ImportRun, Sent


class ImportTask(lineage.LineageOfImport):
    """A task that is about one import, with a connection to its vendor."""

    #: Optional templated parameters that the DAG gives, see :func:`~airflow_provider_imports.validation.still_given`.
    _given: frozenset[str] = frozenset()

    if TYPE_CHECKING:
        conn_id: str
        do_xcom_push: bool
        outlets: Any

    def check(self) -> None:
        """
        Check the rendered parameters, before anything is sent or remembered.

        :raises InvalidInputError: naming the parameter and what it should be
        """
        validation.required("conn_id", self.conn_id)
        validation.still_given(self, self._given)

    @cached_property
    def hook(self) -> ImportHook:
        """The vendor's hook."""
        hook: ImportHook = resolve_name(self.entry.hook)(self.conn_id)
        return hook

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Go on after the trigger; where that failed, the manifest is handed over before Airflow's error."""
        resume = super().resume_execution  # type: ignore[misc]  # of Airflow's base classes, which come behind
        if next_method != DEFERRAL_FAILED:
            return resume(next_method, next_kwargs, context)
        self._run = self._run_that_was_deferred(context)
        with failures_handed_over(self, context, AirflowException):
            return resume(next_method, next_kwargs, context)

    def _run_that_was_deferred(self, context: Context) -> ImportRun | None:
        """The run that the task deferred for; None if that is not known."""
        return None

    def _what_was_sent(self) -> Sent | None:
        """What this task has sent, as far as it is known."""
        return None
