"""A server that takes uploads and forgets them, as a process of its own: `python -m tests.benchmarks.discard`."""

from __future__ import annotations

import json
import socket
import sys
import threading
import uuid
from datetime import UTC, datetime

LOOPBACK = "127.0.0.1"
PIECE = 1 << 20


def answer(target: str) -> bytes:
    """What Pigment and WEBSALE would say."""
    if "/import/product/status" in target:
        value: dict[str, object] = {"status": 0, "start": "", "end": ""}
    elif "/import/product/start" in target:
        value = {"status": 1, "start": datetime.now(UTC).isoformat(timespec="seconds"), "end": ""}
    elif "/login" in target:
        value = {"accessToken": "fedcba9876543210"}
    else:
        value = {"importId": str(uuid.uuid4())}
    body = json.dumps(value).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % len(body) + body


def serve(connection: socket.socket) -> None:
    """Take the requests of one connection, one after the other."""
    buffer, rest = bytearray(PIECE), b""
    with connection:
        while True:
            while b"\r\n\r\n" not in rest:
                piece = connection.recv(65536)
                if not piece:
                    return
                rest += piece
            head, _, rest = rest.partition(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")
            headers = {name.strip().lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)}
            if headers.get("expect"):
                connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            left = int(headers.get("content-length", 0))
            taken = min(left, len(rest))
            rest, left = rest[taken:], left - taken
            while left:
                count = connection.recv_into(buffer, min(left, PIECE))
                if not count:
                    return
                left -= count
            connection.sendall(answer(first.split(" ")[1]))


def main() -> None:
    """Serve until the standard input ends."""
    listening = socket.create_server((LOOPBACK, 0))
    print(listening.getsockname()[1], flush=True)

    def accept() -> None:
        while True:
            connection, _ = listening.accept()
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
