"""Sessions of ``aiohttp`` that record what of a request left."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import aiohttp

from airflow_provider_imports.http.tls import client_context
from airflow_provider_imports.http.transfer import PIECE, Transfer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import ClientHandlerType, ClientMiddlewareType
    from aiohttp.connector import AddrInfoType, Connection

    from airflow_provider_imports.http.call import Body
    from airflow_provider_imports.http.settings import Settings

#: A request that waits for a socket within ``aiohttp`` is heavy, its timeout runs, and nobody can overtake it.
_LIMITED_BY_OUR_QUEUE = 0
#: Bytes that the system holds for a socket, which the event loop takes at one go. An answer of very small chunks costs
#: a microsecond for each.
_RECEIVED_AT_ONCE = 1 << 16
#: For a body that is streamed, whose time is put off by every piece that is accepted.
WITHOUT_END = aiohttp.ClientTimeout(total=None)


async def open_session(settings: Settings) -> aiohttp.ClientSession:
    """Open a session with the connection's TLS, without cookies and the environment's rules."""
    needs_tls = settings.base_url.startswith("https") or (settings.proxy or "").startswith("https")
    tls = await asyncio.to_thread(client_context, settings) if needs_tls else True
    connector = aiohttp.TCPConnector(limit=_LIMITED_BY_OUR_QUEUE, ssl=tls, socket_factory=_open_socket)
    return aiohttp.ClientSession(
        connector=connector, request_class=_RecordedRequest, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
    )


def _open_socket(address: AddrInfoType) -> socket.socket:
    family, kind, protocol, _, _ = address
    opened = socket.socket(family, kind, protocol)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVED_AT_ONCE)
    return opened


class _RecordedRequest(aiohttp.ClientRequest):
    """A request that records when its bytes begin to leave; one to a proxy for a tunnel is another."""

    transfer: Transfer

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        self.transfer.offers(0)
        return await super().send(conn)


def recorded_in(transfer: Transfer) -> ClientMiddlewareType:
    """
    Have a request record what of it leaves.

    A context variable would be kept, with all that it holds, by each timer of ``aiohttp`` that is no longer needed.
    """

    async def send(request: aiohttp.ClientRequest, handler: ClientHandlerType) -> aiohttp.ClientResponse:
        request.transfer = transfer  # type: ignore[attr-defined]  # the session's requests are recorded ones
        return await handler(request)

    return send


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
