"""
What operators and sensors take besides the parameters in their own signatures, for type checkers and editors.

``**kwargs: Unpack[...]`` of these shows every parameter with its type, finds a misspelt name, and costs a DAG file
nothing: they are imported for type checking alone. Each floor adds to the one below; a parameter that a class names
itself is in none of them. Defaults are in the signatures, see :mod:`airflow_provider_imports.signature`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, TypedDict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
    from datetime import datetime, timedelta

    from airflow.providers.common.compat.sdk import DAG, TaskGroup, XComArg
    from airflow.sdk.definitions.retry_policy import RetryPolicy
    from airflow.sdk.types import WeightRuleParam

    #: Called with the context, such as a function or a notifier.
    Callback = Callable[..., Any]
    Seconds = float | timedelta
    #: What another task returns, for a templated parameter.
    Text = str | XComArg
    #: Records: dicts in whatever holds them, or a DataFrame.
    Rows: TypeAlias = "Iterable[Mapping[str, Any]] | DataFrame | XComArg"

OnUnknownOutcome = Literal["fail", "restart"]
IfRunning = Literal["fail", "wait", "replace"]


class DataFrame(Protocol):
    """A DataFrame of any library, as far as it is used: ``to_dict("records")``."""

    @property
    def to_dict(self) -> Callable[..., Any]:
        """Make dicts of it."""


class TaskArgs(TypedDict, total=False):
    """Airflow's own, of every task. A test compares them with ``BaseOperator``."""

    task_id: str
    owner: str
    email: str | Sequence[str] | None
    email_on_retry: bool
    email_on_failure: bool
    retries: int | None
    retry_delay: timedelta | float
    retry_exponential_backoff: float
    max_retry_delay: timedelta | float | None
    retry_policy: RetryPolicy | None
    start_date: datetime | None
    end_date: datetime | None
    depends_on_past: bool
    ignore_first_depends_on_past: bool
    wait_for_past_depends_before_skipping: bool
    wait_for_downstream: bool
    dag: DAG | None
    params: MutableMapping[str, Any] | None
    default_args: dict[str, Any] | None
    priority_weight: int
    weight_rule: WeightRuleParam
    queue: str
    pool: str | None
    pool_slots: int
    sla: timedelta | None
    execution_timeout: timedelta | None
    on_execute_callback: Callback | list[Callback] | None
    on_failure_callback: Callback | list[Callback] | None
    on_success_callback: Callback | list[Callback] | None
    on_retry_callback: Callback | list[Callback] | None
    on_skipped_callback: Callback | list[Callback] | None
    pre_execute: Callback | None
    post_execute: Callback | None
    trigger_rule: str
    resources: dict[str, Any] | None
    run_as_user: str | None
    map_index_template: str | None
    max_active_tis_per_dag: int | None
    max_active_tis_per_dagrun: int | None
    executor: str | None
    executor_config: dict[str, Any] | None
    do_xcom_push: bool
    multiple_outputs: bool
    inlets: Sequence[Any] | None
    outlets: Sequence[Any] | None
    task_group: TaskGroup | None
    doc: str | None
    doc_md: str | None
    doc_json: str | None
    doc_yaml: str | None
    doc_rst: str | None
    task_display_name: str | None
    logger_name: str | None
    allow_nested_operators: bool
    render_template_as_native_obj: bool | None


class ImportArgs(TaskArgs, total=False):
    """Of every operator that starts an import."""

    durable: bool
    on_unknown_outcome: OnUnknownOutcome


class AskingArgs(ImportArgs, total=False):
    """Of an operator that asks a busy vendor again."""

    if_running: Literal["fail", "wait"]
    deferrable: bool
    timeout: Seconds
    poll_interval: Seconds
    max_poll_interval: Seconds


class DeferrableArgs(ImportArgs, total=False):
    """Of every operator that waits for something."""

    deferrable: bool
    timeout: Seconds
    outage_tolerance: Seconds


class WaitingArgs(DeferrableArgs, total=False):
    """Of every operator that waits for an import's end."""

    wait_for_completion: bool
    max_rejected: int | float | None
    min_rows: int | None


class UncancelableArgs(WaitingArgs, total=False):
    """Of those whose vendor can't cancel an import."""

    poll_interval: Seconds
    max_poll_interval: Seconds


class CancelingArgs(WaitingArgs, total=False):
    """Of those whose vendor can cancel an import."""

    cancel_on_kill: bool
    cancel_on_timeout: bool


class PollingArgs(CancelingArgs, total=False):
    """Of those that name no times between two looks of their own."""

    poll_interval: Seconds
    max_poll_interval: Seconds


class AirflowSensorArgs(TaskArgs, total=False):
    """Airflow's own, of every sensor."""

    timeout: Seconds
    soft_fail: bool
    mode: Literal["poke", "reschedule"]
    exponential_backoff: bool
    max_wait: Seconds | None
    silent_fail: bool
    never_fail: bool


class SensorArgs(AirflowSensorArgs, total=False):
    """What all of ours share."""

    deferrable: bool
    poll_interval: Seconds | None
    outage_tolerance: Seconds


class SensorTimesArgs(SensorArgs, total=False):
    """With the times between two looks."""

    poke_interval: Seconds
    max_poll_interval: Seconds


class JudgingSensorArgs(SensorArgs, total=False):
    """Of a sensor whose vendor counts rows."""

    max_rejected: int | float | None
    min_rows: int | None


class PollingSensorArgs(JudgingSensorArgs, total=False):
    """Of one that names no times between two looks of its own."""

    poke_interval: Seconds
    max_poll_interval: Seconds
