"""A server that shows the bytes it received and answers with bytes of the test's choice, well-formed or not."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    import ssl
    from types import TracebackType


@dataclass(frozen=True)
class Received:
    """One request as it came over the wire; ``complete`` is False if its body was cut off."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    complete: bool = True


#: What to do with one request: bytes to answer with, or something that handles the socket itself.
Reaction = bytes | Callable[[socket.socket, Received], None]


def answer(status: int = 200, body: bytes | str = b"{}", **headers: str) -> bytes:
    """An HTTP answer; header names with underscores for dashes."""
    content = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} Reason", f"Content-Length: {len(content)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + content


def reset(connection: socket.socket, received: Received | None = None) -> None:
    """Tear the connection down with a TCP reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    raise ConnectionResetError  # ends the thread, and with it the last use of the socket


def silence(connection: socket.socket, received: Received) -> None:
    """Answer nothing until the client hangs up."""
    connection.settimeout(30)
    with suppress(OSError):
        while connection.recv(1024):
            pass


def drip(pieces: Iterable[bytes], seconds: float) -> Callable[[socket.socket, Received], None]:
    """Send these pieces, one every so many seconds."""

    def send(connection: socket.socket, received: Received) -> None:
        with suppress(OSError):
            for piece in pieces:
                connection.sendall(piece)
                time.sleep(seconds)  # a vendor that is slow: the passing of time is what is tested

    return send


def close_after(data: bytes) -> Callable[[socket.socket, Received], None]:
    """Send this, and hang up."""

    def send(connection: socket.socket, received: Received) -> None:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_RDWR)

    return send


class WireServer:
    """
    A server on a loopback port, one thread a connection.

    :param reactions: one a request, in order; the last one serves for all that come after it
    :param tls: serve HTTPS
    :param cut_body_at: reset the connection after so many bytes of a request's body
    """

    def __init__(self, *reactions: Reaction, tls: ssl.SSLContext | None = None, cut_body_at: int | None = None) -> None:
        self.reactions = list(reactions) or [answer()]
        self.requests: list[Received] = []
        self.connections = 0
        self._tls = tls
        self._cut_body_at = cut_body_at
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self._listening.getsockname()[1]

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> WireServer:
        threading.Thread(target=self._accept, name="wire", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        self.connections += 1
        with suppress(OSError, ValueError):
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            with connection.makefile("rb") as stream:
                while (received := self._read(stream, connection)) is not None:
                    reaction = self._next_reaction(received)
                    if isinstance(reaction, bytes):
                        connection.sendall(reaction)
                    else:
                        reaction(connection, received)

    def _next_reaction(self, received: Received) -> Reaction:
        with self._lock:
            self.requests.append(received)
            return self.reactions.pop(0) if len(self.reactions) > 1 else self.reactions[0]

    def _read(self, stream: BinaryIO, connection: socket.socket) -> Received | None:
        line = stream.readline().decode("latin-1").strip()
        if not line:
            return None
        method, target, _ = line.split(" ", 2)
        headers: dict[str, str] = {}
        while header := stream.readline().strip():
            name, _, value = header.partition(b":")
            headers[name.decode().lower()] = value.strip().decode("utf-8", "replace")
        length = int(headers.get("content-length", "0"))
        if self._cut_body_at is not None and length > self._cut_body_at:
            body = stream.read(self._cut_body_at)
            self.requests.append(Received(method, target, headers, body, complete=False))
            reset(connection)
        chunked = headers.get("transfer-encoding") == "chunked"
        body = _read_chunks(stream) if chunked else stream.read(length)
        return Received(method, target, headers, body, complete=len(body) >= length)


def _read_chunks(stream: BinaryIO) -> bytes:
    body = b""
    while size := int(stream.readline().strip() or b"0", 16):
        body += stream.read(size)
        stream.readline()
    stream.readline()
    return body
