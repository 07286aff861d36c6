"""A time limit is a total limit, blocking and awaiting alike, however the vendor spends the time."""

import asyncio
import contextlib
import itertools
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_provider_imports.exceptions import UnknownOutcomeError, VendorImportError, VendorUnavailableError
from airflow_provider_imports.http import async_client, sync_session, transfer
from airflow_provider_imports.http.call import Call, Flow, Repeat, one_call
from airflow_provider_imports.http.loop_clients import client_apart
from airflow_provider_imports.http.transfer import OVERTIME, latest_end
from airflow_provider_imports.testing.proxy import HOST
from airflow_provider_imports.testing.wire import Received, WireServer, answer, silence
from tests.hostile.slow import SLOW
from tests.http.conftest import Send
from tests.http.vendor import Connection, VendorOfTest, new_shared_client, opened, sync_client

READ = Call("get_status", "GET", "/status")
SHARED = Call("get_current_operation", "GET", "/current", shared=True)
START = Call("start_import", "POST", "/start", json={"a": 1}, repeat=Repeat.IF_NOT_ACTED, starts=True)
LOGS_IN = VendorOfTest(logs_in=True)
#: Seconds. A call whose limits are 0.5 s to connect and 0.5 s to answer ends within this on a busy machine.
SOON = 6.0


@contextlib.contextmanager
def ends_soon(seconds: float = SOON) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


@pytest.mark.parametrize("slow", SLOW)
@pytest.mark.parametrize("call", [READ, START], ids=["read", "start"])
async def test_no_answer_takes_longer_than_the_timeout_however_it_comes(send: Send, slow: str, call: Call) -> None:
    with WireServer(SLOW[slow]) as server, ends_soon(), pytest.raises(VendorImportError) as raised:
        await send(Connection(server.url, timeout=0.25), call)

    assert type(raised.value) is (UnknownOutcomeError if call.starts else VendorUnavailableError)
    assert len(server.requests) == 1


@pytest.mark.parametrize("slow", ["headers that drip", "a flood of 100 Continue", "a body that drips", "silence"])
async def test_neither_does_one_over_tls(send: Send, server_tls: ssl.SSLContext, tls_files: Path, slow: str) -> None:
    with WireServer(SLOW[slow], tls=server_tls) as server, ends_soon(), pytest.raises(VendorUnavailableError):
        await send(Connection(server.url, timeout=0.25, more={"verify": str(tls_files / "cert.pem")}), READ)


@contextlib.contextmanager
def listening(*, drips: bytes = b"", answers_first: bytes = b"") -> Iterator[int]:
    """A server that accepts connections, and then answers nothing that would end a handshake."""

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            kept.append(connection)
            threading.Thread(target=stall, args=(connection,), daemon=True).start()

    def stall(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if answers_first:
                connection.recv(65536)
                connection.sendall(answers_first)
            while drips and not done.wait(0.1):
                connection.sendall(drips)

    kept: list[socket.socket] = []
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        try:
            yield server.getsockname()[1]
        finally:
            done.set()
            for one in kept:
                one.close()


@pytest.mark.parametrize("drips", [b"", b"\x16"], ids=["silent", "dripping"])
async def test_a_handshake_that_does_not_end_reached_nobody(send: Send, drips: bytes) -> None:
    nothing_sent = pytest.raises(VendorUnavailableError, match="Nothing reached Vendor")
    with listening(drips=drips) as port, ends_soon(), nothing_sent:
        await send(Connection(f"https://127.0.0.1:{port}", timeout=0.5), START)


@pytest.mark.parametrize(
    "answers_first", [b"", b"HTTP/1.1 200 Connection established\r\n\r\n"], ids=["no tunnel", "no handshake in it"]
)
@pytest.mark.parametrize("drips", [b"", b"H"], ids=["silent", "dripping"])
async def test_a_tunnel_that_is_not_opened_reached_nobody(send: Send, drips: bytes, answers_first: bytes) -> None:
    with listening(drips=drips, answers_first=answers_first) as port, ends_soon():
        more = {"proxies": {"https": f"http://127.0.0.1:{port}"}}
        with pytest.raises(VendorUnavailableError, match=f"through the proxy 127.0.0.1:{port}.*Nothing reached Vendor"):
            await send(Connection(f"https://{HOST}", timeout=0.5, more=more), START)


def test_a_look_up_of_a_host_name_that_hangs_reached_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    def hang(*arguments: object) -> list[object]:
        released.wait(30)
        return []

    monkeypatch.setattr(sync_session.socket, "getaddrinfo", hang)
    client = sync_client(Connection(f"http://{HOST}", timeout=0.5))
    try:
        with ends_soon(), pytest.raises(VendorUnavailableError, match="Nothing reached Vendor"):
            client.run(one_call(START), patience=0)
    finally:
        released.set()
        client.close()


def test_all_addresses_of_a_host_share_the_time_to_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, contextlib.ExitStack() as stack:
        port = full.getsockname()[1]
        with contextlib.suppress(TimeoutError):
            while True:  # fills the queue of connections that nobody accepts
                stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=0.2))
        monkeypatch.setattr(sync_session, "_addresses", lambda host, seconds: ["127.0.0.1"] * 100)
        client = sync_client(Connection(f"http://{HOST}:{port}", timeout=0.5))
        with ends_soon(), pytest.raises(VendorUnavailableError, match="Nothing reached Vendor"):
            client.run(one_call(START), patience=0)
        client.close()


# Uploads: limited by progress


class _Streamed:
    """A body that is streamed."""

    def __init__(self, size: int) -> None:
        self._size = size

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, self._size, 1 << 20):
            yield b"x" * min(1 << 20, self._size - start)

    @property
    def handed_over(self) -> bool:
        return False


@contextlib.contextmanager
def receiver(*, pauses: float, at: int, size: int) -> Iterator[int]:
    """A server that takes a part of a request, pauses (for ever if 0), and takes and answers the rest."""

    def serve() -> None:
        connection, _ = server.accept()
        with contextlib.suppress(OSError), connection:
            received = 0
            while received < size and (part := connection.recv(1 << 16)):
                received += len(part)
                if received > at and not paused.is_set():
                    paused.set()
                    done.wait(pauses or None)
            connection.sendall(answer())
            done.wait(5)

    done, paused = threading.Event(), threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            done.set()


@pytest.mark.parametrize("connect_timeout", [0.3, 10.0])
async def test_an_upload_outlasts_pauses_shorter_than_the_timeout(
    send: Send, monkeypatch: pytest.MonkeyPatch, connect_timeout: float
) -> None:
    monkeypatch.setattr("airflow_provider_imports.http.settings.LONGEST_CONNECT_TIMEOUT", connect_timeout)
    push = Call("push", "POST", "/push", body=_Streamed(20 << 20), repeat=Repeat.IF_NOT_ACTED, starts=True)
    with receiver(pauses=1.0, at=1 << 20, size=20 << 20) as port:
        got = await send(Connection(f"http://127.0.0.1:{port}", timeout=3.0), push)

    assert got.status == 200


async def test_an_upload_that_stalls_is_told_as_what_it_is(send: Send) -> None:
    push = Call("push", "POST", "/push", body=_Streamed(20 << 20), repeat=Repeat.IF_NOT_ACTED, starts=True)
    stalls = receiver(pauses=0, at=1 << 20, size=20 << 20)
    with stalls as port, ends_soon(), pytest.raises(VendorUnavailableError) as raised:
        await send(Connection(f"http://127.0.0.1:{port}", timeout=0.7), push)

    assert "the upload stalled: no byte of it was accepted for 0.7 s, after" in str(raised.value)
    assert "of 20,971,520 bytes. Vendor got only a part of the request, on which it can't act" in str(raised.value)
    assert "Nothing reached" not in str(raised.value)


# Deadlines of waiters


def test_calls_begun_before_a_deadline_leave_time_for_a_last_look() -> None:
    now = time.monotonic()

    assert latest_end(None) == float("inf")
    assert latest_end(time.time() + 60) - now == pytest.approx(60 + OVERTIME / 2, abs=1)
    assert latest_end(time.time()) - now == pytest.approx(OVERTIME, abs=1)
    assert latest_end(time.time() - 3600) - now == pytest.approx(OVERTIME / 2, abs=1)


@pytest.fixture(params=["blocking", "awaiting"])
def wait(request: pytest.FixtureRequest) -> object:
    """Run a flow for a waiter with a deadline: ``await wait(connection, flow, deadline, vendor)``."""

    async def run(connection: Connection, flow: Flow[object], deadline: float, vendor: VendorOfTest) -> object:
        if request.param == "blocking":
            client = sync_client(connection, vendor)
            try:
                return await asyncio.to_thread(client.run, flow, 0.0, deadline)
            finally:
                client.close()
        async with opened(connection, vendor) as shared:
            return await shared.run(flow, deadline)

    return run


@pytest.fixture
def _short_overtime(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls for a waiter end half a second after its deadline."""
    monkeypatch.setattr(transfer, "OVERTIME", 1.0)


@pytest.mark.usefixtures("_short_overtime")
@pytest.mark.parametrize("call", [READ, SHARED], ids=["alone", "shared"])
@pytest.mark.parametrize("hangs", ["/login", "/status"])
async def test_a_look_ends_soon_after_the_deadline_whatever_hangs(wait: object, call: Call, hangs: str) -> None:
    def react(connection: socket.socket, received: Received) -> None:
        if received.target == "/login" != hangs:
            connection.sendall(answer(200, '{"token": "one"}'))
        else:
            silence(connection, received)

    with WireServer(react) as server, ends_soon(), pytest.raises(VendorUnavailableError):
        await wait(Connection(server.url, timeout=60.0), one_call(call), time.time() + 0.5, LOGS_IN)  # type: ignore[operator]


@pytest.mark.usefixtures("_short_overtime")
async def test_a_look_up_of_the_connection_that_hangs_ends_with_the_deadline() -> None:
    async def hang() -> object:
        await asyncio.sleep(60)
        raise AssertionError

    async with opened(Connection("http://127.0.0.1:9")) as client:
        client._look_up = hang  # type: ignore[assignment]
        with (
            ends_soon(),
            pytest.raises(VendorUnavailableError, match="log-in was not answered before the deadline"),
        ):
            await client.run(one_call(READ), time.time() + 0.2)


async def test_a_look_up_of_the_connection_has_an_end_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang() -> object:
        await asyncio.sleep(60)
        raise AssertionError

    monkeypatch.setattr(async_client, "LONGEST_LOOK_UP", 0.1)
    async with opened(Connection("http://127.0.0.1:9")) as client:
        client._look_up = hang  # type: ignore[assignment]
        with ends_soon(), pytest.raises(VendorUnavailableError, match="did not answer the look-up"):
            await client.run(one_call(READ))


async def test_those_who_queue_for_a_log_in_that_hangs_share_one_failure() -> None:
    with WireServer(silence) as server, ends_soon():
        async with opened(Connection(server.url, timeout=0.5), LOGS_IN) as client:
            results = await asyncio.gather(*(client.run(one_call(READ)) for _ in range(15)), return_exceptions=True)

    assert all(isinstance(one, VendorUnavailableError) for one in results)
    assert [one.target for one in server.requests] == ["/login"]


@pytest.mark.usefixtures("_short_overtime")
async def test_one_whose_deadline_is_near_does_not_wait_for_the_log_in_of_others() -> None:
    with WireServer(silence) as server:
        async with opened(Connection(server.url, timeout=30.0), LOGS_IN) as client:
            patient = asyncio.create_task(client.run(one_call(READ)))
            await asyncio.sleep(0.05)
            with ends_soon(), pytest.raises(VendorUnavailableError, match="before the deadline"):
                await client.run(one_call(READ), time.time() - 60)
            assert not patient.done()
            patient.cancel()
            await asyncio.gather(patient, return_exceptions=True)

    assert [one.target for one in server.requests] == ["/login"]


async def test_a_client_apart_passes_a_log_in_that_hangs_with_what_the_others_know() -> None:
    logins = itertools.count()
    loop, hangs = asyncio.get_running_loop(), asyncio.Event()

    def react(connection: socket.socket, received: Received) -> None:
        if received.target == "/login":
            if next(logins):
                loop.call_soon_threadsafe(hangs.set)
                silence(connection, received)
            connection.sendall(answer(200, '{"token": "one"}'))
        else:
            connection.sendall(answer(401 if received.target == "/expired" else 200))

    expired = Call("get_status", "GET", "/expired")
    with WireServer(react) as server, ends_soon():
        connection = Connection(server.url, timeout=30.0)
        async with opened(connection, LOGS_IN) as client:
            await client.run(one_call(READ))
            hanging = asyncio.create_task(client.run(one_call(expired)))
            await hangs.wait()
            key = ("vendor", connection.url)
            async with client_apart(key, lambda: new_shared_client(connection, LOGS_IN)) as apart:
                assert (await apart.run(one_call(READ))).status == 200
            hanging.cancel()
            await asyncio.gather(hanging, return_exceptions=True)

    assert server.requests[-1].headers["authorization"] == "Bearer one"
