"""Whether a vendor can have acted rests on what left this process: direct, through a proxy, and through a tunnel."""

import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_imports.exceptions import (
    UnknownOutcomeError,
    VendorAuthError,
    VendorImportError,
    VendorRequestError,
    VendorUnavailableError,
)
from airflow_provider_imports.http import sync_session
from airflow_provider_imports.http.body import FileBody
from airflow_provider_imports.http.call import Call, Repeat, UnreadableBodyError, one_call
from airflow_provider_imports.http.transfer import PIECE, Transfer, current_transfer
from airflow_provider_imports.testing.proxy import HOST, ProxyServer
from airflow_provider_imports.testing.wire import Reaction, Received, WireServer, answer, close_after, reset, silence
from tests.http.conftest import Send
from tests.http.vendor import Connection, opened, sync_client

READ = Call("get_status", "GET", "/status")
START = Call("start_import", "POST", "/start", json={"a": 1}, repeat=Repeat.IF_NOT_ACTED, starts=True)
BARE_START = Call("start_import", "POST", "/start", repeat=Repeat.IF_NOT_ACTED, starts=True)
STARTS = pytest.mark.parametrize("start", [START, BARE_START], ids=["with a body", "without a body"])
SCHEMES = pytest.mark.parametrize("scheme", ["http", "https"])


@pytest.fixture
def vendor(scheme: str, server_tls: ssl.SSLContext) -> Iterator[WireServer]:
    """A vendor over plain HTTP or TLS."""
    with WireServer(tls=server_tls if scheme == "https" else None) as server:
        yield server


@pytest.fixture
def connect(scheme: str, vendor: WireServer, tls_files: Path) -> Callable[..., Connection]:
    """A connection to the vendor, direct or through a proxy."""

    def make(proxy: ProxyServer | None = None, timeout: float = 2.0) -> Connection:
        host = "127.0.0.1" if proxy is None else HOST
        proxies = {} if proxy is None else {"http": proxy.url, "https": proxy.url}
        more = {"verify": str(tls_files / "cert.pem"), "proxies": proxies}
        return Connection(f"{scheme}://{host}:{vendor.port}", timeout=timeout, more=more)

    return make


async def refused(send: Send, connection: Connection, call: Call) -> VendorImportError:
    with pytest.raises(VendorImportError) as raised:
        await send(connection, call, patience=60)
    return raised.value


@SCHEMES
async def test_a_request_reaches_the_vendor_through_a_proxy(
    send: Send, vendor: WireServer, connect: Callable[..., Connection], scheme: str
) -> None:
    with ProxyServer() as proxy:
        got = await send(connect(proxy), START)

    assert got.status == 200
    assert [one.body for one in vendor.requests] == [b'{"a":1}']
    assert [one.split()[0] for one in proxy.requests] == ["CONNECT" if scheme == "https" else "POST"]


@SCHEMES
async def test_a_request_reaches_the_vendor_through_a_proxy_that_is_spoken_to_over_tls(
    send: Send, vendor: WireServer, connect: Callable[..., Connection], server_tls: ssl.SSLContext
) -> None:
    with ProxyServer(tls=server_tls) as proxy:
        got = await send(connect(proxy), START)

    assert got.status == 200
    assert [one.body for one in vendor.requests] == [b'{"a":1}']
    assert len(proxy.requests) == 1


async def test_a_407_without_a_proxy_is_the_vendors_refusal(send: Send) -> None:
    with WireServer(answer(407)) as server, pytest.raises(VendorRequestError, match="HTTP 407"):
        await send(Connection(server.url), START, patience=60)

    assert len(server.requests) == 1


def after_the_vendor_has_it(what: str, proxy: ProxyServer) -> Reaction:
    """Lose the answer between the vendor and us."""

    def react(connection: socket.socket, received: Received) -> None:
        getattr(proxy, what)()
        with contextlib.suppress(OSError):
            connection.sendall(answer())

    return react


@SCHEMES
@STARTS
@pytest.mark.parametrize("what", ["reset_clients", "close_clients", "mute"])
async def test_a_start_whose_answer_a_proxy_lost_is_unknown_and_sent_once(
    send: Send, vendor: WireServer, connect: Callable[..., Connection], what: str, start: Call
) -> None:
    with ProxyServer() as proxy:
        vendor.reactions = [after_the_vendor_has_it(what, proxy)]
        error = await refused(send, connect(proxy, timeout=0.5), start)

    assert isinstance(error, UnknownOutcomeError)
    assert len(vendor.requests) == 1


LOST = {"reset": reset, "closed": close_after(b""), "silence": silence, "half": close_after(b"HTTP/1.1 2")}


@SCHEMES
@STARTS
@pytest.mark.parametrize("through", ["direct", "proxy"])
@pytest.mark.parametrize("fault", LOST)
async def test_a_start_whose_answer_the_vendor_lost_is_unknown_and_sent_once(
    send: Send, vendor: WireServer, connect: Callable[..., Connection], fault: str, start: Call, through: str
) -> None:
    vendor.reactions = [LOST[fault]]
    with ProxyServer() as proxy:
        error = await refused(send, connect(proxy if through == "proxy" else None, timeout=0.5), start)

    assert isinstance(error, UnknownOutcomeError)
    assert len(vendor.requests) == 1


@pytest.mark.parametrize("scheme", ["https"])
@STARTS
@pytest.mark.parametrize("status", [407, 403, 502])
async def test_a_tunnel_that_the_proxy_refuses_let_nothing_through(
    send: Send, vendor: WireServer, connect: Callable[..., Connection], status: int, start: Call, pauses: list[float]
) -> None:
    with ProxyServer(answer(status, Connection="close")) as proxy:
        error = await refused(send, connect(proxy), start)

    assert type(error) is VendorUnavailableError
    assert f"through the proxy 127.0.0.1:{proxy.port} (the proxy answered HTTP {status}" in str(error)
    assert "Nothing reached Vendor" in str(error)
    assert vendor.connections == 0
    assert [one.split()[0] for one in proxy.requests] == ["CONNECT"] * 5


@pytest.mark.parametrize("scheme", ["https"])
@pytest.mark.parametrize("closes", ["before", "after"])
async def test_a_tunnel_that_breaks_before_the_request_let_nothing_through(
    send: Send, vendor: WireServer, connect: Callable[..., Connection], closes: str, pauses: list[float]
) -> None:
    with ProxyServer(closes=closes) as proxy:
        error = await refused(send, connect(proxy), START)

    assert type(error) is VendorUnavailableError
    assert "Nothing reached Vendor" in str(error)
    assert vendor.requests == []
    assert len(proxy.requests) == 5


@SCHEMES
async def test_a_proxy_that_is_not_there_is_named_and_got_nothing(
    send: Send, vendor: WireServer, connect: Callable[..., Connection], closed_port: int, pauses: list[float]
) -> None:
    proxy = ProxyServer()
    proxy.port = closed_port
    error = await refused(send, connect(proxy), START)

    assert type(error) is VendorUnavailableError
    assert f"through the proxy 127.0.0.1:{closed_port}" in str(error)
    assert vendor.connections == 0


@pytest.mark.parametrize("scheme", ["http"])
async def test_a_plain_proxy_that_hangs_up_may_have_passed_the_start_on(
    send: Send, vendor: WireServer, connect: Callable[..., Connection]
) -> None:
    with ProxyServer(closes="before") as proxy:
        error = await refused(send, connect(proxy), START)

    assert isinstance(error, UnknownOutcomeError)
    assert len(proxy.requests) == 1


@pytest.mark.parametrize("scheme", ["http"])
@pytest.mark.parametrize(
    ("status", "kind", "sent"),
    [(407, VendorUnavailableError, 5), (403, VendorAuthError, 1), (502, UnknownOutcomeError, 1)],
)
async def test_what_a_plain_proxy_answers_is_judged_as_an_answer(
    send: Send,
    vendor: WireServer,
    connect: Callable[..., Connection],
    status: int,
    kind: type[VendorImportError],
    sent: int,
    pauses: list[float],
) -> None:
    with ProxyServer(answer(status, Connection="close")) as proxy:
        error = await refused(send, connect(proxy), START)

    assert type(error) is kind
    assert vendor.connections == 0
    if status == 407:
        assert f"the proxy 127.0.0.1:{proxy.port} answered HTTP 407" in str(error)


@SCHEMES
@pytest.mark.parametrize("through", ["direct", "proxy"])
@pytest.mark.parametrize(
    "handled",
    [ssl.SSLError(1, "CERTIFICATE_VERIFY_FAILED"), UnreadableBodyError("of another"), ConnectionRefusedError()],
)
async def test_what_the_caller_was_handling_says_nothing_about_the_start(
    send: Send, vendor: WireServer, connect: Callable[..., Connection], handled: Exception, through: str
) -> None:
    vendor.reactions = [reset]
    with ProxyServer() as proxy:
        try:
            raise handled
        except OSError:
            error = await refused(send, connect(proxy if through == "proxy" else None), START)

    assert isinstance(error, UnknownOutcomeError)
    assert "of another" not in str(error)
    assert len(vendor.requests) == 1


@SCHEMES
@pytest.mark.parametrize("through", ["direct", "proxy"])
async def test_a_start_on_a_kept_connection_is_recorded_like_the_first_request(
    vendor: WireServer, connect: Callable[..., Connection], through: str
) -> None:
    with ProxyServer() as proxy:
        connection = connect(proxy if through == "proxy" else None)
        for transport in ("blocking", "awaiting"):
            vendor.reactions = [answer(), reset]
            vendor.requests.clear()
            before = vendor.connections
            if transport == "blocking":
                client = sync_client(connection)
                client.run(one_call(READ), 0)
                with pytest.raises(UnknownOutcomeError):
                    client.run(one_call(START), 60)
                client.close()
            else:
                async with opened(connection) as shared:
                    await shared.run(one_call(READ))
                    with pytest.raises(UnknownOutcomeError):
                        await shared.run(one_call(START), patience=60)
            assert [one.method for one in vendor.requests] == ["GET", "POST"]
            assert vendor.connections - before == 1


@SCHEMES
@pytest.mark.parametrize("through", ["direct", "proxy"])
async def test_an_upload_that_broke_in_the_middle_is_no_import(
    send: Send,
    scheme: str,
    server_tls: ssl.SSLContext,
    tls_files: Path,
    tmp_path: Path,
    pauses: list[float],
    through: str,
) -> None:
    file = tmp_path / "rows.csv"
    file.write_bytes(b"a;b;c\n" * 4_000_000)
    push = Call("push", "POST", "/push", body=FileBody(str(file)), repeat=Repeat.IF_NOT_ACTED, starts=True)
    with (
        WireServer(cut_body_at=100_000, tls=server_tls if scheme == "https" else None) as server,
        ProxyServer() as proxy,
    ):
        more: dict[str, Any] = {"verify": str(tls_files / "cert.pem")}
        host = "127.0.0.1"
        if through == "proxy":
            host, more["proxies"] = HOST, {"http": proxy.url, "https": proxy.url}
        error = await refused(send, Connection(f"{scheme}://{host}:{server.port}", more=more), push)

    assert type(error) is VendorUnavailableError
    assert "Vendor got only a part of the request, on which it can't act" in str(error)
    assert len(server.requests) == 5
    assert not any(one.complete for one in server.requests)


class FullSocket:
    """A socket that takes so many bytes, and then no more."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.longest = 0

    def settimeout(self, seconds: float) -> None:
        """It does not wait."""

    def send(self, piece: memoryview) -> int:
        self.longest = max(self.longest, len(piece))
        if not self.room:
            raise TimeoutError
        taken = min(len(piece), self.room)
        self.room -= taken
        return taken


@pytest.mark.parametrize("pool", sync_session._POOLS.values(), ids=sync_session._POOLS)
@pytest.mark.parametrize("room", [0, 300_000, (1 << 20) - 1])
def test_a_piece_of_which_a_socket_took_no_more_is_incomplete(pool: Any, room: int) -> None:
    connection, full = pool.ConnectionCls("127.0.0.1"), FullSocket(room)
    connection.sock, connection._in_body = full, True
    transfer = Transfer(1 << 20, Connection("https://127.0.0.1:9").look_up())
    token = current_transfer.set(transfer)
    try:
        with pytest.raises(TimeoutError):
            connection.send(bytes(1 << 20))
    finally:
        current_transfer.reset(token)
        connection.sock = None

    assert transfer.is_incomplete == (room < (1 << 20) - PIECE)
    if pool is sync_session._POOLS["https"]:
        assert full.longest == PIECE  # TLS takes all that it is offered, so its time would run for all of it


def test_an_adapter_that_does_not_record_leaves_the_outcome_unknown() -> None:
    import requests
    from requests.adapters import HTTPAdapter

    class Foreign(HTTPAdapter):
        def send(self, *args: object, **kwargs: object) -> requests.Response:
            raise requests.ConnectTimeout

    client = sync_client(Connection("http://127.0.0.1:9"))
    client.session.mount("http://", Foreign())
    with pytest.raises(UnknownOutcomeError):
        client.run(one_call(START), 60)
    client.close()
