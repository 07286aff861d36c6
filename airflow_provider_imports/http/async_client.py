"""Send calls over ``aiohttp``: one client per connection and event loop, shared by everything that waits on it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakKeyDictionary

import aiohttp
from yarl import URL

from airflow_provider_imports.exceptions import VendorImportError
from airflow_provider_imports.http.async_session import WITHOUT_END, open_session, pieces
from airflow_provider_imports.http.call import (
    Answer,
    Call,
    NoAnswer,
    SendResult,
)
from airflow_provider_imports.http.reading import Reading
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
from airflow_provider_imports.http.shared_read import SharedRead
from airflow_provider_imports.http.transfer import Transfer, current_transfer, no_answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from airflow_provider_imports.http.call import Flow
    from airflow_provider_imports.http.rate_limit import RateLimit
    from airflow_provider_imports.http.settings import Settings

log = logging.getLogger(__name__)
T = TypeVar("T")

#: ``aiohttp`` guesses a type for a body that has none.
_NO_GUESSED_TYPE = ("Content-Type",)


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
        self._reads: dict[str, SharedRead] = {}
        self._lock = asyncio.Lock()
        self._session: aiohttp.ClientSession | None = None
        self._timeout = WITHOUT_END
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
        return None

    async def _share(self, call: Call, deadline: float | None, max_age: float) -> Answer:
        key = f"{call.method} {call.target}"
        read = self._reads.get(key)
        if read is None:
            read = self._reads[key] = SharedRead(asyncio.get_running_loop())
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
        self._session = await open_session(settings)
        self._timeout = aiohttp.ClientTimeout(
            total=settings.connect_timeout + settings.timeout, sock_connect=settings.connect_timeout
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
        body = call.wire_body()
        transfer = Transfer(0 if body is None or isinstance(body, bytes) else len(body), settings)
        sent_before = current_transfer.set(transfer)
        try:
            if body is None or isinstance(body, bytes):
                answer = await self._request(call, step.headers, body)
            else:
                headers = {**step.headers, "Content-Length": str(len(body))}  # else aiohttp would send it in chunks
                async with asyncio.timeout(transfer.time_left()) as limit:
                    answer = await self._request(call, headers, pieces(body, transfer, limit), WITHOUT_END)
            limited = answer.status == 429
            return answer
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return no_answer(transfer, error, settings)
        finally:
            current_transfer.reset(sent_before)
            queue.answered(since, limited=limited)

    async def _request(
        self,
        call: Call,
        headers: Mapping[str, str],
        data: bytes | AsyncIterator[bytes] | None,
        timeout: aiohttp.ClientTimeout | None = None,
    ) -> Answer:
        if self._session is None:
            raise RuntimeError("a call was sent without a session")
        # not `async with`: reading to the end gives the socket back, a failing read closes it
        response = await self._session.request(
            call.method,
            self._address(call),
            headers=headers,
            data=data,
            skip_auto_headers=None if call.method == "GET" else _NO_GUESSED_TYPE,
            proxy=self._proxy,
            allow_redirects=False,
            timeout=timeout or self._timeout,
        )
        return Answer(response.status, response.headers, await _read(response, call))

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


async def _read(response: aiohttp.ClientResponse, call: Call) -> bytes:
    """Read an answer to its end, which gives the socket back; whatever else happens closes it."""
    reading = Reading(response.status, response.headers.get("content-encoding", ""), call.largest_answer)
    try:
        while piece := await response.content.readany():
            if not reading.add(piece):
                response.close()
                return reading.cut()
        return reading.content()
    except BaseException:
        response.close()
        raise
