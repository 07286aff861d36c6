"""Answers that never come to their end."""

from __future__ import annotations

import contextlib
import gzip
import itertools
from typing import TYPE_CHECKING

from airflow_provider_imports.testing.wire import drip, silence

if TYPE_CHECKING:
    import socket

    from airflow_provider_imports.testing.wire import Reaction, Received

ENDLESS = 10_000
_gzip = gzip.compress(b"", mtime=0)[:3] + b"\x10" + gzip.compress(b"", mtime=0)[4:10]


def flood(data: bytes) -> Reaction:
    """Send this again and again, as fast as it is taken."""

    def send(connection: socket.socket, received: Received) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection.sendall(data)

    return send


SLOW: dict[str, Reaction] = {
    "headers that drip": drip([b"HTTP/1.1 200 OK\r\n", *[b"X-One: 1\r\n"] * ENDLESS], 0.1),
    "a header that drips": drip([b"HTTP/1.1 200 OK\r\nX-One: ", *[b"1"] * ENDLESS], 0.1),
    "a status line that drips": drip(itertools.repeat(b"H", ENDLESS), 0.1),
    "endless 100 Continue": drip([b"HTTP/1.1 100 Continue\r\n\r\n"] * ENDLESS, 0.1),
    "a flood of 100 Continue": flood(b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "endless 103 Early Hints": drip([b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"] * ENDLESS, 0.1),
    "an endless gzip header": drip(
        [b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + _gzip, *[b"comment"] * ENDLESS], 0.1
    ),
    "a body that drips": drip([b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", *[b"x"] * ENDLESS], 0.1),
    "chunks that drip": drip(
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *[b"1\r\nx\r\n"] * ENDLESS], 0.1
    ),
    "trailers that drip": drip(
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n", *[b"X: 1\r\n"] * ENDLESS], 0.1
    ),
    "silence": silence,
}
