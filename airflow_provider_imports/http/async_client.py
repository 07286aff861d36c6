"""Send calls over ``aiohttp``: one client per connection and event loop, shared by everything that waits on it."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import aiohttp
from yarl import URL

from airflow_provider_imports import metrics
from airflow_provider_imports.exceptions import VendorImportError, VendorUnavailableError
from airflow_provider_imports.http.async_session import WITHOUT_END, open_session, pieces, recorded_in
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
from airflow_provider_imports.http.shared_read import SharedRead, retrieve
from airflow_provider_imports.http.transfer import Transfer, Waiter, latest_end, no_answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from airflow_provider_imports.http.call import Flow
    from airflow_provider_imports.http.rate_limit import RateLimit
    from airflow_provider_imports.http.settings import Settings

log = logging.getLogger(__name__)
T = TypeVar("T")

#: ``aiohttp`` guesses a type for a body that has none.
_NO_GUESSED_TYPE = ("Content-Type",)


#: Seconds for the look-up of a connection, which asks Airflow's API server or a secrets backend.
LONGEST_LOOK_UP = 60.0


class AsyncClient:
    """
    Send by awaiting. Get it from :func:`~airflow_provider_imports.http.loop_clients.join_client`.

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
        self._login: asyncio.Task[None] | None = None
        self._session: aiohttp.ClientSession | None = None
        self._timeout = WITHOUT_END
        self._base = URL()
        self._base_path = ""
        self._proxy: str | None = None

    async def close(self) -> None:
        """Close the session's sockets."""
        for read in self._reads.values():
            await read.cancel()
        if self._login is not None and not self._login.done():
            self._login.cancel()
            await asyncio.wait([self._login])
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def run(self, flow: Flow[T], deadline: float | None = None, max_age: float = 0.0, patience: float = 0.0) -> T:
        """
        Send a flow's calls; many who run flows with the same shared read at the same time share one request.

        :param deadline: the waiter's deadline (epoch seconds): near it, its calls go first, and soon after it this
            ends, whatever hangs
        :param max_age: an answer to a shared read that was asked for within the last ``max_age`` seconds will do; with
            0 it must be asked for from now on
        :param patience: seconds to spend on waits before repeats of each call
        :raises VendorImportError: what the vendor's description makes of the last outcome
        """
        sending = converse(flow, self.rules, self.access, patience)
        return await self._drive(sending, Waiter(deadline, latest_end(deadline), max_age))

    async def take_over(self, access: Access) -> None:
        """Begin with what another client of the same connection knows."""
        if access.generation and access.settings is not None:
            self.access = replace(access)
            await self._open(access.settings)

    async def _drive(self, sending: Sending[T], waiter: Waiter) -> T:
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
                result = await self._carry_out(step, waiter)
            except VendorImportError as error:
                failure = error

    async def _carry_out(self, step: SendStep, waiter: Waiter) -> SendResult | None:
        match step:
            case Transmit():
                return await self._transmit(step, waiter)
            case Share():
                return await self._share(step.call, waiter)
            case Authenticate():
                await self._authenticate(step, waiter)
            case Pause():
                log.warning("%s Sent again in %.0f s.", step.reason, step.seconds)
                await asyncio.sleep(step.seconds)
            case Hold():
                self._queue_for(step.call).hold(step.seconds)
                await asyncio.to_thread(metrics.rate_limited, step.vendor, step.seconds)  # it may look a host up
        return None

    async def _share(self, call: Call, waiter: Waiter) -> SendResult:
        key = f"{call.method} {call.target}"
        read = self._reads.get(key)
        if read is None:
            read = self._reads[key] = SharedRead(asyncio.get_running_loop())
        asked = read.answer(lambda: self._drive(send(call, self.rules, self.access, 0.0), waiter), waiter.max_age)
        try:
            async with asyncio.timeout(waiter.time_left()):
                return await asked
        except TimeoutError:
            return NoAnswer("no answer before the deadline", may_have_acted=True)

    async def _authenticate(self, step: Authenticate, waiter: Waiter) -> None:
        """Log in, or wait for the log-in that is under way: all who do share what becomes of it."""
        if self.access.generation != step.generation:
            return
        if self._login is None or self._login.done():
            self._login = asyncio.get_running_loop().create_task(self._log_in(step.patience))
            self._login.add_done_callback(retrieve)
        await asyncio.wait([self._login], timeout=waiter.time_left())
        if not self._login.done():
            raise VendorUnavailableError(
                "The log-in was not answered before the deadline. Nothing else was sent; a retry is safe."
            )
        if (error := self._login.exception()) is not None:
            raise error.with_traceback(None)  # raised many times, it would grow

    async def _log_in(self, patience: float) -> None:
        try:
            async with asyncio.timeout(LONGEST_LOOK_UP):
                settings = await self._look_up()
        except TimeoutError:
            raise VendorUnavailableError(
                f"Airflow did not answer the look-up of the connection within {LONGEST_LOOK_UP:g} s. Nothing was "
                "sent; a retry is safe."
            ) from None
        await self._open(settings)
        await self._drive(log_in(self.rules, self.access, settings, patience), Waiter())

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
        self._base_path = self._base.raw_path.rstrip("/")
        self._proxy = settings.proxy
        self.access.settings = settings
        if old is not None:
            await old.close()

    async def _transmit(self, step: Transmit, waiter: Waiter) -> SendResult:
        call, settings = step.call, self.access.settings
        queue = self._queue_for(call)
        try:
            since = await queue.turn(waiter.deadline)
        except TimeoutError:
            return NoAnswer("not sent, for the vendor's rate limit left no turn before the deadline", False)
        limited = False
        if self._session is None or settings is None:
            queue.answered(since)
            return NoAnswer("the connection was closed meanwhile", may_have_acted=False)
        body = call.wire_body()
        transfer = Transfer(0 if body is None or isinstance(body, bytes) else len(body), settings, waiter.latest)
        try:
            if body is None or isinstance(body, bytes):
                answer = await self._request(call, step.headers, body, self._timeout_of(transfer, waiter), transfer)
            else:
                headers = {**step.headers, "Content-Length": str(len(body))}  # else aiohttp would send it in chunks
                async with asyncio.timeout(transfer.time_left()) as limit:
                    answer = await self._request(call, headers, pieces(body, transfer, limit), WITHOUT_END, transfer)
            limited = answer.status == 429
            return answer
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return no_answer(transfer, error, settings)
        finally:
            queue.answered(since, limited=limited)

    async def _request(
        self,
        call: Call,
        headers: Mapping[str, str],
        data: bytes | AsyncIterator[bytes] | None,
        timeout: aiohttp.ClientTimeout,
        transfer: Transfer,
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
            timeout=timeout,
            middlewares=(recorded_in(transfer),),
        )
        return Answer(response.status, response.headers, await _read(response, call))

    def _timeout_of(self, transfer: Transfer, waiter: Waiter) -> aiohttp.ClientTimeout:
        """The connection's timeout, unless the waiter's deadline is nearer."""
        if transfer.end < waiter.latest:
            return self._timeout
        return aiohttp.ClientTimeout(total=transfer.time_left(), sock_connect=self._timeout.sock_connect)

    def _address(self, call: Call) -> URL:
        """Where a call goes; parsing thousands of addresses that differ in a path would cost more than replacing it."""
        if call.query or "?" in call.path:
            return URL(self.access.base_url + call.target, encoded=True)
        return self._base.with_path(self._base_path + call.path, encoded=True)

    def _queue_for(self, call: Call) -> RequestQueue:
        key = self._rate_limit_key(call)
        queue = self._queues.get(key)
        if queue is None:
            if self.access.settings is None:
                raise RuntimeError("a call was sent before the connection was looked up")
            queue = self._queues[key] = RequestQueue(self._new_rate_limit(self.access.settings))
        return queue


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
