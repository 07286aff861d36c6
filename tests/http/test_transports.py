"""What becomes of a call when the network or the vendor misbehaves: the same for both transports."""

import asyncio
import contextlib
import gzip
import socket
import ssl
import threading
import time
from pathlib import Path

import pytest

from airflow_provider_imports.exceptions import (
    ConnectionSettingsError,
    UnknownOutcomeError,
    VendorImportError,
    VendorRequestError,
    VendorUnavailableError,
)
from airflow_provider_imports.http.body import FileBody
from airflow_provider_imports.http.call import Answer, Call, Repeat, one_call
from airflow_provider_imports.testing.proxy import HOST, ProxyServer
from airflow_provider_imports.testing.wire import (
    Reaction,
    Received,
    WireServer,
    answer,
    close_after,
    drip,
    reset,
    silence,
)
from tests.http.conftest import Send
from tests.http.vendor import TOKEN, Connection

READ = Call("get_status", "GET", "/status")
START = Call("start_import", "POST", "/start", json={"a": 1}, repeat=Repeat.IF_NOT_ACTED, starts=True)
CALLS = pytest.mark.parametrize("call", [READ, START], ids=["read", "start"])


@CALLS
async def test_a_refused_connection_reached_nobody(send: Send, closed_port: int, call: Call) -> None:
    with pytest.raises(VendorUnavailableError, match=r"no connection to .* Nothing reached Vendor"):
        await send(Connection(f"http://127.0.0.1:{closed_port}"), call)


@CALLS
async def test_a_host_name_that_nobody_knows_reached_nobody(send: Send, call: Call) -> None:
    with pytest.raises(VendorUnavailableError, match=r"no connection to .* Nothing reached Vendor"):
        await send(Connection("https://no-such-host.invalid"), call)


@CALLS
async def test_a_host_that_does_not_pick_up_reached_nobody(send: Send, call: Call) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        waiting: list[socket.socket] = []
        with contextlib.suppress(TimeoutError):
            while True:  # fills the queue of connections that nobody accepts
                waiting.append(socket.create_connection(("127.0.0.1", port), timeout=0.2))
        with pytest.raises(VendorUnavailableError, match=r"no connection to .* Nothing reached Vendor"):
            await send(Connection(f"http://127.0.0.1:{port}", timeout=0.4), call)
        for one in waiting:
            one.close()


@CALLS
async def test_a_certificate_that_is_not_trusted_gets_no_request(
    send: Send, server_tls: ssl.SSLContext, call: Call
) -> None:
    with WireServer(tls=server_tls) as server, pytest.raises(VendorUnavailableError, match="Nothing reached Vendor"):
        await send(Connection(server.url), call)

    assert server.requests == []


@CALLS
async def test_tls_spoken_to_a_plain_server_gets_no_request(send: Send, call: Call) -> None:
    def answer_in_plain_http() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=answer_in_plain_http, daemon=True).start()
        with pytest.raises(VendorUnavailableError, match="Nothing reached Vendor"):
            await send(Connection(f"https://127.0.0.1:{listening.getsockname()[1]}"), call)


async def test_a_ca_file_of_the_connection_is_trusted(send: Send, server_tls: ssl.SSLContext, tls_files: Path) -> None:
    with WireServer(tls=server_tls) as server:
        got = await send(Connection(server.url, more={"verify": str(tls_files / "cert.pem")}), READ)

    assert got.status == 200


async def test_a_server_that_asks_which_protocol_is_told_http(
    send: Send, server_tls: ssl.SSLContext, tls_files: Path
) -> None:
    def show(connection: socket.socket, received: Received) -> None:
        assert isinstance(connection, ssl.SSLSocket)
        chosen.append(connection.selected_alpn_protocol())
        connection.sendall(answer())

    chosen: list[str | None] = []
    server_tls.set_alpn_protocols(["h2", "http/1.1"])
    with WireServer(show, tls=server_tls) as server:
        await send(Connection(server.url, more={"verify": str(tls_files / "cert.pem")}), READ)

    assert chosen == ["http/1.1"]


async def test_verification_can_be_switched_off(send: Send, server_tls: ssl.SSLContext) -> None:
    with WireServer(tls=server_tls) as server:
        got = await send(Connection(server.url, more={"verify": False}), READ)

    assert got.status == 200


@pytest.mark.parametrize("content", [None, "no certificate"])
@CALLS
async def test_a_ca_file_that_is_none_is_an_error_of_the_connection(
    send: Send, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None, call: Call
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(file))

    with pytest.raises(ConnectionSettingsError, match=r"'my_vendor'.*ca\.pem.*Nothing was sent"):
        await send(Connection("https://127.0.0.1:9"), call)


BAD_ANSWERS: dict[str, Reaction] = {
    "reset": reset,
    "closed": close_after(b""),
    "silence": silence,
    "half a status line": close_after(b"HTT"),
    "a body cut short": close_after(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"),
    "a chunk cut short": close_after(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n50\r\nabc"),
    "no HTTP": close_after(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
    "broken gzip": answer(200, b"this is not gzip", Content_Encoding="gzip"),
    "a slow drip": drip([b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", *[b"x"] * 100], 0.1),
}


@pytest.mark.parametrize("fault", BAD_ANSWERS)
async def test_a_start_without_a_whole_answer_is_unknown_and_never_sent_twice(send: Send, fault: str) -> None:
    with (
        WireServer(BAD_ANSWERS[fault], answer()) as server,
        pytest.raises(UnknownOutcomeError, match="It is unknown whether the vendor acted"),
    ):
        await send(Connection(server.url, timeout=0.4), START, patience=60)

    assert len(server.requests) == 1


@pytest.mark.parametrize("fault", BAD_ANSWERS)
async def test_a_read_without_a_whole_answer_is_sent_again(send: Send, pauses: list[float], fault: str) -> None:
    with WireServer(BAD_ANSWERS[fault], answer()) as server:
        got = await send(Connection(server.url, timeout=0.4), READ, patience=60)

    assert got.status == 200
    assert len(server.requests) == 2
    assert pauses in ([0.75], [])  # aiohttp repeats a read at once if the connection was lost without a word


async def test_an_answer_that_trickles_does_not_outlast_the_timeout(send: Send) -> None:
    trickle = drip([b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", *[b"x"] * 1000], 0.05)
    with WireServer(trickle) as server:
        began = time.monotonic()
        with pytest.raises(VendorUnavailableError):
            await send(Connection(server.url, timeout=0.3), READ)

    assert time.monotonic() - began < 10  # the whole answer would take 50 s


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408])
async def test_a_start_that_a_broken_vendor_answers_is_unknown_and_not_repeated(send: Send, status: int) -> None:
    with WireServer(answer(status), answer()) as server, pytest.raises(UnknownOutcomeError):
        await send(Connection(server.url), START, patience=60)

    assert len(server.requests) == 1


async def test_a_start_is_repeated_on_gateway_errors_where_the_vendor_asks_for_it(
    send: Send, pauses: list[float]
) -> None:
    call = Call("start_import", "POST", "/start", repeat=Repeat.ON_GATEWAY_ERRORS, starts=True)
    with WireServer(answer(503), answer(429), answer(502), answer(200)) as server:
        got = await send(Connection(server.url), call, patience=600)

    assert len(server.requests) == 4
    assert [one.status for one in got.repeated_after if isinstance(one, Answer)] == [503, 502]


async def test_a_start_that_was_put_off_is_sent_again(send: Send, pauses: list[float]) -> None:
    with WireServer(answer(429, Retry_After="7"), answer()) as server:
        await send(Connection(server.url), START, patience=60)

    assert len(server.requests) == 2
    assert sum(pauses) == pytest.approx(7, abs=0.1)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry_After": "3"}, 3),
        ({"Retry_After": "Sun, 22 Nov 2020 12:00:30 GMT"}, 0),
        ({"X_RateLimit_Reset": "11"}, 11),
        ({"X_RateLimit_Reset": "{epoch_ms}"}, 20),
        ({}, 42),
    ],
)
async def test_the_wait_that_the_vendor_asks_for_is_kept(
    send: Send, pauses: list[float], headers: dict[str, str], seconds: float
) -> None:
    from tests.http.vendor import VendorOfTest

    told = {name: value.format(epoch_ms=int((time.time() + 20) * 1000)) for name, value in headers.items()}
    with WireServer(answer(429, **told), answer()) as server:
        await send(Connection(server.url), READ, patience=60, vendor=VendorOfTest(vendors_wait=42))

    assert sum(pauses) == pytest.approx(seconds, abs=1.5)


async def test_a_longer_wait_than_there_is_patience_for_is_the_callers_to_make(send: Send, pauses: list[float]) -> None:
    with WireServer(answer(429, Retry_After="600")) as server, pytest.raises(VendorImportError) as raised:
        await send(Connection(server.url), READ, patience=60)

    assert getattr(raised.value, "retry_after", None) == 600
    assert pauses == []
    assert len(server.requests) == 1


async def test_an_outage_is_not_asked_for_ever(send: Send, pauses: list[float]) -> None:
    with WireServer(answer(503)) as server, pytest.raises(VendorUnavailableError):
        await send(Connection(server.url), READ, patience=1e9)

    assert len(server.requests) == 5
    assert pauses == [0.75, 1.5, 3.0, 6.0]


GZIPPED = answer(200, gzip.compress(b'{"a": 1}'), Content_Encoding="gzip")


@pytest.mark.parametrize(
    "whole",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{\"a\": 1\r\n1\r\n}\r\n0\r\n\r\n",
        GZIPPED,
        answer(200, b'{"a": 1}', Content_Type="text/plain"),
        close_after(b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{"a": 1}'),
        drip([GZIPPED[i : i + 7] for i in range(0, len(GZIPPED), 7)], 0.01),
    ],
    ids=["chunked", "gzip", "text/plain", "until closed", "gzip in small pieces"],
)  # fmt: skip
async def test_a_whole_answer_is_read_however_it_is_wrapped(send: Send, whole: Reaction) -> None:
    with WireServer(whole) as server:
        assert (await send(Connection(server.url), READ)).object() == {"a": 1}


async def test_an_answer_without_end_is_not_kept_in_memory(send: Send) -> None:
    with (
        WireServer(answer(200, b"x" * 3_000_000)) as server,
        pytest.raises(VendorUnavailableError, match="larger than"),
    ):
        await send(Connection(server.url), READ)


@pytest.fixture
def big_file(tmp_path: Path) -> str:
    file = tmp_path / "rows.csv"
    file.write_bytes(b"a;b;c\n" * 4_000_000)
    return str(file)


def test_a_reset_before_the_whole_file_was_sent_is_not_an_import(big_file: str) -> None:
    from tests.http.vendor import sync_client

    call = Call("push", "POST", "/push", body=FileBody(big_file), repeat=Repeat.IF_NOT_ACTED, starts=True)
    with WireServer(cut_body_at=100_000) as server:
        client = sync_client(Connection(server.url))
        with pytest.raises(VendorUnavailableError, match="before the whole body was sent"):
            client.run(one_call(call), patience=0)
        client.close()

    assert not any(received.complete for received in server.requests)


async def test_a_reset_after_the_whole_file_was_sent_is_unknown(send: Send, big_file: str) -> None:
    call = Call("push", "POST", "/push", body=FileBody(big_file), repeat=Repeat.IF_NOT_ACTED, starts=True)
    with WireServer(reset, answer()) as server, pytest.raises(UnknownOutcomeError):
        await send(Connection(server.url, timeout=20), call, patience=60)

    assert [received.complete for received in server.requests] == [True]


@pytest.mark.parametrize("size", [1_000, 30_000_000])
async def test_a_file_that_shrinks_while_it_is_sent_is_not_an_import(send: Send, tmp_path: Path, size: int) -> None:
    file = tmp_path / "rows.csv"
    file.write_bytes(b"x" * size)
    body = FileBody(str(file))
    file.write_bytes(b"x" * (size // 2))
    call = Call("push", "POST", "/push", body=body, repeat=Repeat.IF_NOT_ACTED, starts=True)

    with WireServer() as server:
        with pytest.raises(VendorUnavailableError, match=r"body could not be read.*changed since it was opened"):
            await send(Connection(server.url, timeout=20), call)
        await asyncio.to_thread(time.sleep, 0.1)  # lets the server notice that no more comes

    assert not any(received.complete for received in server.requests)


REDIRECTS = [301, 302, 303, 307, 308]


@pytest.mark.parametrize("status", REDIRECTS)
async def test_a_read_follows_a_redirect_within_the_same_origin(send: Send, status: int) -> None:
    with WireServer(answer(status, Location="/other?x=1"), answer(200, b'{"here": 1}')) as server:
        got = await send(Connection(server.url), READ)

    assert got.object() == {"here": 1}
    assert [received.target for received in server.requests] == ["/status", "/other?x=1"]


@pytest.mark.parametrize("status", REDIRECTS)
async def test_a_read_is_not_redirected_to_another_host_with_our_credentials(send: Send, status: int) -> None:
    with (
        WireServer() as stranger,
        WireServer(answer(status, Location=f"{stranger.url}/steal")) as server,
        pytest.raises(VendorRequestError, match="It redirects to"),
    ):
        await send(Connection(server.url), READ)

    assert stranger.connections == 0


@pytest.mark.parametrize("status", REDIRECTS)
async def test_a_start_is_never_redirected(send: Send, status: int) -> None:
    with WireServer(answer(status, Location="/other"), answer()) as server, pytest.raises(VendorImportError):
        await send(Connection(server.url), START, patience=60)

    assert len(server.requests) == 1


@pytest.mark.parametrize("location", ["http://[::1", "//", "http://a:b:c/", "\x00", "", "///x", "http://[v1.x]/"])
async def test_a_redirect_to_nowhere_is_an_error_of_the_vendor(send: Send, location: str) -> None:
    with (
        WireServer(answer(302, Location=location)) as server,
        pytest.raises((VendorRequestError, VendorUnavailableError)),
    ):
        await send(Connection(server.url), READ)


async def test_a_circle_of_redirects_ends(send: Send) -> None:
    with WireServer(answer(302, Location="/status")) as server, pytest.raises(VendorRequestError, match="It redirects"):
        await send(Connection(server.url), READ)

    assert len(server.requests) <= 5


@pytest.mark.parametrize("status", [200, 401, 404, 429, 500])
@pytest.mark.parametrize(
    "echo",
    [
        '{{"error": "bad key {0}"}}',
        "<html><h1>{0} is wrong</h1></html>",
        "plain {0} words",
        '{{"importId": 5, "key": "{0}"}}',
    ],
)
@CALLS
async def test_a_credential_that_the_vendor_repeats_is_not_shown(
    send: Send, everything_told: object, status: int, echo: str, call: Call
) -> None:
    for form in (TOKEN, TOKEN.replace("/", "\\/"), "s3cret%2Ftoken%2Bof+the-test", "s3cret%2Ftoken%2Bof%20the-test"):
        reaction = answer(status, echo.format(form), X_Request_Id=form, Location=f"https://{form}/")
        with WireServer(reaction) as server:
            connection = Connection(server.url)
            try:
                seen: object = await send(connection, call)
            except VendorImportError as error:
                seen = error
        told = everything_told(seen, connection.look_up(), call)  # type: ignore[operator]  # a fixture
        assert form not in told
        if isinstance(seen, Answer) and seen.content.startswith(b"{"):
            assert form not in str(seen.json())


INSIDE = {
    "a dot": ("{url}/prefix/./other", "/prefix/other"),
    "dots that stay inside": ("/prefix/a/../other", "/prefix/other"),
    "encoded dots that stay inside": ("/prefix/a/%2e%2E/other?x=/../y", "/prefix/other?x=/../y"),
    "relative": ("other", "/prefix/other"),
    "a scheme in upper case": ("{upper}/prefix/other", "/prefix/other"),
    "odd characters": ("/prefix/a b%20c?d=e f", "/prefix/a%20b%20c?d=e%20f"),
}
OUTSIDE = {
    "dots": "/prefix/../other",
    "dots of a whole address": "{url}/prefix/../other",
    "more dots": "/prefix/a/../../other",
    "encoded dots": "/prefix/%2e%2e/other",
    "half encoded dots": "/prefix/.%2E/other",
    "dots encoded twice": "/prefix/%252e%252e/other",
    "dots and an encoded slash": "/prefix/..%2fother",
    "dots and a backslash": "/prefix/..\\other",
    "relative dots": "../other",
    "a sibling with the same beginning": "/prefixed/other",
    "nothing of the prefix": "/other",
    "a user": "http://user@{host}/prefix/other",
    "another port": "http://127.0.0.1:1/prefix/other",
    "another scheme": "https://{host}/prefix/other",
    "another host": "//127.0.0.2/prefix/other",
    "no scheme of ours": "file:///prefix/other",
    "no ASCII": "/prefix/ü",
    "no UTF-8": "/prefix/\xff",
}


@pytest.mark.parametrize("name", INSIDE)
async def test_a_redirect_is_followed_where_it_stays_below_the_hosts_path(send: Send, name: str) -> None:
    location, target = INSIDE[name]
    with WireServer() as server:
        told = location.format(url=server.url, upper=server.url.replace("http", "HTTP"))
        server.reactions = [answer(302, Location=told), answer(200, b'{"here": 1}')]
        got = await send(Connection(f"{server.url}/prefix"), READ)

    assert got.object() == {"here": 1}
    assert [received.target for received in server.requests] == ["/prefix/status", target]


@pytest.mark.parametrize("name", OUTSIDE)
async def test_a_redirect_is_not_followed_where_it_leaves_the_hosts_path(send: Send, name: str) -> None:
    with WireServer() as server:
        told = OUTSIDE[name].format(url=server.url, host=f"127.0.0.1:{server.port}")
        server.reactions = [answer(302, Location=told), answer()]
        with pytest.raises(VendorRequestError, match="It redirects"):
            await send(Connection(f"{server.url}/prefix"), READ)

    assert len(server.requests) == 1


async def test_no_cookie_is_kept(send: Send) -> None:
    with WireServer(answer(302, Location="/other", Set_Cookie="session=1; Path=/"), answer()) as server:
        await send(Connection(server.url), READ)

    assert [received.headers.get("cookie") for received in server.requests] == [None, None]


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_nothing_for_this_machine_goes_to_a_proxy(
    send: Send, monkeypatch: pytest.MonkeyPatch, server_tls: ssl.SSLContext, tls_files: Path, scheme: str
) -> None:
    with WireServer(tls=server_tls if scheme == "https" else None) as server, ProxyServer() as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        more = {"verify": str(tls_files / "cert.pem"), "proxies": {"all": proxy.url}}
        await send(Connection(server.url, more=more), READ)

    assert proxy.requests == []
    assert len(server.requests) == 1


async def test_a_proxy_gets_its_own_credentials_and_none_of_ours(
    send: Send, server_tls: ssl.SSLContext, tls_files: Path
) -> None:
    with WireServer(tls=server_tls) as server, ProxyServer() as proxy:
        named = proxy.url.replace("//", "//user:word@")
        more = {"verify": str(tls_files / "cert.pem"), "proxies": {"https": named}}
        await send(Connection(f"https://{HOST}:{server.port}", more=more), READ)

    (head,) = proxy.heads
    assert b"proxy-authorization: basic dxnlcjp3b3jk" in head.lower()
    assert TOKEN.encode() not in head
    assert "proxy-authorization" not in server.requests[0].headers


async def test_a_certificate_that_is_not_trusted_says_where_to_trust_it(send: Send, server_tls: ssl.SSLContext) -> None:
    with WireServer(tls=server_tls) as server, pytest.raises(VendorUnavailableError) as raised:
        await send(Connection(server.url), READ)

    assert "its TLS certificate is not trusted: self-signed certificate" in str(raised.value)
    assert "in the connection's extra field verify" in str(raised.value)
