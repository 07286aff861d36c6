"""Send calls over ``aiohttp``: one client per connection and event loop, shared by everything that waits on it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

import aiohttp
from yarl import URL

from airflow_provider_imports import metrics
from airflow_provider_imports.exceptions import VendorImportError
from airflow_provider_imports.http.call import (
    LARGEST_ANSWER,
    Answer,
    AnswerTooLargeError,
    Body,
    Call,
    NoAnswer,
    SendResult,
    unreadable_body,
)
from airflow_provider_imports.http.request_queue import RequestQueue
from airflow_provider_imports.http.send_steps import (
    Access,
    Authenticate,
    Hold,
    Pause,
    Sending,
    SendStep,
    Share,
    Transmit,
    VendorRules,
    converse,
    log_in,
    send,
)
from airflow_provider_imports.http.tls import client_context, is_handshake_failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine

    from airflow_provider_imports.http.call import Flow
    from airflow_provider_imports.http.rate_limit import RateLimit
    from airflow_provider_imports.http.settings import Settings

log = logging.getLogger(__name__)
T = TypeVar("T")

#: A request that waits for a socket within ``aiohttp`` is heavy, its timeout runs, and nobody can overtake it.
_LIMITED_BY_OUR_QUEUE = 0


class AsyncClient:
    """
    Send by awaiting. Get it from :func:`join_client`.

    :param rules: the vendor's description
    :param look_up: reads the Airflow connection without blocking the event loop
    :param rate_limit: the limit that a connection asks for
    """

    def __init__(
        self,
        rules: VendorRules,
        look_up: Callable[[], Awaitable[Settings]],
        rate_limit: Callable[[Settings], RateLimit],
        rate_limit_key: Callable[[Call], str],
    ) -> None:
        self.access = Access()
        self.users = 0
        self.rules = rules
        self._look_up = look_up
        self._new_rate_limit = rate_limit
        self._rate_limit_key = rate_limit_key
        self._queues: dict[str, RequestQueue] = {}
        self._reads: dict[str, _SharedRead] = {}
        self._lock = asyncio.Lock()
        self._session: aiohttp.ClientSession | None = None
        self._base = URL()
        self._proxy: str | None = None

    async def close(self) -> None:
        """Close the session's sockets."""
        for read in self._reads.values():
            await read.cancel()
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def run(self, flow: Flow[T], deadline: float | None = None, max_age: float = 0.0, patience: float = 0.0) -> T:
        """
        Send a flow's calls; many who run flows with the same shared read at the same time share one request.

        :param deadline: the waiter's deadline (epoch seconds): near it, its calls go first
        :param max_age: an answer to a shared read that was asked for within the last ``max_age`` seconds will do; with
            0 it must be asked for from now on
        :param patience: seconds to spend on waits before repeats of each call
        :raises VendorImportError: what the vendor's description makes of the last outcome
        """
        return await self._drive(converse(flow, self.rules, self.access, patience), deadline, max_age)

    async def _drive(self, sending: Sending[T], deadline: float | None = None, max_age: float = 0.0) -> T:
        result: SendResult | None = None
        failure: VendorImportError | None = None
        while True:
            try:
                step = sending.send(result) if failure is None else sending.throw(failure)
            except StopIteration as end:
                value: T = end.value
                return value
            result = failure = None
            try:
                result = await self._carry_out(step, deadline, max_age)
            except VendorImportError as error:
                failure = error

    async def _carry_out(self, step: SendStep, deadline: float | None, max_age: float) -> SendResult | None:
        match step:
            case Transmit():
                return await self._transmit(step, deadline)
            case Share():
                return await self._share(step.call, deadline, max_age)
            case Authenticate():
                await self._authenticate(step)
            case Pause():
                log.warning("%s Sent again in %.0f s.", step.reason, step.seconds)
                await asyncio.sleep(step.seconds)
            case Hold():
                self._queue_for(step.call).hold(step.seconds)
                await asyncio.to_thread(metrics.rate_limited, step.vendor, step.seconds)  # it may look a host up
        return None

    async def _share(self, call: Call, deadline: float | None, max_age: float) -> Answer:
        key = f"{call.method} {call.target}"
        read = self._reads.get(key)
        if read is None:
            read = self._reads[key] = _SharedRead(asyncio.get_running_loop())
        return await read.answer(lambda: self._drive(send(call, self.rules, self.access, 0.0), deadline), max_age)

    async def _authenticate(self, step: Authenticate) -> None:
        async with self._lock:
            if self.access.generation == step.generation:
                settings = await self._look_up()
                await self._open(settings)
                await self._drive(log_in(self.rules, self.access, settings, step.patience))

    async def _open(self, settings: Settings) -> None:
        """Open the session, anew where the connection now leads elsewhere."""
        if self._session is not None and self.access.settings == settings:
            return
        old, self._session = self._session, None
        if settings.base_url.startswith("https"):
            tls = await asyncio.to_thread(client_context, settings)
            connector = aiohttp.TCPConnector(limit=_LIMITED_BY_OUR_QUEUE, ssl=tls)
        else:
            connector = aiohttp.TCPConnector(limit=_LIMITED_BY_OUR_QUEUE)
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(
                total=settings.connect_timeout + settings.timeout, sock_connect=settings.connect_timeout
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        self._base = URL(settings.base_url, encoded=True)
        self._proxy = settings.proxy
        self.access.settings = settings
        if old is not None:
            await old.close()

    async def _transmit(self, step: Transmit, deadline: float | None) -> SendResult:
        call, settings = step.call, self.access.settings
        queue = self._queue_for(call)
        try:
            since = await queue.turn(deadline)
        except TimeoutError:
            return NoAnswer("not sent, for the vendor's rate limit left no turn before the deadline", False)
        limited = False
        if self._session is None or settings is None:
            queue.answered(since)
            return NoAnswer("the connection was closed meanwhile", may_have_acted=False)
        try:
            body = call.wire_body()
            headers = step.headers
            if body is not None and not isinstance(body, bytes):
                headers = {**headers, "Content-Length": str(len(body))}  # else aiohttp would send it in chunks
            # not `async with`: reading to the end gives the socket back, a failing read closes it
            response = await self._session.request(
                call.method,
                self._address(call),
                headers=headers,
                data=body if body is None or isinstance(body, bytes) else _pieces(body),
                skip_auto_headers=None if call.method == "GET" else _NO_GUESSED_TYPE,
                proxy=self._proxy,
                allow_redirects=False,
            )
            content = await _read(response)
            limited = response.status == 429
            return Answer(response.status, response.headers, content)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return _no_answer(error, settings)
        finally:
            queue.answered(since, limited=limited)

    def _address(self, call: Call) -> URL:
        """Where a call goes; parsing thousands of addresses that differ in a path would cost more than replacing it."""
        if call.query or "?" in call.path:
            return URL(self.access.base_url + call.target, encoded=True)
        return self._base.with_path(self._base.raw_path.rstrip("/") + call.path, encoded=True)

    def _queue_for(self, call: Call) -> RequestQueue:
        key = self._rate_limit_key(call)
        queue = self._queues.get(key)
        if queue is None:
            if self.access.settings is None:
                raise RuntimeError("a call was sent before the connection was looked up")
            queue = self._queues[key] = RequestQueue(self._new_rate_limit(self.access.settings))
        return queue


class _SharedRead:
    """One read that many wait for."""

    __slots__ = ("_answer", "_asked_at", "_asking_since", "_current", "_loop", "_next")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._answer: Answer | None = None
        self._asked_at = self._asking_since = float("-inf")
        self._current: asyncio.Task[Answer] | None = None
        self._next: asyncio.Task[Answer] | None = None

    async def answer(self, ask: Callable[[], Awaitable[Answer]], max_age: float) -> Answer:
        if self._answer is not None and max_age and self._loop.time() - self._asked_at <= max_age:
            return self._answer
        return await asyncio.shield(self._task(ask, max_age))

    async def cancel(self) -> None:
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
        task.add_done_callback(_retrieve)
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


_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[object, str], AsyncClient]] = WeakKeyDictionary()


def join_client(key: tuple[object, str], make: Callable[[], AsyncClient]) -> AsyncClient:
    """
    Use the event loop's client for this key, which the first user opens; :func:`leave_client` must follow.

    :param key: the hook's class and the connection id
    """
    clients = _clients.setdefault(asyncio.get_running_loop(), {})
    client = clients.get(key)
    if client is None:
        client = clients[key] = make()
    client.users += 1
    return client


async def leave_client(key: tuple[object, str]) -> None:
    """Use the event loop's client for this key no longer; the last user closes it."""
    clients = _clients[asyncio.get_running_loop()]
    client = clients[key]
    client.users -= 1
    if not client.users:
        del clients[key]
        await client.close()


#: ``aiohttp`` guesses a type for a body that has none.
_NO_GUESSED_TYPE = ("Content-Type",)


async def _pieces(body: Body) -> AsyncIterator[bytes]:
    """Read a body's pieces in a thread, one at a time."""
    pieces = iter(body)
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        yield piece


def _retrieve(task: asyncio.Task[Answer]) -> None:
    """Take note of an error that everybody who waited for the answer has stopped waiting for."""
    if not task.cancelled():
        task.exception()


_NEVER_CONNECTED = (
    aiohttp.ClientConnectorError,
    aiohttp.ClientHttpProxyError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
)


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Read an answer to its end, which gives the socket back; whatever else happens closes it."""
    pieces: list[bytes] = []
    size = 0
    try:
        while piece := await response.content.readany():
            pieces.append(piece)
            size += len(piece)
            if size > LARGEST_ANSWER:
                raise AnswerTooLargeError
    except BaseException:
        response.close()
        raise
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _no_answer(error: Exception, settings: Settings) -> NoAnswer:
    cause = type(error).__name__
    if isinstance(error, AnswerTooLargeError):
        return NoAnswer(str(error), may_have_acted=True)
    if unread := unreadable_body(error):
        return NoAnswer(f"the body could not be read to its end: {unread}", may_have_acted=False)
    if isinstance(error, _NEVER_CONNECTED):
        return NoAnswer(f"no connection to {settings.base_url} ({_reason(error)})", may_have_acted=False)
    if is_handshake_failure(error):
        return NoAnswer(f"no TLS connection to {settings.base_url} ({cause})", may_have_acted=False)
    if isinstance(error, TimeoutError):
        return NoAnswer(f"no answer within {settings.timeout:g} s", may_have_acted=True)
    return NoAnswer(f"the connection broke before an answer came ({_reason(error)})", may_have_acted=True)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{type(error).__name__}: {error.strerror}"
    return type(error).__name__
