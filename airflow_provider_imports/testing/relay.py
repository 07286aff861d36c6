"""A server between a hook and a stand-in, which may spoil what the stand-in answers."""

from __future__ import annotations

from http.client import HTTPConnection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from airflow_provider_imports.testing.wire import Received, WireServer

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

#: What the relay sets itself.
_FRAMING = frozenset({"content-length", "transfer-encoding", "connection", "content-encoding"})


class Relay:
    """
    Pass every request on, and the answer back.

    :param url: where the stand-in is
    """

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self.server = WireServer(self._react)
        #: The bodies that were passed back, in order.
        self.answers: list[bytes] = []
        #: What is answered in place of the stand-in, as it goes over the wire.
        self.instead: bytes | None = None
        #: The path of a log-in: once it was answered, the answer is repeated, whoever logs in.
        self.login_path: str | None = None
        self._login: bytes | None = None

    @property
    def requests(self) -> list[Received]:
        """What was received."""
        return self.server.requests

    @property
    def url(self) -> str:
        """Where it is, with the stand-in's path."""
        return f"{self.server.url}{self._target.path}"

    def answer(self, status: int, content: bytes, headers: Mapping[str, str | bytes]) -> None:
        """Answer this from now on, but to a log-in."""
        lines = [f"HTTP/1.1 {status} Reason".encode(), b"Content-Length: %d" % len(content)]
        for name, value in headers.items():
            lines.append(name.encode() + b": " + (value if isinstance(value, bytes) else value.encode()))
        self.instead = b"\r\n".join([*lines, b"", b""]) + content

    def _react(self, connection: socket.socket, received: Received) -> None:
        path = received.target.removeprefix(self._target.path).partition("?")[0]
        if path == self.login_path:
            self._login = self._login or self._passed_on(received)
            connection.sendall(self._login)
        elif self.instead is None:
            connection.sendall(self._passed_on(received))
        else:
            connection.sendall(self.instead)

    def _passed_on(self, received: Received) -> bytes:
        upstream = HTTPConnection(self._target.hostname or "", self._target.port or 80, timeout=10)
        try:
            upstream.request(received.method, received.target, received.body, received.headers)
            answer = upstream.getresponse()
            content = answer.read()
        finally:
            upstream.close()
        self.answers.append(content)
        head = [f"HTTP/1.1 {answer.status} Reason", f"Content-Length: {len(content)}"]
        head += [f"{name}: {value}" for name, value in answer.getheaders() if name.lower() not in _FRAMING]
        return "\r\n".join([*head, "", ""]).encode() + content
