"""Send calls over ``requests``, one keep-alive session for the life of a hook."""

from __future__ import annotations

import logging
import ssl
import time
from typing import TYPE_CHECKING, Any, TypeVar

import requests
from requests.auth import AuthBase
from requests.exceptions import ConnectionError as RequestsConnectionError
from requests.exceptions import ConnectTimeout, ProxyError, RequestException
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError
from urllib3.exceptions import HTTPError as Urllib3Error

from airflow_provider_imports.http.call import (
    Answer,
    Call,
    NoAnswer,
    SendResult,
    unreadable_body,
)
from airflow_provider_imports.http.rate_limit import WINDOW
from airflow_provider_imports.http.reading import BrokenAnswerError, Reading
from airflow_provider_imports.http.send_steps import (
    Access,
    Authenticate,
    Hold,
    Pause,
    Transmit,
    Vendor,
    exchange,
    log_in,
)
from airflow_provider_imports.http.tls import is_handshake_failure

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from airflow_provider_imports.http.rate_limit import RateLimit
    from airflow_provider_imports.http.settings import Settings

log = logging.getLogger(__name__)


class _WithoutHeaders(logging.Filter):
    """Keep what a vendor wrote into its headers out of a warning of ``urllib3`` that it can't parse them."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass; that warning without its details."""
        if str(record.msg).startswith("Failed to parse headers"):
            record.msg, record.args = "An answer has headers that can't be parsed", ()
            record.exc_info = record.exc_text = None
        return True


logging.getLogger("urllib3.connection").addFilter(_WithoutHeaders())
T = TypeVar("T")

_PIECE = 1 << 16


class SyncClient:
    """
    Carry out exchanges by blocking.

    :param vendor: the vendor's description
    :param look_up: reads the Airflow connection
    :param open_session: makes the ``requests`` session, once
    :param rate_limit: the limit for a call
    """

    def __init__(
        self,
        vendor: Vendor,
        look_up: Callable[[], Settings],
        open_session: Callable[[Settings], requests.Session],
        rate_limit: Callable[[Call, Settings], RateLimit],
    ) -> None:
        self.access = Access()
        self._vendor = vendor
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

    def send(self, call: Call, patience: float) -> Answer:
        """
        Send a call until it is answered or must not be repeated.

        :param patience: seconds to spend on waits before repeats
        :raises VendorImportError: what the vendor's description makes of the last outcome
        """
        return self._drive(exchange(self._vendor, self.access, call, patience))

    def authenticate(self, patience: float = 0.0, *, renew: bool = False) -> None:
        """
        Take on the connection's credentials, and log in where the vendor has a log-in.

        :param patience: seconds to spend on waits before the log-in is repeated
        :param renew: look the connection up again
        """
        settings = self._look_up() if renew else self.settings
        self._drive(log_in(self._vendor, self.access, settings, patience))

    def _drive(self, steps: Generator[Any, SendResult | None, T]) -> T:
        outcome: SendResult | None = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as end:
                value: T = end.value
                return value
            outcome = None
            match step:
                case Transmit():
                    outcome = self._transmit(step)
                case Authenticate():
                    self.authenticate(step.patience, renew=step.generation > 0)
                case Pause():
                    log.warning("%s Sent again in %.0f s.", step.reason, step.seconds)
                    time.sleep(step.seconds)
                case Hold():
                    self._rate_limit(step.call, self.settings).hold(time.monotonic() + step.seconds)

    def _transmit(self, step: Transmit) -> SendResult:
        rate_limit = self._rate_limit(step.call, self.settings)
        while delay := rate_limit.delay(now := time.monotonic()):
            if rate_limit.held(now) > WINDOW:
                return NoAnswer(f"not sent, for the vendor asked to wait {rate_limit.held(now):.0f} s more", False)
            time.sleep(delay)
        rate_limit.sent(time.monotonic())
        settings, call = self.settings, step.call
        body = call.wire_body()
        try:
            with self.session.request(
                call.method,
                settings.base_url + call.target,
                headers=on_the_wire(step.headers),
                data=body,
                auth=_NoNetrc(),
                timeout=(settings.connect_timeout, settings.timeout),
                allow_redirects=False,
                stream=True,
            ) as response:
                content = _read(response, call, time.monotonic() + settings.timeout)
        except (RequestException, Urllib3Error, ValueError, OSError) as error:  # ValueError: a Location that is none
            return _no_answer(error, call, settings)
        if content is None:
            return NoAnswer(f"the answer did not end within {settings.timeout:g} s", may_have_acted=True)
        return Answer(response.status_code, response.headers, content)


def on_the_wire(headers: Mapping[str, str]) -> dict[str, str | bytes]:
    """Write what is not ASCII in UTF-8, like the async transport; ``http.client`` would take Latin-1, or give up."""
    return {name: value if value.isascii() else value.encode() for name, value in headers.items()}


class _NoNetrc(AuthBase):
    """Keeps ``requests`` from putting a password of ``~/.netrc`` in the place of our credentials."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


def _read(response: requests.Response, call: Call, end: float) -> bytes | None:
    """Read a body piece by piece, so that one that trickles can't outlast the timeout; None if it did not end."""
    read: Callable[..., bytes] = getattr(response.raw, "read1", response.raw.read)
    reading = Reading(response.status_code, response.headers.get("content-encoding", ""), call.largest_answer)
    while piece := read(_PIECE, decode_content=False):
        if not reading.add(piece):
            response.close()
            return reading.cut()
        if time.monotonic() > end:
            return None
    return reading.content()


def _no_answer(error: Exception, call: Call, settings: Settings) -> NoAnswer:
    unsent_body = call.body is not None and not isinstance(call.body, bytes) and not call.body.handed_over
    if isinstance(error, BrokenAnswerError):
        return NoAnswer(str(error), may_have_acted=True)
    if unread := unreadable_body(error):
        return NoAnswer(f"the body could not be read to its end: {unread}", may_have_acted=False)
    if _never_connected(error):
        return NoAnswer(f"no connection to {settings.base_url} ({_cause(error)})", may_have_acted=False)
    if unsent_body:
        return NoAnswer(f"the connection broke before the whole body was sent ({_cause(error)})", may_have_acted=False)
    if isinstance(error, requests.Timeout | TimeoutError):
        return NoAnswer(f"no answer within {settings.timeout:g} s", may_have_acted=True)
    return NoAnswer(f"the connection broke before an answer came ({_cause(error)})", may_have_acted=True)


def _never_connected(error: BaseException) -> bool:
    if isinstance(error, ConnectTimeout | ProxyError) or (
        isinstance(error, RequestException | Urllib3Error) and isinstance(error, ValueError)  # an invalid URL or header
    ):
        return True
    if isinstance(_innermost(error), ssl.SSLError) and is_handshake_failure(_innermost(error)):
        return True
    reason = error.args[0] if isinstance(error, RequestsConnectionError) and error.args else None
    if isinstance(reason, MaxRetryError):
        reason = reason.reason
    return isinstance(reason, NewConnectionError | ConnectTimeoutError)


def _cause(error: BaseException) -> str:
    """The innermost cause's class: its text may quote an address with a query, or bytes of the request."""
    cause = _innermost(error)
    if isinstance(cause, OSError) and cause.strerror and not cause.filename:
        return f"{type(cause).__name__}: {cause.strerror}"
    return type(cause).__name__


def _innermost(error: BaseException) -> BaseException:
    while inner := (error.__cause__ or error.__context__):
        error = inner
    return error
