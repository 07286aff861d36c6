"""
The one listening port of the sandbox, which can be closed and opened again while everything else goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    import ssl

    from aiohttp.typedefs import Handler


def check_loopback(host: str) -> str:
    """
    Return the host if it is this machine's loopback.

    :raises ValueError: it is not. The sandbox has well-known credentials: nobody else may reach it.
    """
    try:
        if host == "localhost" or ipaddress.ip_address(host).is_loopback:
            return host
    except ValueError:
        pass
    raise ValueError(f"the sandbox listens on loopback only, and {host!r} is not loopback")


def _hang_up(connection: web.RequestHandler) -> None:
    """Close an idle connection so that the client can see it at once, not after the event loop's next round."""
    own = None if connection.transport is None else connection.transport.get_extra_info("socket")
    if own is not None:  # that of TLS is gone as soon as its client has left
        with contextlib.suppress(OSError):
            own.shutdown(socket.SHUT_RDWR)
    connection.force_close()


class Port:
    """
    Serves HTTP on one loopback port.

    :param host: loopback address or ``localhost``.
    :param number: port, 0 for any free one.
    :param ssl_context: serve HTTPS with it.
    """

    def __init__(self, host: str, number: int, ssl_context: ssl.SSLContext | None) -> None:
        self.host = check_loopback(host)
        self.number = number
        self._ssl = ssl_context
        self._runner: web.AppRunner | None = None
        self._socket: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._opening: asyncio.Task[None] | None = None
        self._reopening: asyncio.TimerHandle | None = None
        self._requests: dict[asyncio.Task[web.StreamResponse], asyncio.Transport | None] = {}

    async def start(self, app: web.Application) -> None:
        """Bind the port and accept connections."""
        self._socket = self._bind()
        self.number = self._socket.getsockname()[1]
        app.middlewares.append(self._watched)
        self._runner = web.AppRunner(
            app,
            handler_cancellation=True,
            access_log=None,
            read_bufsize=2**20,
            lingering_time=0,
            shutdown_timeout=0.05,
        )
        await self._runner.setup()
        self.open()
        if self._opening is not None:
            await self._opening

    def _bind(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        bound = socket.socket(family, socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setblocking(False)
        try:
            bound.bind((self.host, self.number))
        except OSError:
            bound.close()
            raise
        return bound

    def open(self) -> None:
        """Accept connections from now on. Does nothing if they are accepted already."""
        self._forget_reopening()
        if self._socket is None or self._server is not None or self._opening is not None:
            return
        # The kernel queues connections from here on; the event loop picks them up a moment later.
        self._socket.listen(1024)
        self._opening = asyncio.get_running_loop().create_task(self._accept(self._socket))

    async def _accept(self, listening: socket.socket) -> None:
        assert self._runner is not None
        assert self._runner.server is not None
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._runner.server, sock=listening, ssl=self._ssl, backlog=1024)
        self._opening = None

    def refuse(self, seconds: float | None) -> None:
        """
        Refuse connections, and close those that are idle. Requests that are being answered end as they would.

        An asyncio client in the same event loop needs one round of the loop to see its idle connections end.

        :param seconds: open again after so many seconds; ``None``: when :meth:`open` is called.
        """
        if self._socket is None:
            return
        self._close_port()
        if seconds is not None:
            self._reopening = asyncio.get_running_loop().call_later(seconds, self.open)
        # A socket that is bound but does not listen refuses connections, and keeps the port for us.
        self._socket = self._bind()
        if self._runner is not None and self._runner.server is not None:
            busy = self._requests.values()
            for connection in self._runner.server.connections:
                if connection.transport in busy:
                    connection.close()
                else:
                    _hang_up(connection)

    def _forget_reopening(self) -> None:
        if self._reopening is not None:
            self._reopening.cancel()
            self._reopening = None

    def _close_port(self) -> None:
        self._forget_reopening()
        if self._opening is not None:
            self._opening.cancel()
            self._opening = None
            if self._socket is not None:
                # Cancelled half-way, the loop may be watching the socket already.
                asyncio.get_running_loop().remove_reader(self._socket)
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    async def stop(self) -> None:
        """Close everything at once, whatever is under way."""
        self._close_port()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
            await asyncio.sleep(0)  # lets the transports close their sockets

    @web.middleware
    async def _watched(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        task = asyncio.current_task()
        assert task is not None
        self._requests[task] = request.transport
        task.add_done_callback(self._requests.pop)
        return await handler(request)
