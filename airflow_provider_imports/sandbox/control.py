"""
The control endpoint ``/_sandbox/``: what :class:`~airflow_provider_imports.sandbox.Sandbox` offers, over
HTTP. Faults never apply to it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from airflow_provider_imports.sandbox.faults import FAULTS, REFUSE, Fault
from airflow_provider_imports.sandbox.options import option_names

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp.typedefs import Handler

    from airflow_provider_imports.sandbox.app import Sandbox

HELP = {
    "GET /_sandbox/journal?vendor=&operation=": "all received requests",
    "DELETE /_sandbox/journal": "forget them",
    "GET /_sandbox/faults": "faults that still wait for their requests",
    "POST /_sandbox/faults": f"let the next requests go wrong; keys: {', '.join(option_names(Fault))}",
    "DELETE /_sandbox/faults": "remove all faults",
    "GET /_sandbox/settings": "all settings",
    "PATCH /_sandbox/settings": "change some, in the same shape",
    "POST /_sandbox/reset": "forget the vendors' state, the journal and the faults; settings stay",
}


def control_app(sandbox: Sandbox) -> web.Application:
    """Make the application that answers the control endpoint; what is wrong with a request is answered with 400."""

    def explained() -> dict[str, Any]:
        faults = {name: list(when) for name, when in FAULTS.items()}
        operations = {name: vendor.operation_names for name, vendor in sandbox.vendors.items()}
        ids = {name: dict(vendor.ids) for name, vendor in sandbox.vendors.items()}
        return {"calls": HELP, "faults": faults, "operations": operations, "ids": ids}

    @web.middleware
    async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.match_info.http_exception is not None:
            return web.json_response({"error": "no such control call", **explained()}, status=404)
        try:
            return await handler(request)
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)

    def does(action: Callable[[], Any]) -> Handler:
        async def do(request: web.Request) -> web.Response:
            result = action()
            return web.json_response({"ok": True} if result is None else result)

        return do

    async def journal(request: web.Request) -> web.Response:
        unknown = sorted(set(request.query) - {"vendor", "operation"})
        if unknown:
            raise ValueError(f"unknown key {unknown[0]!r}; known: operation, vendor")
        return web.json_response([entry.as_dict() for entry in sandbox.entries(**dict(request.query))])

    async def add_fault(request: web.Request) -> web.Response:
        options = await _options(request)
        if options.get("fault") == REFUSE and options.get("seconds") is None:
            raise ValueError("'refuse' needs seconds here: behind a closed port nobody could clear it")
        sandbox.add_fault(**{"fault": "", **options})
        return web.json_response({"ok": True})

    async def change_settings(request: web.Request) -> web.Response:
        sandbox.change_settings(**await _options(request))
        return web.json_response(sandbox.settings())

    app = web.Application(middlewares=[errors])
    app.add_routes(
        [
            web.get("", does(explained)),
            web.get("/", does(explained)),
            web.get("/journal", journal),
            web.delete("/journal", does(sandbox.clear_journal)),
            web.get("/faults", does(sandbox.faults)),
            web.post("/faults", add_fault),
            web.delete("/faults", does(sandbox.clear_faults)),
            web.get("/settings", does(sandbox.settings)),
            web.patch("/settings", change_settings),
            web.post("/reset", does(sandbox.reset)),
        ]
    )
    return app


async def _options(request: web.Request) -> dict[str, Any]:
    text = await request.text()
    body = json.loads(text) if text else {}
    if not isinstance(body, dict):
        raise ValueError("the body must be a JSON object")
    return body
