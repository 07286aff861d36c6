"""The operator for vendors with one slot: a second import there would be refused, or would kill the first."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Unpack

from airflow_provider_imports import metrics, validation
from airflow_provider_imports.exceptions import ImportBusyError, ImportTimeoutError
from airflow_provider_imports.intent import Found, Intent
from airflow_provider_imports.operators.run_store import fingerprint_of
from airflow_provider_imports.operators.slot_lock import claim, claimed_by, slot_lock
from airflow_provider_imports.operators.waiting import WaitingImportOperator
from airflow_provider_imports.polling import Ending, Outcome
from airflow_provider_imports.report import error_class

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_imports.arguments import IfRunning, PollingArgs
    from airflow_provider_imports.hooks.slot_turns import Slot
    from airflow_provider_imports.models import ImportRun, ImportStatus
    from airflow_provider_imports.trigger_event import Event


class SlotImportOperator(WaitingImportOperator):
    """
    Start an import in the vendor's only slot, once, and wait for its end.

    :param if_running: when another import occupies the slot: ``"fail"``, ``"wait"`` until it is free, or
        ``"replace"`` it (templated)
    """

    template_fields: Sequence[str] = (*WaitingImportOperator.template_fields, "if_running")

    def __init__(self, *, conn_id: str, if_running: IfRunning = "fail", **kwargs: Unpack[PollingArgs]) -> None:
        super().__init__(conn_id=conn_id, **kwargs)
        self.if_running = if_running
        self._before: Mapping[str, str] | None = None
        self._lock: ExitStack | None = None
        self._task = ""

    def slot(self) -> Mapping[str, str]:
        """The vendor's slot that only one import can occupy, as the hook reads it."""
        raise NotImplementedError(f"{type(self).__name__} has no slot()")

    def check(self) -> None:
        """Check ``if_running`` as well."""
        super().check()
        validation.one_of("if_running", self.if_running, ("fail", "wait", "replace"))

    def _after_event(self, context: Context, seen: Event) -> Any:
        """Start the import now that the slot is free, or judge the import's end."""
        if seen.slot is None:
            return super()._after_event(context, seen)
        self._raise_unless_free(seen.ending)
        self.check()
        return self._start_and_wait(context)

    def _attach_or_start(self, context: Context) -> tuple[ImportRun, ImportStatus]:
        ti = context.get("ti")
        self._task = json.dumps([getattr(ti, name, None) for name in ("dag_id", "run_id", "task_id", "map_index")])
        return super()._attach_or_start(context)

    def _start_once(self, context: Context, *, last: bool) -> ImportRun | None:
        """Start in the slot once that is free, and keep the tasks of this machine out meanwhile."""
        slot = self.slot()
        name = self._lock_name(slot)
        while True:
            with ExitStack() as self._lock:
                self._lock.enter_context(slot_lock(name, self._deadline))
                seen = self.hook.run_flow(self.hook.slot_flow(slot), deadline=self._deadline)
                if seen.busy:
                    metrics.count("imports.slot_busy", self.hook.vendor)
                if self._may_start_in(seen):
                    self._before = None if seen.run is None else seen.run.key
                    run = super()._start_once(context, last=last)
                    if run is not None:
                        claim(name, _name_of(run), self._task)
                    return run
            self.log.info("Waiting until the slot is free: %s", seen.described)
            if self.deferrable:
                self._defer(slot=dict(slot))
            self._raise_unless_free(self.hook.wait_for_slot(slot, self._policy()))

    def _intend(self) -> None:
        self._store.intend(self.slot(), self._before, fingerprint_of(self.content_version()), in_steps=self.in_steps)

    def _find(self, intent: Intent, until: datetime) -> Found:
        if intent.slot is None:  # not stored by this operator
            return Found(None, would_show=False)
        found = super()._find(intent, until)
        if found.run is None:
            return found
        whose = claimed_by(self._lock_name(intent.slot), _name_of(found.run))
        if whose in (None, self._task):
            return found
        self.log.warning("%s was started by another task: %s", self.what(found.run), whose)
        return Found(None, would_show=False)

    def _lock_name(self, slot: Mapping[str, str]) -> str:
        return json.dumps([self.entry.hook, self.hook.client.settings.base_url, sorted(slot.items())])

    def _release_lock(self) -> None:
        """Let others look at the slot: from here on the vendor shows them that it is taken, though nothing runs yet."""
        if self._lock is not None:
            self._lock.close()

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

    def _raise_unless_free(self, ending: Ending) -> None:
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


def _name_of(run: ImportRun) -> str:
    return json.dumps(run.key, sort_keys=True)
