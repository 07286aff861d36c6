"""The sensor that every vendor's sensor is: it waits for an import that somebody else started."""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from airflow.providers.common.compat.sdk import (
    AirflowSensorTimeout,
    AirflowSkipException,
    BaseSensorOperator,
    PokeReturnValue,
    conf,
)

from airflow_provider_imports import validation
from airflow_provider_imports.event import Event
from airflow_provider_imports.exceptions import (
    ConnectionSettingsError,
    InvalidInputError,
    SensorTimeoutError,
    TriggerEventError,
    VendorAuthError,
    VendorImportError,
    VendorRateLimitError,
    VendorUnavailableError,
)
from airflow_provider_imports.hand_over import failures_handed_over, hand_over
from airflow_provider_imports.judging import Limits
from airflow_provider_imports.polling import Ending, Outcome, Trouble
from airflow_provider_imports.report import look_failed, report
from airflow_provider_imports.vendors import MAX_POLL_INTERVAL
from airflow_provider_imports.version_compat import backstop, deadline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_imports.hooks.base import ImportHook
    from airflow_provider_imports.models import ImportRun, ImportStatus, Sent


#: What ``soft_fail`` must not hide: a person has to mend it.
_MISCONFIGURED = (ConnectionSettingsError, InvalidInputError, VendorAuthError)


class ImportSensor(BaseSensorOperator):
    """
    Wait for an import's end; poke, reschedule or deferrable. It starts and cancels nothing.

    :param conn_id: the Airflow connection (templated)
    :param deferrable: wait on the triggerer, without a worker (default: ``[operators] default_deferrable``)
    :param max_poll_interval: longest seconds between two looks, if deferrable
    :param max_rejected: how many rows the vendor may reject: None only warns, an int is rows, a float a share of all
        rows. An import whose every row was rejected fails whatever is set
    :param min_rows: how many rows must get in: None only warns if there was none at all
    :param outage_tolerance: seconds on end for which the status may be unreadable, if deferrable; the other modes
        look again until ``timeout``
    """

    #: Import path of the vendor's hook, which is imported only when the task runs.
    hook_path: ClassVar[str]
    #: How many items the vendor may create by itself, for one that does.
    max_auto_created: int | None = None

    def __init__(
        self,
        *,
        conn_id: str,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        max_poll_interval: float = MAX_POLL_INTERVAL,
        max_rejected: int | float | None = None,
        min_rows: int | None = None,
        outage_tolerance: float = 1800,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.conn_id = conn_id
        self.deferrable = deferrable
        self.max_poll_interval = max_poll_interval
        self.max_rejected = max_rejected
        self.min_rows = min_rows
        self.outage_tolerance = outage_tolerance
        self._run: ImportRun | None = None
        self._status: ImportStatus | None = None
        self._manifest: dict[str, Any] | None = None
        self._first_look = 0.0

    def run_to_watch(self) -> ImportRun:
        """
        Whom to wait for.

        :raises InvalidInputError: if the (rendered) parameters name nobody
        """
        raise NotImplementedError(f"{type(self).__name__} has no run_to_watch()")

    def check(self) -> None:
        """
        Check the parameters before anything is sent.

        :raises InvalidInputError: naming the parameter and what it should be
        """
        validation.required("conn_id", self.conn_id)
        for name in ("poke_interval", "max_poll_interval", "outage_tolerance"):
            validation.positive(name, getattr(self, name))
        validation.max_rejected(self.max_rejected)
        validation.min_rows(self.min_rows)

    @cached_property
    def hook(self) -> ImportHook:
        """The vendor's hook."""
        hook: ImportHook = resolve_name(self.hook_path)(self.conn_id)
        return hook

    def execute(self, context: Context) -> Any:
        """
        Wait for the end, and return the manifest.

        :raises ImportFailedError: if the vendor says so
        :raises ImportRejectedRecordsError: if more rows were rejected than ``max_rejected`` allows, or fewer got in
            than ``min_rows`` asks for
        :raises SensorTimeoutError: at ``timeout``; it is an ``AirflowSensorTimeout``, too
        """
        self.check()
        self._run = self.run_to_watch()
        with self._failing_softly(context):
            if self.deferrable:
                self._defer(context, self._run)
            return hand_over(self, context, self._poke_to_the_end(context, self._run))

    def _poke_to_the_end(self, context: Context, run: ImportRun) -> dict[str, Any]:
        try:
            result: dict[str, Any] = super().execute(context)
        except (AirflowSensorTimeout, AirflowSkipException) as error:
            end = error
        else:
            return result
        if isinstance(end.__cause__, VendorImportError):  # Airflow would skip, whatever the error is
            raise end.__cause__
        raise self._timed_out(run, self._status) from end

    def _defer(self, context: Context, run: ImportRun) -> NoReturn:
        from airflow_provider_imports.triggers.imports import ImportTrigger

        started_at = getattr(context.get("ti"), "start_date", None)
        end = deadline(time.time(), _seconds(self.timeout), started_at, self.execution_timeout)
        self.defer(
            trigger=ImportTrigger(
                hook=self.hook_path,
                conn_id=self.conn_id,
                run=run.to_json(),
                deadline=end,
                poll_interval=_seconds(self.poke_interval),
                max_poll_interval=self.max_poll_interval,
                outage_tolerance=self.outage_tolerance,
                cancel_on_kill=False,
            ),
            method_name="execute_complete",
            timeout=backstop(time.time(), end),
        )

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None) -> dict[str, Any]:
        """Judge the end that the trigger saw."""
        self._run = self.run_to_watch()
        with self._failing_softly(context):
            try:
                seen = Event.from_json(event)
                if seen.run is None:
                    raise ValueError("it is not about an import")
            except ValueError as error:
                raise TriggerEventError(
                    f"The trigger's event can't be understood ({error}); is the triggerer of another version?"
                ) from error
            if seen.ending.outcome is Outcome.TIMED_OUT:
                raise self._timed_out(seen.run, seen.ending.status)
            return hand_over(self, context, self._report(seen.run, seen.ending))

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Go on after the trigger; Airflow would skip whatever the error is, if ``soft_fail`` is set."""
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except AirflowSkipException as error:
            skipped = error
        raise skipped.__cause__ if isinstance(skipped.__cause__, _MISCONFIGURED) and self.soft_fail else skipped

    @contextmanager
    def _failing_softly(self, context: Context) -> Iterator[None]:
        """Hand over a failure's manifest, and skip in place of failing if the user wants that."""
        try:
            with failures_handed_over(self, context):
                yield
        except VendorImportError as error:
            if self.never_fail or (self.soft_fail and not isinstance(error, _MISCONFIGURED)):
                raise AirflowSkipException(str(error)) from error
            raise

    def poke(self, context: Context) -> bool | PokeReturnValue:
        """Look once; an outage of the vendor is not an end."""
        run = self.run_to_watch()
        self._first_look = self._first_look or time.time()
        try:
            status = self.hook.get_status(run)
        except (VendorUnavailableError, VendorRateLimitError) as error:
            self.log.warning("Status not readable, looked at again: %s", error)
            return False
        except VendorImportError as error:
            if not self._is_lag(error, context):
                raise
            self.log.warning("Not known at the vendor yet, looked at again: %s", error)
            return False
        if str(status) != str(self._status):
            self.log.info("%s", status)
        self._status = status
        if not status.state.is_terminal:
            return False
        return PokeReturnValue(is_done=True, xcom_value=self._report(run, Ending.of(status)))

    def _is_lag(self, error: VendorImportError, context: Context) -> bool:
        """Say whether "no such import" may be the vendor's lag: nobody knows the start, so from our first look on."""
        if look_failed(error).trouble is not Trouble.NOT_FOUND or self._status is not None:
            return False
        first = context["ti"].get_first_reschedule_date(context) if self.reschedule else None
        began = self._first_look if first is None else first.timestamp()
        return time.time() - began < self.hook.not_found_grace

    def _report(self, run: ImportRun, ending: Ending) -> dict[str, Any]:
        limits = Limits(self.max_rejected, self.max_auto_created, self.min_rows)
        return report(self.hook.hook_name, run, ending, limits, "The import was left as it is; the next try waits on.")

    def _timed_out(self, run: ImportRun, status: ImportStatus | None) -> SensorTimeoutError:
        last = "" if status is None else f" Last seen: {status}."
        return SensorTimeoutError(
            f"The {self.hook.hook_name} import ({run}) did not end before the sensor's timeout.{last} It was left as "
            "it is.",
            vendor=run.vendor,
            run=run,
            status=status,
        )

    def _what_was_sent(self) -> Sent | None:
        """Nothing: somebody else started the import."""
        return None


def _seconds(value: float | timedelta) -> float:
    return value.total_seconds() if isinstance(value, timedelta) else float(value)
