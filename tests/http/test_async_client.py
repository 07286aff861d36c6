"""One client for a connection and an event loop: shared by all, harmed by none, gone with the last."""

import asyncio
import socket
import time

import psutil
import pytest

from airflow_provider_imports.exceptions import VendorRateLimitError
from airflow_provider_imports.http import loop_clients, request_queue
from airflow_provider_imports.http.call import Call, one_call
from airflow_provider_imports.testing.wire import Received, WireServer, answer
from tests.http.vendor import Connection, opened

READ = Call("get_status", "GET", "/status")
SHARED = Call("get_current_operation", "GET", "/current", shared=True)


def after(seconds: float, data: bytes = answer()) -> object:  # bytes do not change
    """Answer a while later."""

    def send(connection: socket.socket, received: Received) -> None:
        time.sleep(seconds)  # in the server's thread: a vendor that takes its time
        connection.sendall(data)

    return send


@pytest.fixture(autouse=True)
async def nothing_left_behind() -> object:
    """No task and no socket of ours may outlive the last user."""
    yield
    await asyncio.sleep(0.02)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert not loop_clients._clients.get(asyncio.get_running_loop())


async def test_all_users_have_the_same_client_and_the_last_one_closes_it() -> None:
    with WireServer() as server:
        connection = Connection(server.url)
        async with opened(connection) as one:
            async with opened(connection) as other:
                assert other is one
                await other.run(one_call(READ))
            await one.run(one_call(READ))
            session = one._session
            assert session is not None
            assert not session.closed
        assert session.closed
        assert connection.look_ups == 1
        mine = [one for one in psutil.Process().net_connections() if one.raddr and one.raddr.port == server.port]
        assert [one.status for one in mine if one.status == "ESTABLISHED"] == []

    assert server.connections == 1


async def test_another_connection_is_another_client() -> None:
    with WireServer() as one, WireServer() as other:
        async with opened(Connection(one.url)) as first, opened(Connection(other.url)) as second:
            assert first is not second


def test_each_event_loop_has_its_own_client() -> None:
    clients = []

    async def use(url: str) -> None:
        async with opened(Connection(url)) as client:
            await client.run(one_call(READ))
            clients.append(client)

    with WireServer() as server:
        asyncio.run(use(server.url))
        asyncio.run(use(server.url))

    assert clients[0] is not clients[1]


async def test_one_who_is_canceled_does_not_harm_the_others() -> None:
    with WireServer(after(0.1)) as server:
        async with opened(Connection(server.url)) as client:
            tasks = [asyncio.create_task(client.run(one_call(READ))) for _ in range(10)]
            await asyncio.sleep(0.05)
            for task in tasks[::2]:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert (await client.run(one_call(READ))).status == 200

    assert [isinstance(result, asyncio.CancelledError) for result in results] == [True, False] * 5


async def test_the_first_who_is_canceled_while_it_logs_everybody_in_does_not_harm_the_others() -> None:
    with WireServer() as server:
        connection = Connection(server.url)
        slow = asyncio.Event()

        async def look_up() -> object:
            await slow.wait()
            return connection.look_up()

        async with opened(connection) as client:
            client._look_up = look_up  # type: ignore[assignment]
            tasks = [asyncio.create_task(client.run(one_call(READ))) for _ in range(3)]
            await asyncio.sleep(0.02)
            tasks[0].cancel()
            slow.set()
            results = await asyncio.gather(*tasks, return_exceptions=True)

    assert [getattr(result, "status", None) for result in results] == [None, 200, 200]


async def test_those_who_wait_in_the_queue_can_be_canceled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_imports.http.rate_limit.WINDOW", 0.1)
    with WireServer() as server:
        async with opened(Connection(server.url), limit=3) as client:
            tasks = [asyncio.create_task(client.run(one_call(READ))) for _ in range(9)]
            await asyncio.sleep(0.05)
            for task in tasks[3:6]:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)

    assert [getattr(result, "status", None) for result in results] == [200] * 3 + [None] * 3 + [200] * 3
    assert len(server.requests) == 6


async def test_many_who_read_the_same_at_once_send_at_most_two_requests() -> None:
    with WireServer(after(0.1)) as server:
        async with opened(Connection(server.url)) as client:
            await client.run(one_call(READ))
            results = await asyncio.gather(*(client.run(one_call(SHARED)) for _ in range(50)))

    assert len(results) == 50
    assert len([one for one in server.requests if one.target == "/current"]) <= 2


async def test_who_comes_while_a_read_is_under_way_gets_an_answer_that_was_asked_for_later() -> None:
    with WireServer(after(0.1, answer(200, b'{"n": 1}')), answer(200, b'{"n": 2}')) as server:
        async with opened(Connection(server.url)) as client:
            first = asyncio.create_task(client.run(one_call(SHARED)))
            await asyncio.sleep(0.05)
            later = await asyncio.gather(*(client.run(one_call(SHARED)) for _ in range(5)))

    assert [one.object() for one in (await first, *later)] == [{"n": 1}, *[{"n": 2}] * 5]


async def test_an_answer_that_is_young_enough_is_shared_and_an_old_one_is_not() -> None:
    with WireServer() as server:
        async with opened(Connection(server.url)) as client:
            await client.run(one_call(SHARED))
            await client.run(one_call(SHARED), max_age=60)
            await client.run(one_call(SHARED), max_age=60)
            assert len(server.requests) == 1
            await asyncio.sleep(0.02)
            await client.run(one_call(SHARED), max_age=0.01)
            assert len(server.requests) == 2
            await client.run(one_call(SHARED))
            assert len(server.requests) == 3


async def test_one_who_is_canceled_while_sharing_a_read_does_not_harm_the_others() -> None:
    with WireServer(after(0.1)) as server:
        async with opened(Connection(server.url)) as client:
            tasks = [asyncio.create_task(client.run(one_call(SHARED))) for _ in range(6)]
            await asyncio.sleep(0.05)
            tasks[0].cancel()
            tasks[3].cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)

    assert [getattr(result, "status", None) for result in results] == [None, 200, 200, None, 200, 200]
    assert len(server.requests) <= 2


async def test_a_read_that_nobody_waits_for_any_more_ends_with_the_client() -> None:
    with WireServer(after(5)) as server:
        async with opened(Connection(server.url)) as client:
            tasks = [asyncio.create_task(client.run(one_call(SHARED))) for _ in range(3)]
            await asyncio.sleep(0.05)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    assert len(server.requests) == 1


async def test_an_error_reaches_everybody_who_shares_the_read() -> None:
    with WireServer(answer(429, Retry_After="0.01")) as server:
        async with opened(Connection(server.url)) as client:
            results = await asyncio.gather(*(client.run(one_call(SHARED)) for _ in range(5)), return_exceptions=True)

    assert all(isinstance(result, VendorRateLimitError) for result in results)


async def test_after_a_429_everybody_waits_and_then_one_tries_first() -> None:
    seen: list[float] = []

    def vendor(connection: socket.socket, received: Received) -> None:
        seen.append(time.monotonic())
        connection.sendall(answer(429, Retry_After="0.2") if len(seen) <= 1 else answer())

    with WireServer(vendor) as server:
        async with opened(Connection(server.url)) as client:
            with pytest.raises(VendorRateLimitError):
                await client.run(one_call(READ))
            results = await asyncio.gather(*(client.run(one_call(READ)) for _ in range(20)))

    assert len(results) == 20
    assert len(server.requests) == 21
    assert all(at - seen[0] >= 0.19 for at in seen[1:])


async def test_a_last_look_does_not_wait_for_the_end_of_a_long_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_queue, "OVERTIME", 0.05)
    with WireServer(answer(429, Retry_After="3000"), answer()) as server:
        async with opened(Connection(server.url)) as client:
            with pytest.raises(VendorRateLimitError):
                await client.run(one_call(READ))
            with pytest.raises(Exception, match="left no turn before the deadline"):
                await client.run(one_call(READ), deadline=time.time())

    assert len(server.requests) == 1


async def test_nothing_blocks_the_event_loop(server_tls: object, tls_files: object) -> None:
    verify = {"verify": f"{tls_files}/cert.pem"}
    with WireServer(tls=server_tls) as server:  # type: ignore[arg-type]
        async with opened(Connection(server.url, more=verify)) as client:
            await asyncio.gather(*(client.run(one_call(READ)) for _ in range(50)))
            await asyncio.gather(*(client.run(one_call(SHARED)) for _ in range(50)))

    assert len(server.requests) > 50
