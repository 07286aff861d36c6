"""The sensor that every vendor's sensor is: it waits for an import that somebody else started."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Unpack

from airflow.providers.common.compat.sdk import (
    AirflowSensorTimeout,
    AirflowSkipException,
    BaseSensorOperator,
    PokeReturnValue,
    conf,
)

from airflow_provider_imports import validation
from airflow_provider_imports.exceptions import (
    ConnectionSettingsError,
    InvalidInputError,
    SensorTimeoutError,
    TriggerEventError,
    VendorAuthError,
    VendorImportError,
    VendorRateLimitError,
    VendorRequestError,
    VendorUnavailableError,
)
from airflow_provider_imports.polling import Ending, Outcome, Trouble
from airflow_provider_imports.progress_log import ProgressLog
from airflow_provider_imports.report import NO_LIMITS, look_failed, report
from airflow_provider_imports.signature import WholeSignature
from airflow_provider_imports.task import ImportTask
from airflow_provider_imports.trigger_event import Event
from airflow_provider_imports.vendors import FROM_ENTRY, given_or_own
from airflow_provider_imports.version_compat import backstop, deadline
from airflow_provider_imports.xcoms_and_assets import failures_handed_over, hand_over

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_imports.arguments import AirflowSensorArgs
    from airflow_provider_imports.judging import Limits
    from airflow_provider_imports.models import ImportRun, ImportStatus


#: Airflow's own default, seconds.
POKE_INTERVAL = 60.0
#: When an outage began (epoch seconds), in the task's state store: each look of reschedule mode is another process.
OUTAGE_KEY = "airflow_provider_imports.failing_since"
#: What ``soft_fail`` must not hide: a person has to mend it.
_MISCONFIGURED = (ConnectionSettingsError, InvalidInputError, VendorAuthError, VendorRequestError)


class ImportSensor(ImportTask, BaseSensorOperator):
    """
    Wait for an import's end; poke, reschedule or deferrable. It starts and cancels nothing.

    Times are seconds or a ``timedelta``. Parameters that mean what an operator's do have its names, so that the two can
    share ``default_args``.

    :param conn_id: the Airflow connection (templated)
    :param deferrable: wait on the triggerer, without a worker (default: ``[operators] default_deferrable``)
    :param poke_interval: time between two looks; the shortest, if deferrable
    :param poll_interval: the same by the operators' name, for ``default_args`` of both; a ``poke_interval`` other than
        the default wins
    :param max_poll_interval: longest time between two looks, if deferrable
    :param outage_tolerance: time on end for which the status may be unreadable; in reschedule mode Airflow 3.3 is
        needed for it, and an older one looks again until ``timeout``
    :param soft_fail: skip in place of failing, also at ``timeout``; a connection that can't be used, refused
        credentials and a wrong parameter fail nevertheless
    """

    __signature__ = WholeSignature()
    #: The vendor's own, where it has one.
    default_poke_interval: ClassVar[float] = POKE_INTERVAL

    def __init__(
        self,
        *,
        conn_id: str,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poke_interval: float | timedelta = POKE_INTERVAL,
        poll_interval: float | timedelta | None = None,
        max_poll_interval: float | timedelta = FROM_ENTRY,
        outage_tolerance: float | timedelta = 1800,
        **kwargs: Unpack[AirflowSensorArgs],
    ) -> None:
        self.entry.check()
        pause = validation.seconds("poke_interval", poke_interval)
        if poll_interval is not None and pause == self.default_poke_interval:
            pause = validation.seconds("poll_interval", poll_interval)
        if "timeout" in kwargs:
            kwargs["timeout"] = validation.seconds("timeout", kwargs["timeout"])
        validation.flag("soft_fail", kwargs.get("soft_fail", False))
        super().__init__(poke_interval=pause, **kwargs)
        self.conn_id = conn_id
        self.deferrable = validation.flag("deferrable", deferrable)
        self.poll_interval = pause
        (longest,) = given_or_own(self.entry, max_poll_interval=max_poll_interval)
        self.max_poll_interval = validation.seconds("max_poll_interval", longest)
        self.outage_tolerance = validation.seconds("outage_tolerance", outage_tolerance)
        self._run: ImportRun | None = None
        self._status: ImportStatus | None = None
        self._manifest: dict[str, Any] | None = None
        self._progress = ProgressLog()
        self._first_look = 0.0
        self._failing_since: float | None = None

    def run_to_watch(self) -> ImportRun:
        """
        Whom to wait for.

        :raises InvalidInputError: if the (rendered) parameters name nobody
        """
        raise NotImplementedError(f"{type(self).__name__} has no run_to_watch()")

    @property
    def limits(self) -> Limits:
        """What the user accepts of an import that ended well."""
        return NO_LIMITS

    def execute(self, context: Context) -> Any:
        """
        Wait for the end, and return the manifest.

        :raises ImportFailedError: if the vendor says so
        :raises ImportRejectedRecordsError: if more rows were rejected, or fewer got in, than the user accepts
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
        end = deadline(time.time(), self.timeout, started_at, self.execution_timeout)
        self.defer(
            trigger=ImportTrigger(
                hook=self.entry.hook,
                conn_id=self.conn_id,
                run=run.to_json(),
                deadline=end,
                poll_interval=self.poke_interval,
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
            self._base_url = seen.base_url
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

    def _run_that_was_deferred(self, context: Context) -> ImportRun | None:
        return self.run_to_watch()

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
        """Look once; an outage of the vendor is not an end before it lasts for ``outage_tolerance``."""
        run = self.run_to_watch()
        self._first_look = self._first_look or time.time()
        try:
            status = self.hook.get_status(run)
        except VendorUnavailableError as error:
            self.log.warning("Status not readable, looked at again: %s", error)
            self._raise_after_a_long_outage(context, run, error)
            return False
        except VendorRateLimitError as error:
            self.log.warning("Status not readable, looked at again: %s", error)
            self._remember_outage(context, None)  # the vendor lives
            return False
        except VendorImportError as error:
            if not self._is_lag(error, context):
                raise
            self.log.warning("Not known at the vendor yet, looked at again: %s", error)
            return False
        self._remember_outage(context, None)
        if line := self._progress.of(status, time.time()):
            line.write(self.log)
        self._status = status
        if not status.state.is_terminal:
            return False
        return PokeReturnValue(is_done=True, xcom_value=self._report(run, Ending.of(status)))

    def _raise_after_a_long_outage(self, context: Context, run: ImportRun, error: VendorUnavailableError) -> None:
        now = time.time()
        if self.reschedule and self._failing_since is None:  # a process of its own for each look
            store: Any = context.get("task_state_store")
            self._failing_since = None if store is None else store.get(OUTAGE_KEY)
            if store is None:
                return
        if self._failing_since is None:
            self._remember_outage(context, now)
        elif now - self._failing_since >= self.outage_tolerance:
            ending = Ending(Outcome.UNREACHABLE, self._status, type(error).__name__, str(error))
            self._remember_outage(context, None)
            self._report(run, ending)

    def _remember_outage(self, context: Context, since: float | None) -> None:
        before, self._failing_since = self._failing_since, since
        store: Any = context.get("task_state_store") if self.reschedule else None
        if store is None or (since is None and before is None and store.get(OUTAGE_KEY) is None):
            return
        if since is None:
            store.delete(OUTAGE_KEY)
        else:
            store.set(OUTAGE_KEY, since)

    def _is_lag(self, error: VendorImportError, context: Context) -> bool:
        """Say whether "no such import" may be the vendor's lag: nobody knows the start, so from our first look on."""
        if look_failed(error).trouble is not Trouble.NOT_FOUND or self._status is not None:
            return False
        first = context["ti"].get_first_reschedule_date(context) if self.reschedule else None
        began = self._first_look if first is None else first.timestamp()
        return time.time() - began < self.hook.not_found_grace

    def _report(self, run: ImportRun, ending: Ending) -> dict[str, Any]:
        advice = "The import was left as it is; the next try waits on."
        return report(self.hook.hook_name, run, ending, self.limits, advice)

    def _timed_out(self, run: ImportRun, status: ImportStatus | None) -> SensorTimeoutError:
        last = "" if status is None else f" Last seen: {status}."
        return SensorTimeoutError(
            f"The {self.hook.hook_name} import ({run}) did not end before the sensor's timeout.{last} It was left as "
            "it is.",
            vendor=run.vendor,
            run=run,
            status=status,
        )
