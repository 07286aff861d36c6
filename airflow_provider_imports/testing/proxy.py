"""An HTTP proxy on a loopback port: passes requests on, opens tunnels, and fails on request."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from types import TracebackType

#: A name that only the proxy knows: every port of it is one of this machine.
HOST = "vendor.test"
BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class ProxyServer:
    """
    A proxy that takes every host for this machine.

    A vendor that can't be reached is a 502, as proxies have it.

    :param tls: be spoken to over TLS
    :param answer: answer this to everything, and pass nothing on
    :param closes: hang up without an answer ``"before"`` anything is passed on, or ``"after"`` a tunnel was opened, or
        the vendor began to answer a request without one
    :param only: let only the first request of this connection go wrong, counted from 1
    """

    def __init__(
        self,
        answer: bytes | None = None,
        closes: str = "",
        tls: ssl.SSLContext | None = None,
        only: int | None = None,
    ) -> None:
        self._tls = tls
        self.requests: list[str] = []
        self.heads: list[bytes] = []
        self.answer = answer
        self.closes = closes
        self.only = only
        self._muted: set[socket.socket] = set()
        self._clients: list[socket.socket] = []
        self._open: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listening.getsockname()[1]

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> ProxyServer:
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in (self._listening, *self._open):
            _hang_up(one)

    def reset_clients(self) -> None:
        """Tear the connections to the clients down with a TCP reset."""
        self.mute()
        for client in self._clients:
            with suppress(OSError):  # closed already
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.shutdown(socket.SHUT_RD)  # wakes who receives from it, or it would stay open
            client.close()

    def close_clients(self) -> None:
        """Close the connections to the clients."""
        self.mute()
        for client in self._clients:
            _hang_up(client)

    def mute(self) -> None:
        """Pass nothing more on to the clients that are here."""
        self._muted.update(self._clients)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            self._open.append(client)
            self._clients.append(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError):
            if self._tls is not None:
                client = self._tls.wrap_socket(client, server_side=True)
                self._open.append(client)
            received = b""
            while b"\r\n\r\n" not in received:
                if not (more := client.recv(65536)):
                    return
                received += more
            first = received.partition(b"\r\n")[0].decode()
            self.requests.append(first)
            self.heads.append(received.partition(b"\r\n\r\n")[0])
            bad = self.only in (None, len(self.requests))
            if bad and self.answer is not None:
                _receive_body(client, received)
                client.sendall(self.answer)
            if bad and (self.answer is not None or self.closes == "before"):
                _hang_up(client)
                return
            method, target, _ = first.split(" ")
            try:
                vendor = socket.create_connection(("127.0.0.1", int(target.rsplit(":", 1)[1].partition("/")[0])))
            except OSError:
                _receive_body(client, received)
                client.sendall(BAD_GATEWAY)
                _hang_up(client)
                return
            self._open.append(vendor)
            closes = bad and self.closes == "after"
            if method == "CONNECT":
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                vendor.sendall(_receive_body(client, received) if closes else received)
            if closes:
                if method != "CONNECT":
                    vendor.recv(1)
                _hang_up(client)
                return
            threading.Thread(target=self._pass_on, args=(vendor, client), daemon=True).start()
            _pass_on(client, vendor)

    def _pass_on(self, vendor: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := vendor.recv(65536):
                if client not in self._muted:
                    client.sendall(data)
        if client not in self._muted:
            _hang_up(client)


def _pass_on(client: socket.socket, vendor: socket.socket) -> None:
    with suppress(OSError):
        while data := client.recv(65536):
            vendor.sendall(data)
    _hang_up(vendor)


def _receive_body(client: socket.socket, received: bytes) -> bytes:
    """Receive all that a request announced: a socket that is closed with unread bytes resets the connection."""
    head, _, body = received.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    while len(body) < length and (more := client.recv(65536)):
        body += more
    return head + b"\r\n\r\n" + body


def _hang_up(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
