"""Tries of a task, as Airflow makes them: each part on an operator made afresh, everything in between through JSON."""

from __future__ import annotations

import asyncio
import json
from contextlib import contextmanager
from dataclasses import replace
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import TaskDeferred

from airflow_provider_imports.hooks.pigment import PigmentHook
from airflow_provider_imports.http.call import Call
from airflow_provider_imports.operators.run_store import KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import pytest

    from airflow_provider_imports.http.call import Flow
    from airflow_provider_imports.models import ImportRun
    from airflow_provider_imports.sandbox.journal import Entry

STARTS = ("push_csv", "trigger_import")


def default_poll_interval(monkeypatch: pytest.MonkeyPatch, vendor: str, seconds: float) -> None:
    """Let a vendor's imports settle as if everybody looked so often."""
    at = {"websale": "status.WEBSALE", "rocketchat": "operation.ROCKETCHAT"}[vendor]
    place = f"airflow_provider_imports.hooks.{vendor}.{at}"
    monkeypatch.setattr(place, replace(resolve_name(place), poll_interval=seconds))


class Killed(BaseException):
    """The worker's process ends here: nothing catches it."""


def finish(make: Callable[[], Any], context: Mapping[str, Any]) -> Any:
    """
    Make one try of a task, and wait for its end.

    :param make: makes the operator as parsing the DAG file does
    """
    try:
        return make().execute(context)
    except TaskDeferred as deferral:
        deferred = deferral
    while True:
        try:
            return resume(make(), deferred, context)
        except TaskDeferred as deferral:
            deferred = deferral


def resume(task: Any, deferred: TaskDeferred, context: Mapping[str, Any]) -> Any:
    """Go on after the trigger's event, as another process does."""
    kwargs = json.loads(json.dumps(deferred.kwargs or {}))
    return getattr(task, deferred.method_name)(context, event=event_of(deferred.trigger), **kwargs)


def defer(make: Callable[[], Any], context: Mapping[str, Any]) -> TaskDeferred:
    """Make a try that defers, and stop there."""
    try:
        make().execute(context)
    except TaskDeferred as deferred:
        return deferred
    raise AssertionError("the task did not defer")


def moved(trigger: Any) -> Any:
    """The trigger as another process gets it."""
    path, arguments = trigger.serialize()
    return resolve_name(path)(**json.loads(json.dumps(arguments, allow_nan=False)))


def event_of(trigger: Any) -> dict[str, Any]:
    """Run a trigger to its end; it yields one event."""

    async def run() -> list[Any]:
        return [event async for event in moved(trigger).run()]

    (event,) = asyncio.run(run())
    payload: dict[str, Any] = json.loads(json.dumps(event.payload, allow_nan=False))
    return payload


@contextmanager
def killed_at(store: Any, phase: str, when: str) -> Iterator[None]:
    """Let the worker die before or after it stores this phase."""
    original = store.set

    def set_and_die(key: str, value: Any) -> None:
        reached = key == KEY and value["phase"] == phase
        if reached and when == "before":
            raise Killed
        original(key, value)
        if reached:
            raise Killed

    store.set = set_and_die
    try:
        yield
    finally:
        del store.set


def starts(sandbox: Any) -> list[Entry]:
    """The starts that the vendor acted on."""
    return [entry for entry in sandbox.entries("pigment") if entry.operation in STARTS and entry.acted]


def requests(sandbox: Any) -> list[str]:
    """All calls that reached the vendor, in order."""
    return [entry.operation for entry in sandbox.entries("pigment")]


class CancelingHook(PigmentHook):
    """A Pigment that could cancel, for what Pigment cannot show."""

    can_cancel = True
    #: Runs that were canceled, by import_id.
    canceled: list[str] = []  # emptied by the fixture that uses it
    fails = False

    def cancel_flow(self, run: ImportRun) -> Flow[str]:
        yield Call("cancel_import", "GET", "/api/v1/nowhere" if self.fails else f"/api/v1/import/{self.at(run)}/status")
        self.canceled.append(self.at(run))
        return "It was canceled."

    @staticmethod
    def at(run: ImportRun) -> str:
        """The import's id."""
        return run.key["import_id"]
