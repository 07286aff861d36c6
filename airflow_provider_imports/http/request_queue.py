"""Every request of one pace of a connection waits here for its turn, in one event loop: in order, at the rate limit."""

from __future__ import annotations

import asyncio
import heapq
import resource
import time
from collections import deque

from airflow_provider_imports.http.rate_limit import WINDOW, RateLimit
from airflow_provider_imports.http.transfer import OVERTIME

#: Requests of one queue at a time, each on a socket of its own: as many as a thousand imports at a slow vendor need,
#: and never more than a quarter of what the process may open.
MOST_IN_FLIGHT = max(1, min(1000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 4))
_TICK = 0.001
#: Enough for a vendor that answers quickly. Over TLS each open connection weighs a hundred kilobytes and more.
NARROWEST = 32
#: Seconds. Thirty-two at a time, each answered within this, are 320 a second.
QUICK_ANSWER = 0.1


class RequestQueue:
    """
    Let requests through at a :class:`~airflow_provider_imports.http.rate_limit.RateLimit`, first come, first served.

    A waiter whose deadline falls within the next minute goes first, so that its last look is not missed. After a
    429 the queue is cautious: one request at a time, until one is answered with something else than 429.

    :param most: requests at a time, at most; further ones wait here, where they weigh little and their timeout does
        not run
    """

    __slots__ = (
        "_cautious",
        "_concurrency",
        "_dated",
        "_in_flight",
        "_loop",
        "_queue",
        "_rate_limit",
        "_timer",
        "_turns",
    )

    def __init__(self, rate_limit: RateLimit, most: int = MOST_IN_FLIGHT) -> None:
        self._rate_limit = rate_limit
        self._concurrency = Concurrency(most)
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
        :raises TimeoutError: if it is not its turn soon after the deadline: the vendor asks for a longer wait, or very
            many have the same deadline
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
            async with asyncio.timeout(None if deadline is None else max(deadline - time.time(), 0.0) + OVERTIME):
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
        self._concurrency.answered(self._loop.time() - since, in_flight=self._in_flight, others_wait=bool(self._queue))
        if limited:
            self._cautious = True
            self._schedule()
        else:
            if self._cautious and not self._rate_limit.held(self._loop.time()):
                self._cautious = False
            self._pump()

    def hold(self, seconds: float) -> None:
        """Let nothing through for this long."""
        self._cautious = True
        self._rate_limit.hold(self._loop.time() + seconds)
        self._schedule()

    def _is_open(self) -> bool:
        return not self._is_full() and not self._rate_limit.delay(self._loop.time())

    def _is_full(self) -> bool:
        return self._in_flight >= (1 if self._cautious else self._concurrency.now)

    def _let_through(self) -> float:
        now = self._loop.time()
        self._rate_limit.sent(now)
        self._in_flight += 1
        return now

    def _pump(self) -> None:
        while self._queue and self._is_open() and (turn := self._next()) is not None:
            turn.set_result(self._let_through())
        if not self._queue:
            self._dated.clear()
        self._schedule()

    def _next(self) -> asyncio.Future[float] | None:
        """Who waits longest, unless somebody's deadline is near."""
        while self._queue and self._queue[0].done():
            self._queue.popleft()
        if not self._queue:
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
            wait = max(self._rate_limit.delay(self._loop.time()), _TICK)
            self._timer = self._loop.call_later(wait, self._pump)


class Concurrency:
    """
    Few requests at a time at a vendor that answers quickly, more and more at one that takes its time.

    It doubles after each round of answers that were all slow while others waited for their turn, and halves after a
    round when few are under way. One quick answer in a round shows that the vendor is not what holds the others up:
    it is the opening of their connections, or this machine, and more of them at a time would only be slower.

    :param most: the most requests at a time
    """

    __slots__ = ("_answers", "_most", "_narrowest", "_quickest", "now")

    def __init__(self, most: int) -> None:
        self._most = most
        self._narrowest = self.now = min(NARROWEST, most)
        self._answers = -self.now  # the first round is twice as long: connections open, and much is imported
        self._quickest = float("inf")

    def answered(self, took: float, *, in_flight: int, others_wait: bool) -> None:
        """
        Learn from an answer.

        :param took: seconds from the request to the answer
        :param in_flight: requests under way now
        :param others_wait: whether somebody waits for a turn
        """
        self._answers += 1
        self._quickest = min(self._quickest, took)
        if self._answers < self.now:
            return
        if others_wait and self._quickest > QUICK_ANSWER:
            self.now = min(2 * self.now, self._most)
        elif not others_wait and in_flight < self.now // 2:
            self.now = max(self.now // 2, self._narrowest)
        self._answers, self._quickest = 0, float("inf")
