"""What all stand-ins share: routes, credentials of the connection, limits, and how long an import takes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from airflow_provider_imports.sandbox.exchange import Answer, Received, json_answer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from airflow_provider_imports.sandbox.runs import Clock, Pace

UNROUTED = "unrouted"


class Route(NamedTuple):
    """One call of a vendor: ``operation`` is also the name of the method that answers it."""

    method: str
    path: str
    operation: str

    def match(self, raw_path: str) -> dict[str, str] | None:
        """Return the variable parts (``{name}``) of a still percent-encoded path that fits, else ``None``."""
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(self.path))
        found = re.fullmatch(pattern, raw_path)
        return found and {name: unquote(value) for name, value in found.groupdict().items()}


class Routed(NamedTuple):
    """
    Where a request goes: the operation, the variable parts of its path, whether only the method was wrong.
    """

    operation: str
    parameters: Mapping[str, str]
    path_known: bool


class Vendor:
    """
    Base of all stand-ins. A subclass is a table of routes and one method for each operation.

    :param clock: the sandbox's clock, in seconds since the epoch.
    :param pace: how long imports take.
    """

    name: str
    routes: tuple[Route, ...]
    connection_login: str = ""
    connection_password: str
    connection_extra: Mapping[str, Any] = {}

    def __init__(self, clock: Clock, pace: Pace) -> None:
        self.clock = clock
        self.pace = pace
        self.settings = self.default_settings()
        self.forget()

    def default_settings(self) -> Any:
        """Return the vendor's own settings, a dataclass instance."""
        return NoSettings()

    def forget(self) -> None:
        """Return to the state of a vendor that nobody has called yet. Settings stay."""

    def route(self, method: str, raw_path: str) -> Routed:
        """Find the operation that a method and a path stand for."""
        matches = [(route, parameters) for route in self.routes if (parameters := route.match(raw_path)) is not None]
        for route, parameters in matches:
            if route.method == method:
                return Routed(route.operation, parameters, True)
        return Routed(UNROUTED, {}, bool(matches))

    async def answer(self, received: Received) -> Answer:
        """Do what was asked, as far as the vendor would, and return its answer."""
        if received.operation == UNROUTED:
            return self.wrong_method(received) if received.path_known else self.not_found(received)
        refusal = self.refuse(received)
        if refusal is not None:
            return refusal
        operation: Callable[[Received], Awaitable[Answer]] = getattr(self, received.operation)
        return await operation(received)

    def refuse(self, received: Received) -> Answer | None:
        """Check credentials, permissions and rate limits; return the refusal, or ``None`` to go on."""
        return None

    def not_found(self, received: Received) -> Answer:
        """Answer a path that the vendor does not have."""
        return json_answer({"error": "Not Found"}, 404)

    def wrong_method(self, received: Received) -> Answer:
        """Answer a method that a path does not take."""
        return json_answer({"error": "Method Not Allowed"}, 405)

    def rate_limited(self, received: Received, seconds: float, hints: bool) -> Answer:
        """
        Answer 429 the way this vendor does.

        :param seconds: after how many seconds the client may come back.
        :param hints: whether headers say so. Without them the client has to guess.
        """
        raise NotImplementedError


@dataclass
class NoSettings:
    """A vendor without settings of its own."""
