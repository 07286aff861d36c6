"""The guard that every test runs under, tried on coroutines that block."""

import asyncio
import socket
import ssl
from collections.abc import Iterator

import pytest

from airflow_provider_imports.testing import blocking


@pytest.fixture
def offences() -> Iterator[list[str]]:
    """What the guard has noticed; forgotten at the end, for it was meant."""
    yield blocking.offences
    blocking.offences.clear()


async def run_as_ours(statement: str, file: str = "triggers/made_up.py") -> None:
    """Run a statement in a coroutine that stands in a file of the package."""
    source = f"import socket, ssl, time\nasync def wait():\n    {statement}\n"
    names: dict[str, object] = {}
    exec(compile(source, f"{blocking.OURS}/{file}", "exec"), names)
    await names["wait"]()  # type: ignore[operator]


@pytest.mark.parametrize(
    "statement",
    [
        "time.sleep(0)",
        "socket.getaddrinfo('127.0.0.1', 80)",
        "open('/dev/null').close()",
        "ssl.create_default_context()",
        "(lambda: time.sleep(0))()",
    ],
)
async def test_a_coroutine_of_ours_that_blocks_is_noticed(statement: str, offences: list[str]) -> None:
    await run_as_ours(statement)

    assert offences
    assert all("beneath wait, line 3" in one for one in offences)


async def test_a_blocking_connection_is_noticed(offences: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        await run_as_ours(f"socket.create_connection(('127.0.0.1', {port}), timeout=5).close()")

    assert any(one.startswith("socket.connect ") for one in offences)


@pytest.mark.parametrize(
    ("statement", "file"),
    [
        ("await __import__('asyncio').to_thread(time.sleep, 0)", "triggers/made_up.py"),
        ("await __import__('asyncio').sleep(0)", "triggers/made_up.py"),
        ("time.sleep(0)", "sandbox/made_up.py"),
    ],
)
async def test_what_holds_up_no_triggerer_is_not(statement: str, file: str, offences: list[str]) -> None:
    await run_as_ours(statement, file)
    ssl.create_default_context()
    with socket.create_server(("127.0.0.1", 0)) as server:
        _, writer = await asyncio.open_connection("127.0.0.1", server.getsockname()[1])
        writer.close()

    assert offences == []
