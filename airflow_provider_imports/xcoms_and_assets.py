"""What a task hands over of its import: to downstream tasks (XComs), callbacks (the error), and DAGs (asset events)."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowTaskTimeout, Asset

from airflow_provider_imports.exceptions import VendorImportError
from airflow_provider_imports.links import URL_KEY
from airflow_provider_imports.manifest import manifest
from airflow_provider_imports.models import ImportState, ImportStatus

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_imports.models import ImportRun
    from airflow_provider_imports.task import ImportTask

#: XCom keys: the run, as soon as it is known, and its manifest, whether the task succeeds or fails.
RUN_KEY = "import_run"
MANIFEST_KEY = "manifest"
#: Of a run whose status was never read.
UNSEEN = ImportStatus(ImportState.RUNNING, "unknown")


def announce(task: ImportTask, context: Context, run: ImportRun) -> None:
    """Tell downstream tasks which run it is, while it still runs."""
    task._run = run
    if task.do_xcom_push:
        context["ti"].xcom_push(key=RUN_KEY, value=dict(run.key))
    if run.url:
        context["ti"].xcom_push(key=URL_KEY, value=run.url)


def hand_over(task: ImportTask, context: Context, result: dict[str, Any]) -> dict[str, Any]:
    """Give the manifest of a success to downstream tasks and DAGs."""
    _keep(task, context, result)
    for outlet in task.outlets or ():
        if isinstance(outlet, Asset):
            context["outlet_events"][outlet].extra.update(asset_extra(result))
    return result


def asset_extra(result: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a manifest that each asset event of the task carries, so that other DAGs can branch on it."""
    return {name: result[name] for name in ("vendor", "run", "state", "counts", "rejected")}


@contextmanager
def failures_handed_over(
    task: ImportTask, context: Context, others: type[BaseException] = AirflowTaskTimeout
) -> Iterator[None]:
    """
    Give the manifest of a failure to downstream tasks and to callbacks, before the error goes on.

    An error that comes before there is a run has none. Airflow sends no asset event for a task that fails.

    :param others: errors of Airflow's own that are failures, too
    """
    try:
        yield
    except VendorImportError as error:
        error.run = error.run or task._run
        if error.run is not None:
            error.manifest = manifest(error.run, error.status or UNSEEN, task._what_was_sent(), error)
            _keep(task, context, error.manifest)
        raise
    except others as error:
        if task._run is not None:
            _keep(task, context, manifest(task._run, UNSEEN, task._what_was_sent(), error))
        raise


def _keep(task: ImportTask, context: Context, result: dict[str, Any]) -> None:
    task._manifest = result
    if task.do_xcom_push:
        context["ti"].xcom_push(key=MANIFEST_KEY, value=result)
