"""Whose turn it is: every request of a connection in one event loop passes here, in order, at the connection's pace."""

from __future__ import annotations

import asyncio
import heapq
import resource
import time
from collections import deque

from airflow_provider_imports.http.pace import WINDOW, Pace
from airflow_provider_imports.http.width import Width

#: Requests of one gate at a time, each on a socket of its own: as many as a thousand imports at a slow vendor need,
#: and never more than a quarter of what the process may open.
MOST_IN_FLIGHT = max(1, min(1000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 4))
_TICK = 0.001


class Gate:
    """
    Let requests through at a :class:`~airflow_provider_imports.http.pace.Pace`, first come, first served.

    A waiter whose deadline falls within the next minute goes first, so that its last look is not missed. After a
    429 the gate is cautious: one request at a time, until one is answered with something else than 429.

    :param most: requests at a time, at most; further ones wait here, where they weigh little and their timeout does
        not run
    """

    __slots__ = ("_cautious", "_dated", "_in_flight", "_loop", "_pace", "_queue", "_timer", "_turns", "_width")

    def __init__(self, pace: Pace, most: int = MOST_IN_FLIGHT) -> None:
        self._pace = pace
        self._width = Width(most)
        self._loop = asyncio.get_running_loop()
        self._queue: deque[asyncio.Future[float]] = deque()
        self._dated: list[tuple[float, int, asyncio.Future[float]]] = []
        self._turns = 0
        self._in_flight = 0
        self._cautious = False
        self._timer: asyncio.TimerHandle | None = None

    async def turn(self, deadline: float | None = None) -> float:
        """
        Wait until a request may be sent; :meth:`answered` must follow.

        :param deadline: the waiter's deadline (epoch seconds), if it has one
        :return: the event loop's time of the turn, for :meth:`answered`
        :raises TimeoutError: if it is not its turn a minute after the deadline: the vendor asks for a longer wait, or
            very many have the same deadline
        """
        if not self._queue and self._is_open():
            return self._let_through()
        turn: asyncio.Future[float] = self._loop.create_future()
        self._queue.append(turn)
        if deadline is not None:
            self._turns += 1
            heapq.heappush(self._dated, (deadline, self._turns, turn))
        self._pump()
        try:
            async with asyncio.timeout(None if deadline is None else max(deadline - time.time(), 0.0) + WINDOW):
                return await turn
        except (asyncio.CancelledError, TimeoutError):
            if turn.done() and not turn.cancelled():  # it was our turn, and we leave without a request
                self._in_flight -= 1
            self._pump()
            raise

    def answered(self, since: float, *, limited: bool = False) -> None:
        """
        Note that a request has ended.

        :param since: when it was let through, as :meth:`turn` returned it
        :param limited: whether the vendor answered 429
        """
        self._in_flight -= 1
        self._width.answered(self._loop.time() - since, in_flight=self._in_flight, others_wait=bool(self._queue))
        if limited:
            self._cautious = True
            self._schedule()
        else:
            if self._cautious and not self._pace.held(self._loop.time()):
                self._cautious = False
            self._pump()

    def hold(self, seconds: float) -> None:
        """Let nothing through for this long."""
        self._cautious = True
        self._pace.hold(self._loop.time() + seconds)
        self._schedule()

    def _is_open(self) -> bool:
        return not self._is_full() and not self._pace.delay(self._loop.time())

    def _is_full(self) -> bool:
        return self._in_flight >= (1 if self._cautious else self._width.now)

    def _let_through(self) -> float:
        now = self._loop.time()
        self._pace.sent(now)
        self._in_flight += 1
        return now

    def _pump(self) -> None:
        while self._is_open() and (turn := self._next()) is not None:
            turn.set_result(self._let_through())
        self._schedule()

    def _next(self) -> asyncio.Future[float] | None:
        """Who waits longest, unless somebody's deadline is near."""
        while self._queue and self._queue[0].done():
            self._queue.popleft()
        if not self._queue:
            self._dated.clear()
            return None
        if len(self._dated) > 2 * len(self._queue) + 100:  # most of them had their turn already
            self._dated = [one for one in self._dated if not one[2].done()]
            heapq.heapify(self._dated)
        while self._dated and self._dated[0][0] < time.time() + WINDOW:
            *_, turn = heapq.heappop(self._dated)
            if not turn.done():
                return turn
        return self._queue.popleft()

    def _schedule(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._queue and not self._is_full():
            wait = max(self._pace.delay(self._loop.time()), _TICK)
            self._timer = self._loop.call_later(wait, self._pump)
