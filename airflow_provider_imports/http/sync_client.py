"""Send calls over ``requests``, one keep-alive session for the life of a hook."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, TypeVar

import requests
from requests.exceptions import RequestException
from urllib3.exceptions import HTTPError as Urllib3Error

from airflow_provider_imports import metrics
from airflow_provider_imports.exceptions import VendorImportError
from airflow_provider_imports.http.call import (
    Answer,
    Call,
    NoAnswer,
    SendResult,
)
from airflow_provider_imports.http.rate_limit import WINDOW
from airflow_provider_imports.http.reading import Reading
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
)
from airflow_provider_imports.http.transfer import Transfer, current_transfer, latest_end, no_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from airflow_provider_imports.http.call import Body, Flow
    from airflow_provider_imports.http.rate_limit import RateLimit
    from airflow_provider_imports.http.settings import Settings

log = logging.getLogger(__name__)
T = TypeVar("T")

_PIECE = 1 << 16


class SyncClient:
    """
    Send by blocking.

    :param rules: the vendor's description
    :param look_up: reads the Airflow connection
    :param open_session: makes the ``requests`` session, once
    :param rate_limit: the limit for a call
    """

    def __init__(
        self,
        rules: VendorRules,
        look_up: Callable[[], Settings],
        open_session: Callable[[Settings], requests.Session],
        rate_limit: Callable[[Call, Settings], RateLimit],
    ) -> None:
        self.access = Access()
        self._rules = rules
        self._look_up = look_up
        self._open_session = open_session
        self._rate_limit = rate_limit
        self._session: requests.Session | None = None

    @property
    def settings(self) -> Settings:
        """The connection, looked up once."""
        if self.access.settings is None:
            self.access.settings = self._look_up()
        return self.access.settings

    @property
    def session(self) -> requests.Session:
        """The one session."""
        if self._session is None:
            self._session = self._open_session(self.settings)
        return self._session

    def close(self) -> None:
        """Close the session's sockets."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def run(self, flow: Flow[T], patience: float, deadline: float | None = None) -> T:
        """
        Send a flow's calls, each until it is answered or must not be repeated.

        :param patience: seconds to spend on waits before repeats of each call
        :param deadline: the waiter's deadline (epoch seconds), soon after which this ends, whatever hangs
        :raises VendorImportError: what the vendor's description makes of the last outcome
        """
        return self._drive(converse(flow, self._rules, self.access, patience), latest_end(deadline))

    def authenticate(self, patience: float = 0.0, *, renew: bool = False, latest: float = float("inf")) -> None:
        """
        Take on the connection's credentials, and log in where the vendor has a log-in.

        :param patience: seconds to spend on waits before the log-in is repeated
        :param renew: look the connection up again
        :param latest: when this must have ended (``time.monotonic()``)
        """
        settings = self._look_up() if renew else self.settings
        self._drive(log_in(self._rules, self.access, settings, patience), latest)

    def _drive(self, sending: Sending[T], latest: float) -> T:
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
                result = self._carry_out(step, latest)
            except VendorImportError as error:
                failure = error

    def _carry_out(self, step: SendStep, latest: float) -> SendResult | None:
        match step:
            case Transmit():
                return self._transmit(step, latest)
            case Authenticate():
                self.authenticate(step.patience, renew=step.generation > 0, latest=latest)
            case Pause():
                log.warning("%s Sent again in %.0f s.", step.reason, step.seconds)
                time.sleep(step.seconds)
            case Hold():
                metrics.rate_limited(step.vendor, step.seconds)
                self._rate_limit(step.call, self.settings).hold(time.monotonic() + step.seconds)
            case Share():
                pass  # nobody else sends here
        return None

    def _transmit(self, step: Transmit, latest: float) -> SendResult:
        rate_limit = self._rate_limit(step.call, self.settings)
        while delay := rate_limit.delay(now := time.monotonic()):
            if rate_limit.held(now) > WINDOW:
                return NoAnswer(f"not sent, for the vendor asked to wait {rate_limit.held(now):.0f} s more", False)
            if now + delay > latest:
                return NoAnswer("not sent, for the vendor's rate limit left no turn before the deadline", False)
            time.sleep(delay)
        rate_limit.sent(time.monotonic())
        settings, call = self.settings, step.call
        body = call.wire_body()
        transfer = Transfer(0 if body is None else len(body), settings, latest)
        sent_before = current_transfer.set(transfer)
        try:
            request = self.session.prepare_request(
                requests.Request(
                    call.method,
                    settings.base_url + call.target,
                    headers=on_the_wire(step.headers),
                    data=body if body is None or isinstance(body, bytes) else _Pieces(body, transfer),
                )
            )
            transfer.recorded = False  # until our adapter has it
            timeout = min(settings.connect_timeout, transfer.time_left()), settings.timeout
            with self.session.send(request, timeout=timeout, allow_redirects=False, stream=True) as response:
                content = _read(response, call)
        except (RequestException, Urllib3Error, ValueError, OSError) as error:  # ValueError: a Location that is none
            return no_answer(transfer, error, settings)
        finally:
            current_transfer.reset(sent_before)
        return Answer(response.status_code, response.headers, content)


class _Pieces:
    """A body as ``requests`` streams it: with a length, and read piece by piece."""

    def __init__(self, body: Body, transfer: Transfer) -> None:
        self._body = body
        self._transfer = transfer

    def __len__(self) -> int:
        return len(self._body)

    def __iter__(self) -> Iterator[bytes]:
        return self._transfer.pieces(self._body)


def on_the_wire(headers: Mapping[str, str]) -> dict[str, str | bytes]:
    """Write what is not ASCII in UTF-8, like the async transport; ``http.client`` would take Latin-1, or give up."""
    return {name: value if value.isascii() else value.encode() for name, value in headers.items()}


def _read(response: requests.Response, call: Call) -> bytes:
    """Read a body piece by piece; the session sees to it that one that trickles can't outlast the timeout."""
    read: Callable[..., bytes] = getattr(response.raw, "read1", response.raw.read)
    reading = Reading(response.status_code, response.headers.get("content-encoding", ""), call.largest_answer)
    while piece := read(_PIECE, decode_content=False):
        if not reading.add(piece):
            response.close()
            return reading.cut()
    return reading.content()
