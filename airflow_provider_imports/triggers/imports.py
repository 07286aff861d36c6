"""One trigger for every vendor: it waits, yields one event, and cancels the import if a person kills the task."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_imports.exceptions import VendorImportError
from airflow_provider_imports.models import ImportRun, ImportStatus
from airflow_provider_imports.polling import Ending, LookFailed, PollPolicy, Wait
from airflow_provider_imports.report import look_failed
from airflow_provider_imports.trigger_event import Event
from airflow_provider_imports.triggers.task_states import STATE_SECONDS, TaskKey, is_still_deferred
from airflow_provider_imports.version_compat import AIRFLOW_V_3_3_PLUS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Mapping

    from airflow_provider_imports.hooks.base import ImportHook
    from airflow_provider_imports.http.call import Flow

#: Seconds for canceling in :meth:`ImportTrigger.on_kill`.
CANCEL_SECONDS = 15.0


class ImportTrigger(BaseTrigger):
    """
    Wait for an import's end, or for a vendor's slot to become free.

    All arguments are plain JSON and hold no secret. The deadline is a wall-clock time, so a restarted or moved
    trigger ends when the first one would have. :meth:`run` only reads: it may run twice.

    :param hook: import path of the vendor's hook
    :param conn_id: the Airflow connection
    :param run: the run to wait for (``ImportRun.to_json()``); None to wait for ``slot``
    :param slot: the slot to wait for, as the hook names it; None to wait for ``run``
    :param deadline: epoch seconds
    :param poll_interval: shortest seconds between two looks
    :param max_poll_interval: longest seconds between two looks
    :param outage_tolerance: seconds on end for which looks may fail
    :param cancel_on_kill: cancel the run if a person ends or clears the deferred task (Airflow 3.3+)
    :raises TypeError: if ``run`` is not what :meth:`ImportRun.to_json` writes. A triggerer reports just this error of
        a constructor as the trigger's failure; any other one would end the triggerer.
    """

    def __init__(
        self,
        *,
        hook: str,
        conn_id: str,
        deadline: float,
        poll_interval: float,
        max_poll_interval: float,
        outage_tolerance: float,
        run: Mapping[str, Any] | None = None,
        slot: Mapping[str, str] | None = None,
        cancel_on_kill: bool = True,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._hook = hook
        self._conn_id = conn_id
        self._policy = PollPolicy(poll_interval, max_poll_interval, deadline, outage_tolerance)
        self._run = None if run is None else _import_run(run)  # lighter than its JSON, and thousands wait
        self._slot = slot
        self._cancel_on_kill = cancel_on_kill

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Class path and arguments, from which any triggerer can go on."""
        arguments = {
            "hook": self._hook,
            "conn_id": self._conn_id,
            "deadline": self._policy.deadline,
            "poll_interval": self._policy.poll_interval,
            "max_poll_interval": self._policy.max_poll_interval,
            "outage_tolerance": self._policy.outage_tolerance,
            "run": None if self._run is None else self._run.to_json(),
            "slot": self._slot,
            "cancel_on_kill": self._cancel_on_kill,
        }
        return f"{type(self).__module__}.{type(self).__qualname__}", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and yield one event: an :class:`~airflow_provider_imports.trigger_event.Event` in its JSON form."""
        hook_class = await load_hook(self._hook)
        if self._may_cancel(hook_class) and not AIRFLOW_V_3_3_PLUS:
            self.log.warning("Airflow below 3.3 does not tell when a deferred task is killed: the import goes on then")
        async with hook_class.shared(self._conn_id) as hook:
            ending = await self._wait(hook)
            event = Event(ending, self._policy.deadline, self._run, self._slot, hook.known_base_url)
        yield TriggerEvent(event.to_json())  # type: ignore[no-untyped-call]

    def _may_cancel(self, hook_class: type[ImportHook]) -> bool:
        return bool(self._run and self._cancel_on_kill and hook_class.can_cancel)

    async def on_kill(self) -> None:
        """
        Cancel our run at the vendor, once, because a person cleared the task or marked it failed or successful.

        Two faults of Airflow 3.3.0-3.3.2 are lived with. This is also called when the trigger has moved to another
        triggerer; the task is still deferred then, and nothing is canceled. And what takes longer than a second is
        interrupted every second; it goes on nevertheless.

        Airflow is asked once for many triggers. If it does not answer, nothing is canceled, and a warning says so.
        """
        if self._run is not None:
            await _to_its_end(self._end_run(self._run))

    async def _end_run(self, run: ImportRun) -> None:
        hook_class = await load_hook(self._hook)
        if not self._cancel_on_kill:
            self.log.info("Airflow stopped the trigger; the import (%s) is left running: cancel_on_kill is off", run)
            return
        if not hook_class.can_cancel:
            self.log.warning(
                "Airflow stopped the trigger; the import (%s) goes on, since %s can't cancel one",
                run,
                hook_class.hook_name,
            )
            return
        deferred = await _is_still_deferred(self)
        if deferred:
            self.log.info("The trigger has moved to another triggerer; the import (%s) goes on", run)
        elif deferred is None:
            self.log.warning(
                "The import (%s) is left running: Airflow did not say within %g s whether its task was killed or its "
                "trigger has moved to another triggerer",
                run,
                STATE_SECONDS,
            )
        else:
            await self._cancel(hook_class, run)

    async def _cancel(self, hook_class: type[ImportHook], run: ImportRun) -> None:
        try:
            async with asyncio.timeout(CANCEL_SECONDS):
                self.log.info("The task was killed: %s", await hook_class(self._conn_id).acancel(run))
        except TimeoutError:
            self.log.warning(
                "The task was killed; the import (%s) may still be running: %s gave no answer within %g s",
                run,
                hook_class.hook_name,
                CANCEL_SECONDS,
            )
        except VendorImportError as error:
            self.log.warning("The task was killed; the import (%s) may still be running: %s", run, error)

    async def _wait(self, hook: ImportHook) -> Ending:
        run = self._run
        started_at = None if run is None or run.started_at is None else run.started_at.timestamp()
        policy = self._policy = self._policy._replace(not_found_grace=hook.not_found_grace)
        loop = asyncio.get_running_loop()
        began = loop.time()
        wait = Wait(policy, started_at, time.time())
        pause = wait.first_pause(time.time(), random.random())
        while True:
            await asyncio.sleep(pause)
            looked_at = time.time()
            # what others asked before this wait began may be older than the start it is about
            max_age = min(policy.poll_interval, loop.time() - began)
            seen: ImportStatus | LookFailed
            try:
                seen = await hook.arun_flow(self._flow(hook, run), policy.deadline, max_age)
            except VendorImportError as error:
                seen = look_failed(error)
            step = wait.after_look(seen, looked_at, time.time(), random.random())
            if step.line is not None:
                log = self.logger()  # one for all triggers: each own one weighs a kilobyte
                step.line.write(log)
            if step.ending is not None:
                return step.ending
            pause = step.pause

    def _flow(self, hook: ImportHook, run: ImportRun | None) -> Flow[ImportStatus]:
        return hook.slot_status_flow(self._slot or {}) if run is None else hook.status_flow(run)


def _import_run(value: object) -> ImportRun:
    try:
        return ImportRun.from_json(value)
    except ValueError as error:
        raise TypeError(str(error)) from error


_hook_classes: dict[str, type[ImportHook]] = {}


async def load_hook(path: str) -> type[ImportHook]:
    """Find a vendor's hook class; its import takes a quarter of a second the first time, not on the event loop."""
    hook_class = _hook_classes.get(path)
    if hook_class is None:
        hook_class = _hook_classes[path] = await asyncio.to_thread(resolve_name, path)
    return hook_class


async def _is_still_deferred(trigger: BaseTrigger) -> bool | None:
    """Ask Airflow whether the task still waits on a trigger; None if it does not say."""
    task = trigger.task_instance
    if task is None:
        return False
    map_index = -1 if task.map_index is None else task.map_index
    return await is_still_deferred(TaskKey(task.dag_id, task.run_id, task.task_id, map_index))


_going_on: set[asyncio.Task[None]] = set()


async def _to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Do something in a task of its own, however often the one that waits for it is canceled."""
    task = asyncio.get_running_loop().create_task(work)
    _going_on.add(task)
    task.add_done_callback(_going_on.discard)
    while not task.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait([task])
    if not task.cancelled():
        task.result()
