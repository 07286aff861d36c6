"""Both transports send the same bytes for the same call."""

from pathlib import Path

import pytest

from airflow_provider_imports.http.body import FileBody
from airflow_provider_imports.http.call import Call, one_call, path
from airflow_provider_imports.testing.wire import Received, WireServer
from tests.http.vendor import TOKEN, Connection, opened, sync_client

ODD = "a b&c=d/ü?#%2F+~'\"\\;,:@!$()*[]{}|^`<>€\U0001f600"
CALLS = {
    "GET": Call("read", "GET", "/status"),
    "GET with a query": Call("read", "GET", "/status", query=(("name", ODD), ("empty", ""), ("name", "again"))),
    "GET with odd characters in its path": Call("read", "GET", path("/import/{name}/status", name=ODD)),
    "GET with headers": Call("read", "GET", "/status", headers={"X-One": "1", "Accept": "text/plain"}),
    "POST of JSON": Call("start", "POST", "/start", json={"name": ODD, "rows": [1, None, True, 1.5]}),
    "POST of empty JSON": Call("start", "POST", "/start", json={}),
    "POST without a body": Call("start", "POST", "/start"),
    "POST of bytes": Call("push", "POST", "/push", body=b"a;b\n1;2\n\x00\xff", content_type="text/csv"),
    "POST of empty bytes": Call("push", "POST", "/push", body=b"", content_type="text/csv"),
    "PUT of bytes": Call("push", "PUT", "/push", body=b"x" * 100_000, content_type="application/octet-stream"),
    "DELETE": Call("cancel", "DELETE", "/import/1"),
}


async def sent_by_both(server: WireServer, call: Call, connection: Connection) -> tuple[Received, Received]:
    client = sync_client(connection)
    client.run(one_call(call), patience=0)
    client.close()
    async with opened(connection) as shared:
        await shared.run(one_call(call))
    blocking, awaiting = server.requests
    return blocking, awaiting


@pytest.mark.parametrize("name", CALLS)
async def test_both_transports_send_the_same_bytes(name: str) -> None:
    with WireServer() as server:
        blocking, awaiting = await sent_by_both(server, CALLS[name], Connection(server.url))

    assert awaiting == blocking


async def test_both_transports_stream_a_file_with_its_length(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_bytes(b"a;b\n" * 600_000)
    call = Call("push", "POST", "/push", body=FileBody(str(file)), content_type="text/csv")

    with WireServer() as server:
        blocking, awaiting = await sent_by_both(server, call, Connection(server.url))

    assert awaiting == blocking
    assert blocking.headers["content-length"] == "2400000"
    assert blocking.body == file.read_bytes()
    assert "transfer-encoding" not in blocking.headers


async def test_a_prefix_of_the_host_is_kept() -> None:
    with WireServer() as server:
        blocking, awaiting = await sent_by_both(server, CALLS["GET"], Connection(f"{server.url}/a%20prefix"))

    assert blocking.target == awaiting.target == "/a%20prefix/status"


async def test_a_credential_that_is_not_ascii_is_sent_as_utf_8() -> None:
    with WireServer() as server:
        blocking, awaiting = await sent_by_both(server, CALLS["GET"], Connection(server.url, password="schlüssel-€"))

    assert blocking.headers["authorization"] == awaiting.headers["authorization"] == "Bearer schlüssel-€"


async def test_only_our_own_headers_are_sent() -> None:
    with WireServer() as server:
        sent, _ = await sent_by_both(server, CALLS["POST of JSON"], Connection(server.url))

    ours = "host accept accept-encoding user-agent content-type content-length authorization connection"
    assert set(sent.headers) <= set(ours.split())
    assert sent.headers["authorization"] == f"Bearer {TOKEN}"


async def test_without_a_body_there_is_no_content_type() -> None:
    with WireServer() as server:
        blocking, awaiting = await sent_by_both(server, CALLS["POST without a body"], Connection(server.url))

    assert "content-type" not in blocking.headers
    assert "content-type" not in awaiting.headers


def test_a_query_keeps_its_order_and_its_repetitions() -> None:
    assert CALLS["GET with a query"].target.endswith("&empty=&name=again")


@pytest.mark.parametrize("part", [".", ".."])
def test_no_value_can_leave_its_place_in_a_path(part: str) -> None:
    with pytest.raises(ValueError, match="id must not be"):
        path("/import/{id}/status", id=part)
    assert path("/import/{id}/status", id="../x?y#z") == "/import/..%2Fx%3Fy%23z/status"
