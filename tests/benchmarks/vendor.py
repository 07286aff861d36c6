"""
A vendor that costs almost nothing, so that a client's cost shows: `python -m tests.benchmarks.vendor`.

Its own process, no HTTP library. It knows Pigment's status and trigger calls; `/sensor/...` answers 404 until the
import of that number has ended, which is the one way a deferrable `HttpSensor` can wait. `/_counts` tells what it
has answered, `/_end?every=0.5` lets the imports end one after the other.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import ssl
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOPBACK = "127.0.0.1"
REPOSITORY = Path(__file__).parents[2]
IN_PROGRESS = {
    "importId": "3fa85f64-5717-4562-b3fc-2c963f66afa6",
    "createdAt": "2025-12-23T14:20:19.689Z",
    "completedAt": None,
    "importStatus": "InProgress",
    "errorsDetails": None,
    "detailedReport": None,
}


@dataclass(slots=True)
class Books:
    """
    What the vendor knows.

    :param answer_after: seconds that every answer takes
    :param limited_seconds: how long, from the first read on, every read is answered with 429
    """

    answer_after: float = 0.0
    limited_seconds: float = 0.0
    answered: int = 0
    limited: int = 0
    first_read_at: float = 0.0
    imports: dict[str, int] = field(default_factory=dict)
    ends_from: float = float("inf")
    ends_every: float = 0.0
    seen_ended: dict[str, float] = field(default_factory=dict)

    def ended(self, number: int) -> bool:
        """Whether the import of this number has ended."""
        return time.time() >= self.ends_from + number * self.ends_every

    def counts(self) -> dict[str, Any]:
        """What happened so far."""
        return {
            "answered": self.answered,
            "limited": self.limited,
            "imports": len(self.imports),
            "ends_from": self.ends_from if self.ends_from < float("inf") else None,
            "seen_ended": self.seen_ended,
            "numbers": self.imports,
        }


class Connection(asyncio.Protocol):
    """One connection: reads heads of requests, and answers each."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._rest = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while (end := self._rest.find(b"\r\n\r\n")) >= 0:
            head, rest = self._rest[:end], self._rest[end + 4 :]
            length = _length(head)
            if len(rest) < length:
                return
            self._rest = rest[length:]
            status, body = self._answer(head.partition(b"\r\n")[0].decode())
            reply = _reply(status, body)
            if self._books.answer_after and status != b"200 Counts":
                asyncio.get_running_loop().call_later(self._books.answer_after, self._send, reply)
            else:
                self._send(reply)

    def _send(self, reply: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(reply)

    def _answer(self, line: str) -> tuple[bytes, bytes]:
        method, target, _ = line.split(" ", 2)
        books = self._books
        if target.startswith("/_"):
            if target.startswith("/_end"):
                books.ends_every = float(parse_qs(urlsplit(target).query).get("every", ["0"])[0])
                books.ends_from = time.time()
            return b"200 Counts", json.dumps(books.counts()).encode()
        books.answered += 1
        books.first_read_at = books.first_read_at or time.time()
        if time.time() - books.first_read_at < books.limited_seconds:
            books.limited += 1
            return b"429 Too Many Requests", b'{"detail": "limit reached"}'
        if method == "POST":
            import_id = str(uuid.uuid4())
            books.imports[import_id] = len(books.imports)
            return b"201 Created", json.dumps({"importId": import_id}).encode()
        if target.startswith("/sensor/"):
            number = target.removeprefix("/sensor/")
            return (b"200 OK", _STATUS) if self._see(number, int(number)) else (b"404 Not Found", b"")
        import_id = target.split("/")[4] if target.count("/") >= 5 else ""
        if self._see(import_id, books.imports.get(import_id, 0)):
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            return b"200 OK", json.dumps({**IN_PROGRESS, "importStatus": "Completed", "completedAt": now}).encode()
        return b"200 OK", _STATUS

    def _see(self, name: str, number: int) -> bool:
        if not self._books.ended(number):
            return False
        self._books.seen_ended.setdefault(name, time.time())
        return True


_STATUS = json.dumps(IN_PROGRESS).encode()


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def _reply(status: bytes, body: bytes) -> bytes:
    head = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % (status, len(body)) + body


class VendorProcess:
    """
    The vendor as a process of its own, ended with the context.

    :param certificate: a folder with `certificate.pem` and `key.pem`, to speak TLS
    """

    def __init__(
        self, *, answer_after: float = 0.0, limited_seconds: float = 0.0, certificate: Path | None = None
    ) -> None:
        self._options = [f"--answer-after={answer_after}", f"--limited-seconds={limited_seconds}"]
        if certificate is not None:
            self._options.append(f"--certificate={certificate}")
        self._secure = certificate is not None
        self._process: subprocess.Popen[str] | None = None
        self._control = ""
        self.url = ""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.vendor", *self._options],
            stdout=subprocess.PIPE,
            stdin=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
        )
        assert self._process.stdout is not None
        port, control = self._process.stdout.readline().split()
        self.url = f"{'https' if self._secure else 'http'}://{LOOPBACK}:{port}"
        self._control = f"http://{LOOPBACK}:{control}"
        return self

    def __exit__(self, *exc: object) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.communicate()

    @property
    def control(self) -> str:
        """The address that is always plain HTTP, for `/_counts` and `/_end`."""
        return self._control

    def counts(self) -> dict[str, Any]:
        """What the vendor has answered."""
        return read_counts(self._control)

    def end(self, every: float = 0.0) -> float:
        """Let the imports end, one after the other; returns when the first one did (epoch seconds)."""
        with urlopen(f"{self._control}/_end?every={every}") as answer:
            ends_from: float = json.load(answer)["ends_from"]
        return ends_from


def read_counts(control: str) -> dict[str, Any]:
    """Ask a vendor what it has answered."""
    with urlopen(f"{control}/_counts") as answer:
        counts: dict[str, Any] = json.load(answer)
    return counts


def make_certificate(folder: Path) -> Path:
    """Write a certificate for 127.0.0.1 that signs itself, and its key."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, LOOPBACK)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(LOOPBACK))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "key.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return folder


async def _serve(options: argparse.Namespace) -> None:
    books = Books(answer_after=options.answer_after, limited_seconds=options.limited_seconds)
    context = None
    if options.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.certificate / "certificate.pem", options.certificate / "key.pem")
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(books), LOOPBACK, 0, ssl=context, backlog=8192)
    control = await loop.create_server(lambda: Connection(books), LOOPBACK, 0)
    print(*(one.sockets[0].getsockname()[1] for one in (server, control)), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)  # ends when whoever started us does


@contextlib.contextmanager
def vendor_over(scheme: str, folder: Path, **options: Any) -> Iterator[VendorProcess]:
    """A vendor over `http` or `https`."""
    certificate = make_certificate(folder) if scheme == "https" else None
    with VendorProcess(certificate=certificate, **options) as vendor:
        yield vendor


def main() -> None:
    """Serve until the standard input ends."""
    command = argparse.ArgumentParser(prog="python -m tests.benchmarks.vendor", description=__doc__)
    command.add_argument("--answer-after", type=float, default=0.0)
    command.add_argument("--limited-seconds", type=float, default=0.0)
    command.add_argument("--certificate", type=Path)
    asyncio.run(_serve(command.parse_args()))


if __name__ == "__main__":
    main()
