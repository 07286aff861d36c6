"""A task's life as Airflow leads it, in miniature: tries, deferrals, retries, a fresh operator for each."""

from __future__ import annotations

import asyncio
import contextvars
import json
from dataclasses import dataclass, field
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException, TaskDeferred

if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds after which a trigger that has not ended is reported; a cell takes about one.
TOO_LONG = 30


@dataclass
class TaskLife:
    """
    Run an operator or a sensor through its tries.

    :param make_operator: a fresh instance, as each process of Airflow makes one
    :param make_context: the context of a try (see the fixture of this name)
    :param retries: as in Airflow
    """

    make_operator: Callable[[], Any]
    make_context: Callable[..., dict[str, Any]]
    retries: int = 2
    result: Any = None
    error: Exception | None = None
    tries: int = 0
    errors: list[Exception] = field(default_factory=list)
    trigger_arguments: list[Any] = field(default_factory=list)
    events: list[Any] = field(default_factory=list)
    contexts: list[Any] = field(default_factory=list)

    @property
    def is_green(self) -> bool:
        """True if the last try succeeded."""
        return self.tries > 0 and self.error is None

    def run(self, after_each: Callable[[], object] | None = None) -> TaskLife:
        """
        Try until success, until an error that Airflow does not retry, or until the retries are used up.

        :param after_each: called after each try
        """
        while self.tries <= self.retries:
            self.try_once()
            if after_each is not None:
                after_each()
            if self.error is None or isinstance(self.error, AirflowFailException):
                break
        return self

    def try_once(self) -> TaskLife:
        """One try, deferrals included."""
        self.tries += 1
        context = self.make_context(try_number=self.tries, max_tries=self.retries)
        self.contexts.append(context)
        self.error = None
        try:
            self.result = contextvars.copy_context().run(self._execute, context)
        except Exception as error:  # noqa: BLE001  # Airflow catches everything, too
            self.error = error
            self.errors.append(error)
        return self

    def clear(self) -> TaskLife:
        """Clear the task, as a person does: it gets its tries again."""
        self.retries += self.tries
        return self

    def die_once_started(self) -> TaskLife:
        """One try whose process is killed as soon as the import is confirmed, before anybody waits for it."""
        self.tries += 1
        context = self.make_context(try_number=self.tries, max_tries=self.retries)
        operator = self.make_operator()

        def die(*args: Any, **kwargs: Any) -> None:
            raise KilledError

        operator._announce = die
        try:
            operator.execute(context)
        except KilledError:
            return self
        raise AssertionError("the import was not started")

    def _execute(self, context: dict[str, Any]) -> Any:
        try:
            return self.make_operator().execute(context)
        except TaskDeferred as deferred:
            return self._resume(deferred, context)

    def _resume(self, deferred: TaskDeferred, context: dict[str, Any]) -> Any:
        while True:
            path, arguments = deferred.trigger.serialize()
            arguments = json.loads(json.dumps(arguments, allow_nan=False))
            self.trigger_arguments.append(arguments)
            event = json.loads(json.dumps(asyncio.run(_first_event(resolve_name(path)(**arguments)))))
            self.events.append(event)
            try:
                kwargs = json.loads(json.dumps(deferred.kwargs or {}))
                return getattr(self.make_operator(), deferred.method_name)(context, event=event, **kwargs)
            except TaskDeferred as again:
                deferred = again


class KilledError(BaseException):
    """The process is gone."""


async def _first_event(trigger: Any) -> Any:
    async with asyncio.timeout(TOO_LONG):
        async for event in trigger.run():
            return event.payload
    raise AssertionError("the trigger ended without an event")
