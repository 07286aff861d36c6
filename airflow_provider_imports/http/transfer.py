"""What of a request may have left this process, and until when it may take: recorded by whatever sends its bytes."""

from __future__ import annotations

import re
import sys
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_imports.http.call import NoAnswer, UnreadableBodyError
from airflow_provider_imports.http.reading import BrokenAnswerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_imports.http.call import Body
    from airflow_provider_imports.http.settings import Settings

#: Bytes of a body that are kept back until a socket has taken those before them, and known not to have left till then.
PIECE = 1 << 16
#: Seconds after a waiter's deadline in which the calls for it must have ended; half of them for those begun before it.
OVERTIME = 8.0
#: What HTTP 407 means.
PROXY_WANTS_CREDENTIALS = ": it wants credentials, which belong in its address in the extra field proxies"


class Transfer:
    """
    One request on its way. What it says of the vendor rests on what was recorded, never on an exception's class.

    The bytes of a CONNECT to a proxy and of a TLS handshake are none of the request. A request whose body was not
    handed over to its last byte is incomplete, and no server acts on it.

    :param length: bytes of the body whose leaving is recorded
    :param settings: the connection
    :param latest: when it must have ended, whatever the connection's ``timeout`` allows (``time.monotonic()``)
    """

    __slots__ = (
        "_latest",
        "_left",
        "_length",
        "_timeout",
        "callers_error",
        "connect_end",
        "end",
        "may_have_left",
        "recorded",
        "unreadable",
    )

    def __init__(self, length: int, settings: Settings, latest: float = float("inf")) -> None:
        self._timeout = settings.timeout
        self._latest = latest
        self._length = length
        self._left = 0
        #: When its time is over (``time.monotonic()``); each part that is accepted puts it off.
        self.end = min(time.monotonic() + settings.connect_timeout + settings.timeout, latest)
        #: When the time to connect is over; endless once there is a connection.
        self.connect_end = float("inf")
        #: False while something has it that does not record what leaves.
        self.recorded = True
        #: A byte of the request may have been handed to a socket.
        self.may_have_left = False
        #: Why the body could not be read to its end.
        self.unreadable: UnreadableBodyError | None = None
        #: What the caller was handling when it sent this: no cause of ours.
        self.callers_error = sys.exception()

    @property
    def is_incomplete(self) -> bool:
        """True if some bytes may have left, but certainly not all of them."""
        return self.recorded and self.may_have_left and self._left < self._length

    @property
    def may_have_acted(self) -> bool:
        """False only if the vendor certainly did not get the whole request."""
        return not self.recorded or (self.may_have_left and not self.is_incomplete)

    @property
    def progress(self) -> str:
        """How much of the body may have left."""
        return f"{self._left:,} of {self._length:,} bytes"

    def time_left(self) -> float:
        """
        Seconds that are left.

        :raises TimeoutError: if none are
        """
        left = min(self.end, self.connect_end) - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return left

    def offers(self, count: int) -> None:
        """Note, before a socket gets them, that headers may leave, or so many bytes of the body."""
        self.may_have_left = True
        self._left += count

    def accepted(self, refused: int = 0) -> None:
        """Note that a socket took what was offered but for so many bytes: the time begins again."""
        self._left -= refused
        self.end = min(time.monotonic() + self._timeout, self._latest)

    def pieces(self, body: Body) -> Iterator[bytes]:
        """Read a body piece by piece, and keep the reason if that fails."""
        try:
            yield from body
        except UnreadableBodyError as error:
            self.unreadable = error
            raise


def latest_end(deadline: float | None) -> float:
    """
    When calls for a waiter must have ended (``time.monotonic()``), whatever hangs.

    :param deadline: the waiter's (epoch seconds). What begins before it leaves time for a last look; what begins long
        after it, since nothing ran in between, gets some time.
    """
    if deadline is None:
        return float("inf")
    left = deadline - time.time()
    return time.monotonic() + (left + OVERTIME / 2 if left > 0 else max(left + OVERTIME, OVERTIME / 2))


class Waiter(NamedTuple):
    """
    For whom calls are sent.

    :param deadline: epoch seconds
    :param latest: when the calls must have ended, by ``time.monotonic()``
    :param max_age: how old an answer to a shared read may be, in seconds
    """

    deadline: float | None = None
    latest: float = float("inf")
    max_age: float = 0.0

    def time_left(self) -> float | None:
        """Seconds that are left; None if there is no deadline."""
        return None if self.latest == float("inf") else self.latest - time.monotonic()


#: The request that this thread is sending; read by the connection that sends it.
current_transfer: ContextVar[Transfer | None] = ContextVar("current_transfer", default=None)


def no_answer(transfer: Transfer, error: BaseException, settings: Settings) -> NoAnswer:
    """
    Say why there is no answer, and whether the vendor may have acted.

    :param error: for the words only; it decides nothing
    """
    return NoAnswer(_reason(transfer, error, settings), transfer.may_have_acted, incomplete=transfer.is_incomplete)


def _reason(transfer: Transfer, error: BaseException, settings: Settings) -> str:
    causes = list(_causes(error, transfer.callers_error))
    timed_out = any("Timeout" in type(one).__name__ for one in causes)
    if isinstance(error, BrokenAnswerError):
        return str(error)
    if transfer.unreadable is not None:
        return f"the body could not be read to its end: {transfer.unreadable}"
    if transfer.is_incomplete and timed_out:
        return f"the upload stalled: no byte of it was accepted for {settings.timeout:g} s, after {transfer.progress}"
    if transfer.is_incomplete:
        return f"the connection broke before the whole body was sent ({_named(causes[-1])}), after {transfer.progress}"
    if transfer.recorded and not transfer.may_have_left:
        through = f" through the proxy {settings.proxy_address}" if settings.proxy else ""
        return f"no connection to {settings.base_url}{through} ({_why_not_connected(causes)})"
    if timed_out:
        return f"no answer within {settings.timeout:g} s"
    return f"the connection broke before an answer came ({_named(causes[-1])})"


def _why_not_connected(causes: list[BaseException]) -> str:
    for one in causes:
        if said := getattr(one, "verify_message", ""):  # of SSLCertVerificationError
            return (
                f"its TLS certificate is not trusted: {said}; if it is the right server, put a file with "
                "its issuer's certificate in the connection's extra field verify"
            )
        refused = _REFUSED_BY_PROXY.search(f"Tunnel connection failed: {getattr(one, 'status', one)}")
        if refused is not None:
            return f"the proxy answered HTTP {refused[1]}{PROXY_WANTS_CREDENTIALS if refused[1] == '407' else ''}"
    return _named(causes[-1])


_REFUSED_BY_PROXY = re.compile(r"Tunnel connection failed: (\d{3})\b")


def _causes(error: BaseException, callers_error: BaseException | None) -> Iterator[BaseException]:
    """An error and its causes, as far as the transport raised them."""
    cause: BaseException | None = error
    while cause is not None and cause is not callers_error:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _named(error: BaseException) -> str:
    """An error's class: its text may quote an address with a query, or bytes of the request."""
    if isinstance(error, OSError) and error.strerror and not error.filename:
        return f"{type(error).__name__}: {error.strerror}"
    return type(error).__name__
