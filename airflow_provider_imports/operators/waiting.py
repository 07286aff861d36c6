"""The operator for vendors that tell what becomes of an import: it waits without a worker, and judges the end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Unpack

from airflow.providers.common.compat.sdk import conf

from airflow_provider_imports import validation
from airflow_provider_imports.exceptions import (
    ImportSupersededError,
    TriggerEventError,
    VendorImportError,
    VendorRateLimitError,
    VendorUnavailableError,
)
from airflow_provider_imports.judging import Limits
from airflow_provider_imports.models import ImportRun, ImportState, ImportStatus, Sent
from airflow_provider_imports.operators.base import RUNNING, ImportOperator
from airflow_provider_imports.polling import Ending, Outcome, PollPolicy, Trouble
from airflow_provider_imports.report import look_failed, report
from airflow_provider_imports.trigger_event import Event
from airflow_provider_imports.vendors import FROM_ENTRY, given_or_own
from airflow_provider_imports.version_compat import backstop, deadline
from airflow_provider_imports.xcoms_and_assets import failures_handed_over, hand_over

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_imports.arguments import ImportArgs

#: Seconds for one answer when something is canceled because the task is being killed; Airflow allows about five.
CANCEL_ON_KILL_SECONDS = 2.0


class WaitingImportOperator(ImportOperator):
    """
    Start an import, once, and wait for its end. Times are seconds or a ``timedelta``.

    :param wait_for_completion: False returns as soon as the vendor has confirmed the start
    :param deferrable: wait on the triggerer, without a worker (default: ``[operators] default_deferrable``)
    :param timeout: for the whole wait; ``execution_timeout`` ends it earlier if that is shorter
    :param poll_interval: shortest time between two looks at the status; longer for an import that takes longer
    :param max_poll_interval: longest time between two looks
    :param max_rejected: how many rows the vendor may reject: None only warns, an int is rows, a float a share of all
        rows. An import whose every row was rejected fails whatever is set
    :param min_rows: how many rows must get in: None only warns if there was none at all
    :param outage_tolerance: time on end for which the status may be unreadable
    :param cancel_on_kill: cancel the import if the task is killed, where the vendor can
    :param cancel_on_timeout: cancel the import at the deadline, where the vendor can
    """

    #: Parameters that would have no effect at a vendor, or in a class that sets them itself.
    without_effect: ClassVar[Sequence[str]] = ()
    #: How many items the vendor may create by itself, for one that does.
    max_auto_created: int | None = None

    def __init__(
        self,
        *,
        conn_id: str,
        wait_for_completion: bool = True,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        timeout: float | timedelta = 86400,
        poll_interval: float | timedelta = FROM_ENTRY,
        max_poll_interval: float | timedelta = FROM_ENTRY,
        max_rejected: int | float | None = None,
        min_rows: int | None = None,
        outage_tolerance: float | timedelta = 1800,
        cancel_on_kill: bool = True,
        cancel_on_timeout: bool = True,
        **kwargs: Unpack[ImportArgs],
    ) -> None:
        super().__init__(conn_id=conn_id, **kwargs)
        self.wait_for_completion = validation.flag("wait_for_completion", wait_for_completion)
        self.deferrable = validation.flag("deferrable", deferrable)
        self.timeout = validation.seconds("timeout", timeout)
        shortest, longest = given_or_own(self.entry, poll_interval=poll_interval, max_poll_interval=max_poll_interval)
        self.poll_interval = validation.seconds("poll_interval", shortest)
        self.max_poll_interval = validation.seconds("max_poll_interval", longest)
        validation.max_rejected(max_rejected)
        validation.min_rows(min_rows)
        self.max_rejected = max_rejected
        self.min_rows = min_rows
        self.outage_tolerance = validation.seconds("outage_tolerance", outage_tolerance)
        self.cancel_on_kill = validation.flag("cancel_on_kill", cancel_on_kill)
        self.cancel_on_timeout = validation.flag("cancel_on_timeout", cancel_on_timeout)
        self._deadline = 0.0
        self._sent_by_first_process: Sent | None = None
        self._killed = False
        self._run_when_killed: ImportRun | None = None

    def execute(self, context: Context) -> Any:
        """
        Start the import, wait for its end, and return the manifest.

        :raises UnknownOutcomeError: if nobody can tell whether the vendor started it; Airflow does not retry that
        :raises ImportFailedError: if the vendor says so; a retry starts it anew
        :raises ImportRejectedRecordsError: if more rows were rejected than ``max_rejected`` allows, or fewer got in
            than ``min_rows`` asks for
        :raises ImportTimeoutError: at the deadline
        :raises VendorImportError: what else went wrong; the next try goes on with the import if it was started
        """
        self.check()
        started_at = getattr(context.get("ti"), "start_date", None)
        self._deadline = deadline(time.time(), self.timeout, started_at, self.execution_timeout)
        with failures_handed_over(self, context):
            return self._start_and_wait(context)

    def execute_complete(
        self,
        context: Context,
        event: dict[str, Any] | None = None,
        sent: dict[str, int | None] | None = None,
        tables: list[list[str]] | None = None,
    ) -> Any:
        """
        Go on after the trigger: judge the import's end.

        :param sent: what the process sent that deferred
        :param tables: what its query read
        """
        self._sent_by_first_process = None if sent is None else Sent.from_json(sent)
        self._tables = tables or ()
        with failures_handed_over(self, context):
            try:
                seen = Event.from_json(event)
            except ValueError as error:
                raise self._event_error(context, str(error)) from error
            self._deadline = seen.deadline
            return self._after_event(context, seen)

    def _run_that_was_deferred(self, context: Context) -> ImportRun | None:
        record = self._stored(context).load()
        return None if record is None else record.run

    def _after_event(self, context: Context, seen: Event) -> Any:
        if seen.run is None:
            raise self._event_error(context, "it is not about an import")
        self._run, self._base_url = seen.run, seen.base_url
        self._store = self._stored(context)
        self._store.load()
        return self._conclude(context, seen.run, seen.ending)

    def _what_was_sent(self) -> Sent | None:
        return self._sent_by_first_process or super()._what_was_sent()

    def _event_error(self, context: Context, reason: str) -> TriggerEventError:
        self._run = self._run_that_was_deferred(context)
        return TriggerEventError(
            f"The trigger's event can't be understood ({reason}); is the triggerer of another version? "
            f"The import may still be running; {self._next_try(context)}."
        )

    def on_kill(self) -> None:
        """
        Cancel our run at the vendor in one quick call; called on the worker while the task is being killed.

        Killed in the middle of a start, the task has some seconds left, in which the run may yet be confirmed; it
        is canceled then.
        """
        self._killed = True
        run = self._run_when_killed = self._run
        if run is None and self._store.record is not None:
            self.log.warning("Killed while the import was being started; it may be running, and the next try finds out")
        elif run is None:
            self.log.info("Killed before an import was started, so there is none to cancel")
        elif not self.cancel_on_kill:
            self.log.info("Killed; %s is left running: cancel_on_kill is off", self.what(run))
        elif not self.hook.can_cancel:
            self.log.warning("Killed; %s goes on, since %s can't cancel one", self.what(run), self.hook.hook_name)
        else:
            try:
                self.log.info("Killed: %s", self.hook.quick(CANCEL_ON_KILL_SECONDS).cancel(run, patience=0.0))
            except VendorImportError as error:
                self.log.warning("Killed; %s may still be running: %s", self.what(run), error)

    def _start_and_wait(self, context: Context) -> Any:
        run, status = self._attach_or_start(context)
        if not self.wait_for_completion:
            if self.max_rejected is not None or self.min_rows is not None:
                self.log.warning("max_rejected and min_rows have no effect, since wait_for_completion is False")
            return self._report_start(context, run, status)
        if status.state is ImportState.SUCCEEDED:
            ending = Ending.of(status)
        elif self.deferrable:
            self._defer(run=run)
        else:
            ending = self.hook.wait(run, self._policy())
        return self._conclude(context, run, ending)

    def _start(self, context: Context) -> tuple[ImportRun, ImportStatus]:
        started = super()._start(context)
        if self._killed and self._run_when_killed is None:
            self.on_kill()
        return started

    def _start_once(self, context: Context, *, last: bool) -> ImportRun | None:
        if self._killed:  # while it waited; Airflow lets a killed process live for some seconds
            raise VendorImportError("The task was killed before it started an import. Nothing was sent.")
        return super()._start_once(context, last=last)

    def _attach_to_run(self, run: ImportRun, status: ImportStatus | None) -> tuple[ImportRun, ImportStatus] | None:
        """Ask what became of a run that an earlier try started; failed, canceled or gone, it is started anew."""
        if status is not None:
            return run, status
        try:
            status = self.hook.get_status(run)
        except (VendorUnavailableError, VendorRateLimitError) as error:
            self.log.warning("Its status is not readable right now: %s", error)
            return run, RUNNING
        except ImportSupersededError as error:
            self.log.warning("%s It is started again", error)
            return None
        except VendorImportError as error:
            if look_failed(error).trouble is not Trouble.NOT_FOUND:
                raise
            if run.started_at is not None and time.time() - run.started_at.timestamp() < self.hook.not_found_grace:
                self.log.warning("Not known at the vendor yet, a moment after its start: %s", error)
                return run, RUNNING
            self.log.warning("%s It is started again", error)
            return None
        if status.state in (ImportState.FAILED, ImportState.CANCELED):
            self.log.warning(
                "It ended as %s (%s), so it is started again", status.state, status.message or "no reason given"
            )
            return None
        return run, status

    def _status_after_start(self, run: ImportRun) -> ImportStatus:
        return RUNNING

    def _defer(self, run: ImportRun | None = None, slot: Mapping[str, str] | None = None) -> NoReturn:
        """Wait on the triggerer, for a run's end or for a slot; only a run can be canceled by a kill."""
        from airflow_provider_imports.triggers.imports import ImportTrigger

        policy, sent = self._policy(), self._what_was_sent()
        self.defer(
            trigger=ImportTrigger(
                hook=self.entry.hook,
                conn_id=self.conn_id,
                run=None if run is None else run.to_json(),
                slot=slot,
                deadline=policy.deadline,
                poll_interval=policy.poll_interval,
                max_poll_interval=policy.max_poll_interval,
                outage_tolerance=policy.outage_tolerance,
                cancel_on_kill=self.cancel_on_kill and run is not None,
            ),
            method_name="execute_complete",
            kwargs=None if sent is None or run is None else {"sent": sent.to_json(), "tables": self.tables_to_json()},
            timeout=backstop(time.time(), policy.deadline),
        )

    def _policy(self) -> PollPolicy:
        return PollPolicy(
            poll_interval=self.poll_interval,
            max_poll_interval=self.max_poll_interval,
            deadline=self._deadline,
            outage_tolerance=self.outage_tolerance,
            not_found_grace=self.hook.not_found_grace,
        )

    def _conclude(self, context: Context, run: ImportRun, ending: Ending) -> Any:
        if self._store.was_cleared and ending.outcome in (Outcome.CANCELED, Outcome.FAILED) and not self._killed:
            # The kill that belongs to clearing may reach the vendor only after this try has attached.
            self.log.warning("%s ended as %s after the task was cleared", self.what(run), ending.outcome)
            self.check()
            return self._start_and_wait(context)
        next_try = self._next_try(context)
        advice = f"The import was left as it is; {next_try}."
        if ending.outcome is Outcome.TIMED_OUT:
            advice = self._cancel_at_deadline(run, next_try)
        if ending.outcome is Outcome.SUCCEEDED and ending.status is not None:
            self._store.ended(run, ending.status)  # a retry reports this end again, and does not import again
        limits = Limits(self.max_rejected, self.max_auto_created, self.min_rows)
        result = report(self.hook.hook_name, run, ending, limits, advice, self._what_was_sent())
        return hand_over(self, context, result)

    def _cancel_at_deadline(self, run: ImportRun, next_try: str) -> str:
        """Cancel at the deadline, and say what became of the import and what the next try does."""
        if not self.hook.can_cancel:
            return f"{self.hook.hook_name} can't cancel an import, so it goes on; {next_try}."
        if not self.cancel_on_timeout:
            return f"It was left running (cancel_on_timeout is off); {next_try}."
        try:
            return f"{self.hook.cancel(run)} The next try starts it again."
        except VendorImportError as error:
            return f"It could not be canceled and may still be running: {error} In that case {next_try}."

    def _next_try(self, context: Context) -> str:
        """What the next try does with an import that still runs."""
        if self.durable and context.get("task_state_store") is not None:
            return "the next try waits for it"
        return "the next try starts another one, since this task remembers nothing (durable, or Airflow below 3.3)"
