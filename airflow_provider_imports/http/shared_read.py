"""One read of a status that is the same for many who wait for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from airflow_provider_imports.http.call import Answer


class SharedRead:
    """One read that many wait for."""

    __slots__ = ("_answer", "_asked_at", "_asking_since", "_current", "_loop", "_next")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._answer: Answer | None = None
        self._asked_at = self._asking_since = float("-inf")
        self._current: asyncio.Task[Answer] | None = None
        self._next: asyncio.Task[Answer] | None = None

    async def answer(self, ask: Callable[[], Awaitable[Answer]], max_age: float) -> Answer:
        """
        Ask, or share an answer.

        :param max_age: an answer that was asked for within the last ``max_age`` seconds will do; with 0 it must be
            asked for from now on, but everybody who wants that at the same time shares one request
        """
        if self._answer is not None and max_age and self._loop.time() - self._asked_at <= max_age:
            return self._answer
        return await asyncio.shield(self._task(ask, max_age))

    async def cancel(self) -> None:
        """End what nobody waits for any more."""
        tasks = [task for task in (self._current, self._next) if task is not None and not task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _task(self, ask: Callable[[], Awaitable[Answer]], max_age: float) -> asyncio.Task[Answer]:
        busy = self._current is not None and not self._current.done()
        if busy and self._current is not None and self._loop.time() - self._asking_since <= max_age:
            return self._current
        if self._next is not None and not self._next.done():  # it has not asked yet
            return self._next
        if busy and self._current is not None:
            self._next = self._start(self._ask_after(self._current, ask))
            return self._next
        self._asking_since = self._loop.time()
        self._current = self._start(self._ask(ask))
        return self._current

    def _start(self, asking: Coroutine[Any, Any, Answer]) -> asyncio.Task[Answer]:
        task = self._loop.create_task(asking)
        task.add_done_callback(retrieve)
        return task

    async def _ask(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        asked_at = self._asking_since = self._loop.time()
        answer = await ask()
        self._answer, self._asked_at = answer, asked_at
        return answer

    async def _ask_after(self, current: asyncio.Task[Answer], ask: Callable[[], Awaitable[Answer]]) -> Answer:
        await asyncio.wait([current])
        self._current, self._next = self._next, None
        return await self._ask(ask)


def retrieve(task: asyncio.Task[Any]) -> None:
    """Take note of an error that everybody who waited for the answer has stopped waiting for."""
    if not task.cancelled():
        task.exception()
