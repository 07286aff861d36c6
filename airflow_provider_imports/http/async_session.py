"""Sessions of ``aiohttp`` that record what of a request left."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp

from airflow_provider_imports.http.tls import client_context
from airflow_provider_imports.http.transfer import PIECE, Transfer, current_transfer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp.connector import Connection

    from airflow_provider_imports.http.call import Body
    from airflow_provider_imports.http.settings import Settings

#: A request that waits for a socket within ``aiohttp`` is heavy, its timeout runs, and nobody can overtake it.
_LIMITED_BY_OUR_QUEUE = 0
#: For a body that is streamed, whose time is put off by every piece that is accepted.
WITHOUT_END = aiohttp.ClientTimeout(total=None)


async def open_session(settings: Settings) -> aiohttp.ClientSession:
    """Open a session with the connection's TLS, without cookies and the environment's rules."""
    if settings.base_url.startswith("https"):
        tls = await asyncio.to_thread(client_context, settings)
        connector = aiohttp.TCPConnector(limit=_LIMITED_BY_OUR_QUEUE, ssl=tls)
    else:
        connector = aiohttp.TCPConnector(limit=_LIMITED_BY_OUR_QUEUE)
    return aiohttp.ClientSession(
        connector=connector, request_class=_RecordedRequest, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
    )


class _RecordedRequest(aiohttp.ClientRequest):
    """A request that records when its bytes begin to leave; one to a proxy for a tunnel is another."""

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        if (transfer := current_transfer.get()) is not None:
            transfer.offers(0)
        return await super().send(conn)


async def pieces(body: Body, transfer: Transfer, limit: asyncio.Timeout) -> AsyncIterator[bytes]:
    """Read a body in a thread, piece by piece; whenever a piece was accepted, the time begins again."""
    loop = asyncio.get_running_loop()
    unsent = transfer.pieces(body)
    while (piece := await asyncio.to_thread(next, unsent, None)) is not None:
        for start in range(0, len(piece), PIECE):
            part = piece[start : start + PIECE]
            transfer.offers(len(part))
            yield part
            transfer.accepted()
            limit.reschedule(loop.time() + transfer.time_left())
