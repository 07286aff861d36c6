"""The operator for vendors that tell what becomes of an import: it waits without a worker, and judges the end."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from airflow.providers.common.compat.sdk import conf

from airflow_provider_imports import validation
from airflow_provider_imports.exceptions import (
    ImportBusyError,
    ImportSupersededError,
    ImportTimeoutError,
    TriggerEventError,
    VendorImportError,
    VendorRateLimitError,
    VendorUnavailableError,
)
from airflow_provider_imports.models import Found, ImportRun, ImportState, ImportStatus, Intent, Slot, manifest
from airflow_provider_imports.operators.base import RUNNING, ImportOperator
from airflow_provider_imports.operators.slot_lock import claim, claimed_by, slot_lock
from airflow_provider_imports.polling import Ending, Event, Outcome, PollPolicy, Trouble
from airflow_provider_imports.report import error_class, look_failed, report
from airflow_provider_imports.version_compat import backstop, deadline

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from airflow.providers.common.compat.sdk import Context

IfRunning = Literal["fail", "wait", "replace"]

#: Seconds for one answer when something is canceled because the task is being killed; Airflow allows about five.
CANCEL_ON_KILL_SECONDS = 2.0


class WaitingImportOperator(ImportOperator):
    """
    Start an import, once, and wait for its end.

    :param wait_for_completion: False returns as soon as the vendor has confirmed the start
    :param deferrable: wait on the triggerer, without a worker (default: ``[operators] default_deferrable``)
    :param timeout: seconds for the whole wait
    :param poll_interval: shortest seconds between two looks at the status; longer for an import that takes longer
    :param max_poll_interval: longest seconds between two looks
    :param max_rejected: how many rows the vendor may reject: None only warns, an int is rows, a float a share of all
        rows. An import whose every row was rejected fails whatever is set
    :param outage_tolerance: seconds on end for which the status may be unreadable
    :param cancel_on_kill: cancel the import if the task is killed, where the vendor can
    :param cancel_on_timeout: cancel the import at the deadline, where the vendor can
    :param if_running: when another import occupies the vendor's only slot: ``"fail"``, ``"wait"`` until it is free,
        or ``"replace"`` it; without effect at a vendor without slots (templated)
    """

    template_fields: Sequence[str] = (*ImportOperator.template_fields, "if_running")

    def __init__(
        self,
        *,
        wait_for_completion: bool = True,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        timeout: float = 86400,
        poll_interval: float = 15,
        max_poll_interval: float = 300,
        max_rejected: int | float | None = None,
        outage_tolerance: float = 1800,
        cancel_on_kill: bool = True,
        cancel_on_timeout: bool = True,
        if_running: IfRunning = "fail",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.wait_for_completion = wait_for_completion
        self.deferrable = deferrable
        self.timeout = timeout
        self.poll_interval = poll_interval
        self.max_poll_interval = max_poll_interval
        self.max_rejected = max_rejected
        self.outage_tolerance = outage_tolerance
        self.cancel_on_kill = cancel_on_kill
        self.cancel_on_timeout = cancel_on_timeout
        self.if_running = if_running
        self._deadline = 0.0
        self._door: ExitStack | None = None
        self._whose = ""

    def check(self) -> None:
        """Check the parameters of waiting as well."""
        super().check()
        for name in ("timeout", "poll_interval", "max_poll_interval", "outage_tolerance"):
            validation.positive(name, getattr(self, name))
        validation.max_rejected(self.max_rejected)
        validation.one_of("if_running", self.if_running, ("fail", "wait", "replace"))

    def execute(self, context: Context) -> Any:
        """
        Start the import, wait for its end, and return the manifest.

        :raises UnknownOutcomeError: if nobody can tell whether the vendor started it; Airflow does not retry that
        :raises ImportFailedError: if the vendor says so; a retry starts it anew
        :raises ImportRejectedRecordsError: if more rows were rejected than ``max_rejected`` allows
        :raises ImportTimeoutError: at the deadline
        :raises VendorImportError: what else went wrong; the next try goes on with the import if it was started
        """
        self.check()
        started_at = getattr(context.get("ti"), "start_date", None)
        self._deadline = deadline(time.time(), self.timeout, started_at, self.execution_timeout)
        return self._start_and_wait(context)

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None) -> Any:
        """Go on after the trigger: judge the import's end, or start it now that the vendor's slot is free."""
        try:
            seen = Event.from_json(event)
            if seen.run is None and seen.slot is None:
                raise ValueError("it is about neither an import nor a slot")
        except ValueError as error:
            raise TriggerEventError(
                f"The trigger's event can't be understood ({error}); is the triggerer of another version? "
                f"The import may still be running; {self._next_try(context)}."
            ) from error
        self._deadline = seen.deadline
        if seen.run is None:
            self._judge_slot(seen.ending)
            self.check()
            return self._start_and_wait(context)
        self._run = seen.run
        self._store = self._stored(context)
        self._store.load()
        return self._conclude(context, seen.run, seen.ending)

    def on_kill(self) -> None:
        """
        Cancel our run at the vendor in one quick call; called on the worker while the task is being killed.

        Killed in the middle of a start, the task has some seconds left, in which the run may yet be confirmed; it
        is canceled then.
        """
        self._killed = True
        run = self._run_when_killed = self._run
        if run is None and self._store.intent is not None:
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
        ti = context.get("ti")
        self._whose = json.dumps([getattr(ti, name, None) for name in ("dag_id", "run_id", "task_id", "map_index")])
        run, status = self._attach_or_start(context)
        if not self.wait_for_completion:
            self._store.ended(run, status)
            return self._hand_over(context, manifest(run, status))
        if status.state is ImportState.SUCCEEDED:
            ending = Ending(Outcome.SUCCEEDED, status, message=status.message)
        elif self.deferrable:
            self._defer(run=run.to_json(), cancel_on_kill=self.cancel_on_kill)
        else:
            ending = self.hook.wait(run, self._policy())
        return self._conclude(context, run, ending)

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
            self.log.warning("%s It is started anew", error)
            return None
        except VendorImportError as error:
            if look_failed(error).trouble is not Trouble.NOT_FOUND:
                raise
            if run.started_at is not None and time.time() - run.started_at.timestamp() < self.hook.not_found_grace:
                self.log.warning("Not known at the vendor yet, a moment after its start: %s", error)
                return run, RUNNING
            self.log.warning("%s It is started anew", error)
            return None
        if status.state in (ImportState.FAILED, ImportState.CANCELED):
            self.log.warning(
                "It ended as %s (%s), so it is started anew", status.state, status.message or "no reason given"
            )
            return None
        return run, status

    def _status_after_start(self, run: ImportRun) -> ImportStatus:
        return RUNNING

    @contextmanager
    def _occupy(self, context: Context) -> Iterator[Slot | None]:
        slot = self.slot()
        if slot is None:
            yield None
            return
        door = self._door_to(slot)
        while True:
            with ExitStack() as stack:
                stack.enter_context(slot_lock(door, self._deadline))
                seen = self.hook.run_flow(self.hook.slot_flow(slot))
                if self._may_start_in(seen):
                    self._door = stack
                    yield seen
                    if self._run is not None:
                        claim(door, _name_of(self._run), self._whose)
                    return
            self.log.info("Waiting until the slot is free: %s", seen.described)
            if self.deferrable:
                self._defer(slot=dict(slot))
            self._judge_slot(self.hook.wait_for_slot(slot, self._policy()))

    def _find(self, intent: Intent) -> Found:
        found = super()._find(intent)
        if found.run is None or intent.slot is None:
            return found
        whose = claimed_by(self._door_to(intent.slot), _name_of(found.run))
        if whose in (None, self._whose):
            return found
        self.log.warning("%s was started by another task: %s", self.what(found.run), whose)
        return Found(None, certain=False)

    def _door_to(self, slot: Mapping[str, str]) -> str:
        return json.dumps([self.hook_path, self.hook.client.settings.base_url, sorted(slot.items())])

    def _leave_door(self) -> None:
        """Let others look at the slot: from here on the vendor shows them that it is taken, though nothing runs yet."""
        if self._door is not None:
            self._door.close()

    def _may_start_in(self, seen: Slot) -> bool:
        """Return False to wait for the slot."""
        if self.if_running == "wait":
            return not seen.busy and not seen.settles_in
        if seen.busy and self.if_running == "fail":
            raise ImportBusyError(
                f"{self.hook.hook_name} is busy: {seen.described}. A start would kill that import, so nothing was "
                "sent. Use if_running='wait' to wait for its end, or 'replace' to kill it.",
                vendor=self.hook.vendor,
            )
        if seen.busy:
            self.log.warning("Replacing what runs there: %s", seen.described)
        return True

    def _judge_slot(self, ending: Ending) -> None:
        """Return if the slot is free."""
        if ending.outcome is Outcome.SUCCEEDED:
            return
        described = f" {ending.status.message}." if ending.status and ending.status.message else ""
        if ending.outcome is Outcome.TIMED_OUT:
            raise ImportTimeoutError(
                f"{self.hook.hook_name} stayed busy until the deadline (timeout).{described} Nothing was sent.",
                vendor=self.hook.vendor,
            )
        # One that would be refused again stays permanent: repeated bad log-ins may lock an account.
        raise error_class(ending.error)(
            f"It can't be seen whether {self.hook.hook_name} is free: {ending.message}. Nothing was sent.",
            vendor=self.hook.vendor,
        )

    def _defer(
        self,
        run: Mapping[str, Any] | None = None,
        slot: Mapping[str, str] | None = None,
        cancel_on_kill: bool = False,
    ) -> NoReturn:
        from airflow_provider_imports.triggers.imports import ImportTrigger

        policy = self._policy()
        self.defer(
            trigger=ImportTrigger(
                hook=self.hook_path,
                conn_id=self.conn_id,
                run=run,
                slot=slot,
                deadline=policy.deadline,
                poll_interval=policy.poll_interval,
                max_poll_interval=policy.max_poll_interval,
                outage_tolerance=policy.outage_tolerance,
                cancel_on_kill=cancel_on_kill,
            ),
            method_name="execute_complete",
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
        result = report(self.hook.hook_name, run, ending, self.max_rejected, advice)
        return self._hand_over(context, result)

    def _cancel_at_deadline(self, run: ImportRun, next_try: str) -> str:
        """Cancel at the deadline, and say what became of the import and what the next try does."""
        if not self.hook.can_cancel:
            return f"{self.hook.hook_name} can't cancel an import, so it goes on; {next_try}."
        if not self.cancel_on_timeout:
            return f"It was left running (cancel_on_timeout is off); {next_try}."
        try:
            return f"{self.hook.cancel(run)} The next try starts it anew."
        except VendorImportError as error:
            return f"It could not be canceled and may still be running: {error} In that case {next_try}."

    def _next_try(self, context: Context) -> str:
        """What the next try does with an import that still runs."""
        if self.durable and context.get("task_state_store") is not None:
            return "the next try goes on with it"
        return "the next try starts another one, since this task remembers nothing (durable, or Airflow below 3.3)"


def _name_of(run: ImportRun) -> str:
    return json.dumps(run.key, sort_keys=True)
