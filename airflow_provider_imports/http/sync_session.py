"""Sessions of ``requests`` that record what of a request left, and whose time limit is a total limit."""

from __future__ import annotations

import io
import queue
import socket
import threading
import time
from http.client import HTTPResponse
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError as Urllib3Error
from urllib3.util.connection import allowed_gai_family

from airflow_provider_imports.http.tls import ca_file
from airflow_provider_imports.http.transfer import PIECE, Transfer, current_transfer

if TYPE_CHECKING:
    from airflow_provider_imports.http.settings import Settings

#: Firewalls forget a connection that is silent for minutes while a vendor takes its time.
_KEEP_ALIVE = [
    *HTTPConnection.default_socket_options,
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *(
        (socket.IPPROTO_TCP, getattr(socket, name), value)
        for name, value in (("TCP_KEEPIDLE", 120), ("TCP_KEEPINTVL", 30), ("TCP_KEEPCNT", 20))
        if hasattr(socket, name)
    ),
]


def open_session(settings: Settings) -> requests.Session:
    """Open a session with the connection's TLS and proxies, without headers, cookies and the environment's rules."""
    session = requests.Session()
    session.headers.clear()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.trust_env = False
    session.verify = ca_file(settings) if settings.verify is not False else False
    if settings.proxy:
        session.proxies = {"http": settings.proxy, "https": settings.proxy}
    for scheme in ("http://", "https://"):
        session.mount(scheme, RecordingAdapter())
    return session


class RecordingAdapter(HTTPAdapter):
    """Sends over connections that record in the :data:`current_transfer`."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools of direct connections."""
        super().init_poolmanager(*args, socket_options=_KEEP_ALIVE, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Make the pools of connections through a proxy."""
        manager = super().proxy_manager_for(proxy, socket_options=_KEEP_ALIVE, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request; from here on, what leaves is recorded."""
        transfer = current_transfer.get()
        if transfer is not None:
            transfer.recorded = True
        return super().send(request, *args, **kwargs)


class _TimedResponse(HTTPResponse):
    """Reads its status, headers and body within the time that is left, however slowly they come."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        transfer = current_transfer.get()
        if transfer is not None:
            self.fp = io.BufferedReader(_TimedReader(self.fp.detach(), sock, transfer))


class _TimedReader(io.RawIOBase):
    def __init__(self, raw: io.RawIOBase, sock: socket.socket, transfer: Transfer) -> None:
        self._raw = raw
        self._sock = sock
        self._transfer = transfer

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._transfer.time_left())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _RecordingConnection(HTTPConnection):
    """A connection that records, and that keeps to the time of the request it is used for."""

    response_class = _TimedResponse
    _connecting = False
    _in_body = False

    @staticmethod
    def _at_once(length: int) -> int:
        """Bytes to offer of so many: a socket takes what it has room for, and the last piece stays a small one."""
        return max(PIECE, length - PIECE)

    def connect(self) -> None:
        """Connect, ask a proxy for a tunnel and agree on TLS, all of it within the time to connect."""
        transfer = current_transfer.get()
        self._connecting = True
        if transfer is not None:
            transfer.connect_end = time.monotonic() + (self.timeout or float("inf"))
        try:
            super().connect()
        finally:
            self._connecting = False
            if transfer is not None:
                transfer.connect_end = float("inf")

    def _new_conn(self) -> socket.socket:
        transfer = current_transfer.get()
        if transfer is None:
            return super()._new_conn()
        host, timeout = self._dns_host, self.timeout
        addresses = _addresses(host, transfer.time_left())
        try:
            for tried, self._dns_host in enumerate(addresses, 1):
                self.timeout = transfer.time_left()
                try:
                    connected = super()._new_conn()
                except Urllib3Error:
                    if tried == len(addresses):
                        raise
                else:
                    connected.settimeout(transfer.time_left())
                    return connected
        finally:
            self._dns_host, self.timeout = host, timeout
        raise OSError(f"{host} has no address")

    def putrequest(self, *args: Any, **kwargs: Any) -> None:
        """Begin a request."""
        self._in_body = False
        super().putrequest(*args, **kwargs)

    def endheaders(self, *args: Any, **kwargs: Any) -> None:
        """Send the headers; what is sent after them is the body."""
        super().endheaders(*args, **kwargs)
        self._in_body = True

    def send(self, data: Any) -> None:
        """Send bytes: of a request, each noted before it may leave; of a CONNECT, not."""
        if self.sock is None:
            self.connect()
        transfer = current_transfer.get()
        if transfer is None or self._connecting:
            super().send(data)
            return
        rest = memoryview(data)
        while rest:
            piece = rest[: self._at_once(len(rest))]
            self.sock.settimeout(transfer.time_left())
            transfer.offers(len(piece) if self._in_body else 0)
            count = self.sock.send(piece)
            rest = rest[count:]
            transfer.accepted(len(piece) - count if self._in_body else 0)


class _RecordingTLSConnection(_RecordingConnection, HTTPSConnection):
    """The same over TLS, which takes all that it is offered, however long that takes."""

    @staticmethod
    def _at_once(length: int) -> int:
        return min(PIECE, length)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _RecordingConnection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _RecordingTLSConnection


_POOLS = {"http": _Pool, "https": _TLSPool}


def _addresses(host: str, seconds: float) -> list[str]:
    """Look a host name up, for which the system may take minutes, and which nothing can interrupt: in a thread."""

    def look_up() -> None:
        try:
            entries = socket.getaddrinfo(host, None, allowed_gai_family(), socket.SOCK_STREAM)
        except (OSError, ValueError) as error:
            found.put(error)
        else:
            found.put(list(dict.fromkeys(str(entry[4][0]) for entry in entries)))

    if ":" in host or host.replace(".", "").isdigit():
        return [host]
    found: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()
    threading.Thread(target=look_up, name=f"look-up of {host}", daemon=True).start()
    try:
        result = found.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError("the look-up of the host name took too long") from None
    if isinstance(result, Exception):
        raise result
    return result
