"""What all stand-ins share: reading a request, and answering what no call fits."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web

from airflow_provider_imports.sandbox.journal import ENTRY, request_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from aiohttp.typedefs import Handler

    from airflow_provider_imports.sandbox.progress import Clock

UNROUTED = "unrouted"
"""The operation of a request for which the vendor has no call."""
BODY: web.RequestKey[bytes] = request_key("body", bytes)
"""The body of a request that is kept, as in ``request[BODY]``."""


@dataclass
class SharedSettings:
    """
    :param run_seconds: seconds from the start of an import to its end; 0 for "at once".
    :param rows_per_second: if set, an import takes ``rows / rows_per_second`` seconds instead.
    :param any_id: take any id for a configuration, task or definition that the vendor has; else only those that it
        knows.
    """

    run_seconds: float = 1.0
    rows_per_second: float | None = None
    any_id: bool = False

    def seconds_for(self, rows: int) -> float:
        """Return how long an import of so many rows takes."""
        return rows / self.rows_per_second if self.rows_per_second else self.run_seconds


@dataclass
class NoSettings:
    """A vendor without settings of its own."""


class StandIn:
    """
    Base of all stand-ins. A subclass has routes, and one method for each call: its name is the operation.

    :param clock: the sandbox's clock, in seconds since the epoch.
    :param shared: the settings of all vendors.
    """

    name: str
    connection_login: str = ""
    connection_password: str
    connection_extra: Mapping[str, Any] = {}
    more_connections: Mapping[str, str] = {}
    """Ids of connections beside the default one, and the password of each."""
    ids: Mapping[str, str] = {}
    """The ids that the vendor knows, and what each stands for."""
    settings_type: type[Any] = NoSettings

    def __init__(self, clock: Clock, shared: SharedSettings) -> None:
        self.clock = clock
        self.shared = shared
        self.settings = self.settings_type()
        self.forget()

    def forget(self) -> None:
        """Return to the state of a vendor that nobody has called yet. Settings stay."""

    def routes(self) -> Sequence[web.RouteDef]:
        """Return the vendor's calls."""
        raise NotImplementedError

    @property
    def operation_names(self) -> list[str]:
        """The names of the vendor's calls."""
        return sorted({route.handler.__name__ for route in self.routes()})

    async def answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Do what was asked, as far as the vendor would, and return its answer."""
        unrouted = request.match_info.http_exception
        if unrouted is None:
            refusal = self.refusal(request)
            return await handler(request) if refusal is None else refusal
        return self.unrouted(unrouted.status)

    def refusal(self, request: web.Request) -> web.Response | None:
        """Check credentials, permissions and rate limits; return what refuses the request, ``None`` to go on."""
        return None

    def unrouted(self, status: int) -> web.Response:
        """Answer a path that the vendor does not have (404), or a method that the path does not take (405)."""
        return web.json_response({"error": HTTPStatus(status).phrase}, status=status)

    def rate_limited(self, request: web.Request, seconds: float) -> web.Response:
        """Answer 429 the way this vendor does; the client may come back after so many seconds."""
        return web.json_response({"error": HTTPStatus.TOO_MANY_REQUESTS.phrase}, status=HTTPStatus.TOO_MANY_REQUESTS)

    def wait_headers(self, seconds: float) -> Mapping[str, str]:
        """Return the headers that say so. A fault may leave them out: then the client has to guess."""
        return {"Retry-After": f"{seconds:.0f}"}


def operation_of(request: web.Request) -> str:
    """Return the name of the call that a request is for."""
    if request.match_info.http_exception is not None:
        return UNROUTED
    return request.match_info.route.handler.__name__


def content_type(request: web.Request) -> str:
    """Return the media type of the body as it was sent, in lower case; empty if there is none."""
    return request.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def basic_credentials(request: web.Request) -> tuple[str, str]:
    """Return user name and password of HTTP Basic authentication; empty if there are none."""
    try:
        sent = aiohttp.BasicAuth.decode(request.headers.get("Authorization", ""), encoding="utf-8")
    except ValueError:
        return "", ""
    return sent.login, sent.password


async def chunks(request: web.Request) -> AsyncIterator[bytes]:
    """Yield the body piece by piece as it arrives; each piece is counted in the journal."""
    entry = request[ENTRY]
    if BODY in request:
        yield request[BODY]
        return
    if request.headers.get("Expect", "").lower() == "100-continue" and not entry.bytes:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    while chunk := await request.content.readany():
        entry.bytes += len(chunk)
        yield chunk


async def keep_body(request: web.Request) -> None:
    """Receive the whole body and keep it: the client may be gone when the vendor reads it."""
    request[BODY] = await read_body(request)


async def read_body(request: web.Request) -> bytes:
    """Return the whole body, or what is left of it. Only for calls with small bodies."""
    return b"".join([chunk async for chunk in chunks(request)])


async def read_json_body(request: web.Request, otherwise: Any = None) -> Any:
    """Return the value of a JSON body, or something else if it is malformed or not declared as JSON."""
    body = await read_body(request)
    try:
        return json.loads(body) if content_type(request) == "application/json" else otherwise
    except ValueError:
        return otherwise
