"""Both transports behind one name, a certificate that nobody trusts, and an event loop that must not be held up."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import random
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from airflow_provider_imports.http import async_client as async_client_module
from airflow_provider_imports.http import sync_client as sync_client_module
from airflow_provider_imports.http.call import Answer, Call, one_call
from tests.http.proxy import HOST
from tests.http.vendor import Connection, VendorOfTest, opened, sync_client

if TYPE_CHECKING:
    from pathlib import Path

Send = Callable[..., Awaitable[Answer]]


@pytest.fixture(params=["blocking", "awaiting"])
def send(request: pytest.FixtureRequest) -> Send:
    """Send one call through a fresh client: ``await send(connection, call, patience=0.0, vendor=None)``."""

    async def by_blocking(
        connection: Connection, call: Call, patience: float = 0.0, vendor: VendorOfTest | None = None
    ) -> Answer:
        client = sync_client(connection, vendor)
        try:
            return client.run(one_call(call), patience)
        finally:
            client.close()

    async def by_awaiting(
        connection: Connection, call: Call, patience: float = 0.0, vendor: VendorOfTest | None = None
    ) -> Answer:
        async with opened(connection, vendor) as client:
            return await client.run(one_call(call), patience=patience)

    return by_blocking if request.param == "blocking" else by_awaiting


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waits between two sendings, which take no time here: the blocking clock runs ahead, the awaiting one stands."""
    waits: list[float] = []
    ahead = [0.0]

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        ahead[0] += seconds

    async def asleep(seconds: float) -> None:
        waits.append(seconds)

    clock = SimpleNamespace(sleep=sleep, monotonic=lambda: time.monotonic() + ahead[0])
    monkeypatch.setattr(sync_client_module, "time", clock)
    monkeypatch.setattr(async_client_module, "asyncio", SimpleNamespace(**{**vars(asyncio), "sleep": asleep}))
    monkeypatch.setattr("airflow_provider_imports.http.request_queue.RequestQueue.hold", lambda gate, seconds: None)
    monkeypatch.setattr("airflow_provider_imports.http.send_steps.random", SimpleNamespace(random=lambda: 0.5))
    return waits


@pytest.fixture(scope="session")
def tls_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``key.pem`` and a self-signed ``cert.pem`` for 127.0.0.1."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    names = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName(HOST)]
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(random.getrandbits(64))
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder


@pytest.fixture(scope="session")
def server_tls(tls_files: Path) -> ssl.SSLContext:
    """Of a server with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls_files / "cert.pem", tls_files / "key.pem")
    return context


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port where nobody listens, kept so that nobody else takes it."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]
