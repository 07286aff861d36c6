"""Every vendor's look at an import, at a server that gives them all the same answer."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_imports.hooks.pigment import PigmentHook
from airflow_provider_imports.hooks.pigment import hook as pigment
from airflow_provider_imports.hooks.rocketchat import RocketChatHook
from airflow_provider_imports.hooks.websale import WebsaleHook
from airflow_provider_imports.models import ImportRun
from airflow_provider_imports.testing.answers import PASSWORD, Body
from airflow_provider_imports.testing.holds import look
from airflow_provider_imports.testing.wire import Received, WireServer, answer

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Awaitable, Callable

    from airflow_provider_imports.hooks.base import ImportHook

#: A status of Pigment, WEBSALE and Rocket.Chat in one.
STATUS: dict[str, Any] = {
    "importStatus": "InProgress",
    "status": 2,
    "start": "2026-11-25T10:00:00Z",
    "success": True,
    "state": "importing",
    "operation": {
        "_id": "64d6f0c2a9b1c80001e2f3a4",
        "status": "importer_importing_users",
        "valid": True,
        "user": "rbAXPnMktTFbNpwtJ",
        "count": {"total": 3, "completed": 1},
    },
}
RUNS: dict[type[ImportHook], ImportRun] = {
    PigmentHook: pigment.pigment_run("33d0d7d0-6125-47c4-b36a-882f4ed53b33"),
    WebsaleHook: ImportRun("websale", {"service": "product", "start": STATUS["start"]}),
    RocketChatHook: ImportRun("rocketchat", {"operation_id": STATUS["operation"]["_id"]}),
}


@asynccontextmanager
async def looks_at(
    body: Body, set_connection: Callable[..., str], statuses: tuple[int, ...] = (200, 503, 401)
) -> AsyncIterator[list[Callable[[], Awaitable[str]]]]:
    """One look of each vendor for each status, at a server that answers with this body, but for a log-in."""

    def react(connection: socket.socket, received: Received) -> None:
        if received.target.endswith("/login"):
            connection.sendall(answer(200, b'{"accessToken": "token-of-a-test"}'))
        else:
            connection.sendall(body.answer(answering[0]))

    answering = [200]

    async def look_once(hook: ImportHook, run: ImportRun, status: int) -> str:
        answering[0] = status
        return await look(hook, run)

    with WireServer(react) as server:
        looks: list[Callable[[], Awaitable[str]]] = []
        async with AsyncExitStack() as stack:
            for kind, run in RUNS.items():
                conn_id = set_connection(
                    f"hostile_{kind.conn_type}",
                    conn_type=kind.conn_type,
                    host=server.url,
                    login="rbAXPnMktTFbNpwtJ",
                    password=PASSWORD,
                    extra='{"requests_per_minute": 100000}',
                )
                hook = await stack.enter_async_context(kind.shared(conn_id))
                await look_once(hook, run, 200)  # looks the connection up, and logs in
                looks += [partial(look_once, hook, run, status) for status in statuses]
            yield looks
