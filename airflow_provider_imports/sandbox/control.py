"""
The control endpoint ``/_sandbox/``: what :class:`~airflow_provider_imports.sandbox.Sandbox` offers, over
HTTP.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

from aiohttp import web

from airflow_provider_imports.sandbox.faults import FAULTS, REFUSE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_imports.sandbox.journal import Entry
    from airflow_provider_imports.sandbox.vendor import Vendor

CONTROL = "_sandbox"

HELP = {
    "GET /_sandbox/journal?vendor=&operation=": "all received requests",
    "DELETE /_sandbox/journal": "forget them",
    "GET /_sandbox/faults": "faults that still wait for their requests",
    "POST /_sandbox/faults": (
        "let the next requests go wrong; keys: fault, vendor, operation, when, count, status, "
        "seconds, headers, body, hints, after_operation, probability, seed"
    ),
    "DELETE /_sandbox/faults": "remove all faults",
    "GET /_sandbox/settings": "all settings",
    "PATCH /_sandbox/settings": "change some, in the same shape",
    "POST /_sandbox/reset": "forget the vendors' state, the journal and the faults; settings stay",
}


class Controlled(Protocol):
    """What the control endpoint controls: a :class:`~airflow_provider_imports.sandbox.Sandbox`."""

    @property
    def vendors(self) -> Mapping[str, Vendor]: ...

    def entries(self, vendor: str | None = None, operation: str | None = None) -> list[Entry]: ...

    def clear_journal(self) -> None: ...

    def add_fault(self, fault: str, **options: Any) -> None: ...

    def faults(self) -> list[dict[str, Any]]: ...

    def clear_faults(self) -> None: ...

    def settings(self) -> dict[str, Any]: ...

    def change_settings(self, **changes: Any) -> None: ...

    def reset(self) -> None: ...


class Control:
    """Answers the control endpoint. Faults never apply to it."""

    def __init__(self, sandbox: Controlled) -> None:
        self._sandbox = sandbox
        self._calls: dict[tuple[str, str], Callable[[dict[str, str], dict[str, Any]], Any]] = {
            ("GET", ""): self._help,
            ("GET", "journal"): self._journal,
            ("DELETE", "journal"): lambda query, body: sandbox.clear_journal(),
            ("GET", "faults"): lambda query, body: sandbox.faults(),
            ("POST", "faults"): self._add_fault,
            ("DELETE", "faults"): lambda query, body: sandbox.clear_faults(),
            ("GET", "settings"): lambda query, body: sandbox.settings(),
            ("PATCH", "settings"): self._change_settings,
            ("POST", "reset"): lambda query, body: sandbox.reset(),
        }

    async def handle(self, request: web.BaseRequest, path: str) -> web.Response:
        """Answer one request; what is wrong with it is answered with 400 and a message."""
        call = self._calls.get((request.method, path.rstrip("/")))
        if call is None:
            return web.json_response({"error": "no such control call", **self._help({}, {})}, status=404)
        try:
            result = call(dict(request.query), await _body(request))
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({"ok": True} if result is None else result)

    def no_such_vendor(self) -> web.Response:
        """Answer a path that belongs to no vendor."""
        vendors = ", ".join(self._sandbox.vendors)
        return web.json_response({"error": f"no such vendor; here are: {vendors}"}, status=404)

    def _help(self, query: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:
        faults = {name: list(when) for name, when in FAULTS.items()}
        operations = {
            name: sorted({route.operation for route in vendor.routes}) for name, vendor in self._sandbox.vendors.items()
        }
        return {"calls": HELP, "faults": faults, "operations": operations}

    def _journal(self, query: dict[str, str], body: dict[str, Any]) -> list[dict[str, Any]]:
        unknown = sorted(set(query) - {"vendor", "operation"})
        if unknown:
            raise ValueError(f"unknown key {unknown[0]!r}; known: operation, vendor")
        return [entry.as_dict() for entry in self._sandbox.entries(query.get("vendor"), query.get("operation"))]

    def _add_fault(self, query: dict[str, str], body: dict[str, Any]) -> None:
        if body.get("fault") == REFUSE and body.get("seconds") is None:
            raise ValueError("'refuse' needs seconds here: behind a closed port nobody could clear it")
        self._sandbox.add_fault(**{"fault": "", **body})

    def _change_settings(self, query: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:
        self._sandbox.change_settings(**body)
        return self._sandbox.settings()


async def _body(request: web.BaseRequest) -> dict[str, Any]:
    text = await request.text()
    body = json.loads(text) if text else {}
    if not isinstance(body, dict):
        raise ValueError("the body must be a JSON object")
    return body
