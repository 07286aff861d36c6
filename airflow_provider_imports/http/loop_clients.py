"""The clients of an event loop: one for each connection, shared by everything that waits on it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from airflow_provider_imports.http.async_client import AsyncClient

_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[object, str], AsyncClient]] = WeakKeyDictionary()


def join_client(key: tuple[object, str], make: Callable[[], AsyncClient]) -> AsyncClient:
    """
    Use the event loop's client for this key, which the first user opens; :func:`leave_client` must follow.

    :param key: the hook's class and the connection id
    """
    clients = _clients.setdefault(asyncio.get_running_loop(), {})
    client = clients.get(key)
    if client is None:
        client = clients[key] = make()
    client.users += 1
    return client


async def leave_client(key: tuple[object, str]) -> None:
    """Use the event loop's client for this key no longer; the last user closes it."""
    clients = _clients[asyncio.get_running_loop()]
    client = clients[key]
    client.users -= 1
    if not client.users:
        del clients[key]
        await client.close()


@asynccontextmanager
async def client_apart(key: tuple[object, str], make: Callable[[], AsyncClient]) -> AsyncIterator[AsyncClient]:
    """
    Use a client of one's own, which waits neither for the turns of others nor for their log-in.

    It begins with what the event loop's client for this key knows, if there is one.
    """
    others = _clients.get(asyncio.get_running_loop(), {}).get(key)
    client = make()
    try:
        if others is not None:
            await client.take_over(others.access)
        yield client
    finally:
        await client.close()
