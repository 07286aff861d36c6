"""One request and its answer, as a vendor's code sees them: no sockets, no faults."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from aiohttp import web

    from airflow_provider_imports.sandbox.journal import Entry


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer before it is delivered, well or badly."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


def json_answer(value: Any, status: int = 200, **rest: Any) -> Answer:
    """Answer with JSON; ``content_type`` and ``headers`` as in :class:`Answer`."""
    return Answer(status, json.dumps(value).encode(), **rest)


def text_answer(text: str, status: int = 200, **rest: Any) -> Answer:
    """Answer with plain text."""
    return Answer(status, text.encode(), **{"content_type": "text/plain", **rest})


class Received:
    """A request on its way through a vendor."""

    def __init__(self, request: web.BaseRequest, entry: Entry, parameters: Mapping[str, str], path_known: bool) -> None:
        self._request = request
        self.entry = entry
        self.parameters = parameters
        """What stood in the variable parts of the path."""
        self.path_known = path_known
        """Whether the vendor has the path, be it for another method."""
        self.query: Mapping[str, str] = request.query
        self.headers: Mapping[str, str] = request.headers
        self.cookies: Mapping[str, str] = request.cookies
        self.client = request.remote or ""
        """Address of the client, for limits by IP address."""

    @property
    def operation(self) -> str:
        """The vendor's call."""
        return self.entry.operation

    @property
    def has_content_type(self) -> bool:
        """Whether the client sent a ``Content-Type`` header."""
        return "Content-Type" in self._request.headers

    @property
    def content_type(self) -> str:
        """Media type of the body without its parameters, in lower case."""
        return self._request.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    @property
    def basic_credentials(self) -> tuple[str, str] | None:
        """User name and password of HTTP Basic authentication, or ``None``."""
        scheme, _, encoded = self.headers.get("Authorization", "").partition(" ")
        try:
            user, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except ValueError:
            return None
        return (user, password) if scheme.lower() == "basic" and colon else None

    @property
    def declared_length(self) -> int | None:
        """The ``Content-Length``, if there is one."""
        return self._request.content_length

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body piece by piece as it arrives; each piece is counted in the journal."""
        if self._request.headers.get("Expect", "").lower() == "100-continue" and not self.entry.bytes:
            await self._request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        while chunk := await self._request.content.readany():
            self.entry.bytes += len(chunk)
            yield chunk

    async def read(self) -> bytes:
        """Return the whole body. Only for calls with small bodies."""
        return b"".join([chunk async for chunk in self.chunks()])

    async def drain(self) -> None:
        """Receive and drop what is left of the body, so that the client is listening when it is answered."""
        async for _ in self.chunks():
            pass

    def acted(self, run: str | None = None) -> None:
        """Record that the vendor did what was asked, for the import ``run``."""
        self.entry.acted = True
        self.concerns(run)

    def concerns(self, run: str | None) -> None:
        """Record which import the request is about."""
        if run is not None:
            self.entry.run = run
