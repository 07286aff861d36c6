"""Every vendor's look at an import, at a server that gives them all the same answer."""

from __future__ import annotations

import json
import os
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_imports.hooks.pigment import PigmentHook
from airflow_provider_imports.hooks.rocketchat import RocketChatHook
from airflow_provider_imports.hooks.websale import WebsaleHook
from airflow_provider_imports.models import ImportRun
from airflow_provider_imports.testing.answers import PASSWORD, Body
from airflow_provider_imports.testing.holds import look
from airflow_provider_imports.testing.hostile import STATUSES
from airflow_provider_imports.testing.spellings import LOGIN
from airflow_provider_imports.testing.wire import Received, WireServer, answer

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Awaitable, Callable

    from airflow_provider_imports.hooks.base import ImportHook

#: A status of Pigment, WEBSALE and Rocket.Chat in one, with all that they tell of an import.
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
    "lastError": "unknown group",
    "importErrors": ["line 2: email is missing"],
    "message": "no such group",
    "errorsDetails": [{"name": "File", "description": "column 'Amount' is missing"}],
    "detailedReport": {
        "blockType": "List",
        "impactedBlocks": [{"blockId": "b3f1c9a2", "skippedData": [{"reason": "ParsingError", "samples": ["n/a"]}]}],
    },
}
RUNS: dict[type[ImportHook], ImportRun] = {
    PigmentHook: ImportRun("pigment", {"import_id": "33d0d7d0-6125-47c4-b36a-882f4ed53b33"}),
    WebsaleHook: ImportRun("websale", {"service": "product", "start": STATUS["start"]}),
    RocketChatHook: ImportRun("rocketchat", {"operation_id": STATUS["operation"]["_id"]}),
}

#: Texts of the status that name the runs.
KEPT = {text for run in RUNS.values() for text in run.key.values()}


@asynccontextmanager
async def looks_at(body: Body) -> AsyncIterator[list[Callable[[], Awaitable[str]]]]:
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
        async with hooks_at(server.url) as hooks:
            for hook, run in hooks:
                await look_once(hook, run, 200)  # looks the connection up, and logs in
            yield [partial(look_once, hook, run, status) for hook, run in hooks for status in STATUSES]


@asynccontextmanager
async def hooks_at(url: str) -> AsyncIterator[list[tuple[ImportHook, ImportRun]]]:
    """Every vendor's hook whose connection leads to this address, with a run."""
    async with AsyncExitStack() as stack:
        hooks = []
        for kind, run in RUNS.items():
            conn_id = f"hostile_{kind.conn_type}"
            connection = {
                "conn_type": kind.conn_type,
                "host": url,
                "login": LOGIN,
                "password": PASSWORD,
                "extra": {"requests_per_minute": 100_000},
            }
            os.environ[f"AIRFLOW_CONN_{conn_id.upper()}"] = json.dumps(connection)
            hooks.append((await stack.enter_async_context(kind.shared(conn_id)), run))
        yield hooks
