"""Logging in: once for everybody, again at most once after a 401, and never a second time with refused credentials."""

import asyncio
import json

import pytest

from airflow_provider_imports.exceptions import VendorAuthError, VendorRequestError, VendorUnavailableError
from airflow_provider_imports.http.call import Call, one_call
from airflow_provider_imports.testing.wire import Reaction, WireServer, answer
from tests.http.conftest import Send
from tests.http.vendor import Connection, VendorOfTest, opened, sync_client

READ = Call("get_status", "GET", "/status")
LOGS_IN = VendorOfTest(logs_in=True)


def token(name: str) -> bytes:
    return answer(200, json.dumps({"token": name}))


def sent(server: WireServer) -> list[str]:
    """What the vendor received: the path, and who it was told that we are."""
    return [f"{one.target} {one.headers.get('authorization', '-')}" for one in server.requests]


async def test_the_log_in_comes_first_and_its_token_is_sent(send: Send) -> None:
    with WireServer(token("one"), answer()) as server:
        await send(Connection(server.url), READ, vendor=LOGS_IN)

    assert sent(server) == ["/login -", "/status Bearer one"]


async def test_after_a_401_there_is_one_more_log_in(send: Send) -> None:
    with WireServer(token("one"), answer(401), token("two"), answer()) as server:
        got = await send(Connection(server.url), READ, vendor=LOGS_IN)

    assert got.status == 200
    assert sent(server) == ["/login -", "/status Bearer one", "/login -", "/status Bearer two"]


@pytest.mark.parametrize("patience", [0.0, 60.0])
async def test_after_a_second_401_there_is_none(send: Send, patience: float) -> None:
    with (
        WireServer(token("one"), answer(401), token("two"), answer(401)) as server,
        pytest.raises(VendorAuthError, match="Check the Airflow connection's login and password"),
    ):
        await send(Connection(server.url), READ, patience, LOGS_IN)

    assert len(server.requests) == 4


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_log_in_is_not_repeated(send: Send, status: int) -> None:
    with WireServer(answer(status)) as server, pytest.raises(VendorAuthError):
        await send(Connection(server.url), READ, 60.0, LOGS_IN)

    assert sent(server) == ["/login -"]


def test_a_client_whose_log_in_was_refused_does_not_try_it_again() -> None:
    with WireServer(answer(401)) as server:
        client = sync_client(Connection(server.url), LOGS_IN)
        for _ in range(3):
            with pytest.raises(VendorAuthError):
                client.run(one_call(READ), patience=0)
        client.close()

    assert sent(server) == ["/login -"]


async def test_a_refused_log_in_is_not_repeated_by_all_who_share_the_client() -> None:
    with WireServer(answer(401)) as server:
        async with opened(Connection(server.url), LOGS_IN) as client:
            results = await asyncio.gather(*(client.run(one_call(READ)) for _ in range(20)), return_exceptions=True)

    assert all(isinstance(result, VendorAuthError) for result in results)
    assert sent(server) == ["/login -"]


async def test_all_who_share_the_client_share_one_log_in() -> None:
    with WireServer(token("one"), answer()) as server:
        connection = Connection(server.url)
        async with opened(connection, LOGS_IN) as client:
            await asyncio.gather(*(client.run(one_call(READ)) for _ in range(20)))

    assert sent(server).count("/login -") == 1
    assert sent(server).count("/status Bearer one") == 20
    assert connection.look_ups == 1


async def test_all_who_get_a_401_share_one_renewed_log_in() -> None:
    class TokenThatExpires:
        def __init__(self) -> None:
            self.logins = 0

        def __call__(self, connection: object, received: object) -> None:
            if received.target == "/login":  # type: ignore[attr-defined]
                self.logins += 1
                data = token(f"t{self.logins}")
            else:
                good = received.headers["authorization"] != "Bearer t1"  # type: ignore[attr-defined]
                data = answer(200 if good else 401)
            connection.sendall(data)  # type: ignore[attr-defined]

    vendor: Reaction = TokenThatExpires()
    with WireServer(vendor) as server:
        async with opened(Connection(server.url), LOGS_IN) as client:
            results = await asyncio.gather(*(client.run(one_call(READ)) for _ in range(20)))

    assert [result.status for result in results] == [200] * 20
    assert sent(server).count("/login -") == 2


async def test_a_log_in_that_fails_for_now_is_tried_again_later(send: Send) -> None:
    with WireServer(answer(503)) as server, pytest.raises(VendorUnavailableError):
        await send(Connection(server.url), READ, vendor=LOGS_IN)

    assert sent(server) == ["/login -"]


async def test_a_rotated_credential_is_picked_up_after_a_401() -> None:
    with WireServer(answer(), answer(401), answer(), answer()) as server:
        connection = Connection(server.url, password="old-credential")
        async with opened(connection) as client:
            await client.run(one_call(READ))
            connection.password = "new-credential"
            await client.run(one_call(READ))
            await client.run(one_call(READ))

    assert [one.headers["authorization"] for one in server.requests] == [
        "Bearer old-credential",
        "Bearer old-credential",
        "Bearer new-credential",
        "Bearer new-credential",
    ]
    assert connection.look_ups == 2


def test_a_rotated_credential_is_picked_up_by_the_blocking_client_too() -> None:
    with WireServer(answer(), answer(401), answer()) as server:
        connection = Connection(server.url, password="old-credential")
        client = sync_client(connection)
        client.run(one_call(READ), 0)
        connection.password = "new-credential"
        client.run(one_call(READ), 0)
        client.close()

    assert server.requests[-1].headers["authorization"] == "Bearer new-credential"


@pytest.mark.parametrize("blocking", [True, False])
async def test_a_connection_that_now_leads_elsewhere_is_followed(blocking: bool) -> None:
    with WireServer(answer(401)) as old, WireServer() as new:
        connection = Connection(old.url, password="old-credential")
        if blocking:
            client = sync_client(connection)
            client.access.settings = connection.look_up()
            connection.url, connection.password = new.url, "new-credential"
            client.run(one_call(READ), 0)
            client.close()
        else:
            async with opened(connection) as shared:
                with pytest.raises(VendorAuthError):
                    await shared.run(one_call(READ))
                connection.url, connection.password = new.url, "new-credential"
                await shared.run(one_call(READ))

    assert [one.headers["authorization"] for one in new.requests] == ["Bearer new-credential"]
    assert all(one.headers["authorization"] == "Bearer old-credential" for one in old.requests)


async def test_the_same_refused_credential_is_looked_up_once_and_not_sent_again(send: Send) -> None:
    with WireServer(answer(401)) as server:
        connection = Connection(server.url)
        with pytest.raises(VendorAuthError):
            await send(connection, READ, 60.0)

    assert len(server.requests) == 1
    assert connection.look_ups == 2


async def test_a_start_that_a_401_refused_is_sent_once_more_with_the_new_log_in(send: Send) -> None:
    start = Call("start_import", "POST", "/start", body=b"rows", starts=True)
    with WireServer(token("one"), answer(401), token("two"), answer()) as server:
        await send(Connection(server.url), start, vendor=LOGS_IN)

    assert [one.body for one in server.requests if one.target == "/start"] == [b"rows", b"rows"]


@pytest.mark.parametrize("status", [400, 401, 403, 422])
async def test_a_log_in_that_was_refused_is_not_tried_again_by_those_who_come_later(status: int) -> None:
    with WireServer(answer(status, '{"error": "wrong password"}')) as server:
        async with opened(Connection(server.url), LOGS_IN) as client:
            for _ in range(3):
                with pytest.raises((VendorAuthError, VendorRequestError)):
                    await client.run(one_call(READ))
        blocking = sync_client(Connection(server.url), LOGS_IN)
        for _ in range(3):
            with pytest.raises((VendorAuthError, VendorRequestError)):
                blocking.run(one_call(READ), 0)
        blocking.close()

    assert sent(server) == ["/login -", "/login -"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 503])
async def test_a_page_of_a_gateway_at_the_log_in_is_an_outage_and_not_remembered(status: int) -> None:
    with WireServer(answer(status, "<html>Just a moment..."), token("one"), answer()) as server:
        async with opened(Connection(server.url), LOGS_IN) as client:
            with pytest.raises(VendorUnavailableError):
                await client.run(one_call(READ))
            assert (await client.run(one_call(READ))).status == 200

    assert sent(server) == ["/login -", "/login -", "/status Bearer one"]


async def test_a_page_of_a_gateway_is_no_reason_to_log_in_again(send: Send) -> None:
    with (
        WireServer(token("one"), answer(401, "<html>Just a moment...")) as server,
        pytest.raises(VendorUnavailableError),
    ):
        await send(Connection(server.url), READ, vendor=LOGS_IN)

    assert sent(server) == ["/login -", "/status Bearer one"]
