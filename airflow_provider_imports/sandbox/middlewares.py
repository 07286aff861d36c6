"""The web application: around every vendor's calls, the journal and the faults."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

from airflow_provider_imports.sandbox.control import control_app
from airflow_provider_imports.sandbox.fault_answers import Struck, bad_answer
from airflow_provider_imports.sandbox.faults import AFTER, BEFORE_BODY, LATE
from airflow_provider_imports.sandbox.journal import ENTRY
from airflow_provider_imports.sandbox.stand_in import keep_body, operation_of, read_body

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp.typedefs import Handler, Middleware

    from airflow_provider_imports.sandbox.app import Sandbox
    from airflow_provider_imports.sandbox.faults import Faults
    from airflow_provider_imports.sandbox.journal import Journal
    from airflow_provider_imports.sandbox.stand_in import StandIn


def sandbox_app(
    sandbox: Sandbox, journal: Journal, faults: Faults, refuse: Callable[[float | None], None]
) -> web.Application:
    """
    Make the application: ``/_sandbox/...`` is the control endpoint, ``/<vendor>/...`` a vendor's.

    :param refuse: closes the port for so many seconds.
    """

    async def no_such_vendor(request: web.Request) -> web.Response:
        known = ", ".join(sandbox.vendors)
        return web.json_response({"error": f"no such vendor; here are: {known}"}, status=404)

    app = web.Application()
    app.add_subapp("/_sandbox", control_app(sandbox))
    for name, vendor in sandbox.vendors.items():
        app.add_subapp(f"/{name}", _vendor_app(vendor, journal, faults, refuse))
    app.router.add_route("*", "/{path:.*}", no_such_vendor)
    return app


def _vendor_app(
    vendor: StandIn, journal: Journal, faults: Faults, refuse: Callable[[float | None], None]
) -> web.Application:
    @web.middleware
    async def as_the_vendor(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await vendor.answer(request, handler)

    app = web.Application(
        middlewares=[_journaled(vendor, journal), _with_faults(vendor, faults, refuse), as_the_vendor]
    )
    app.on_response_prepare.append(_answered)
    for route in vendor.routes():
        # Not by the route itself: it would answer HEAD, too, and "Expect: 100-continue" before a fault can strike.
        app.router.add_route(route.method, route.path, route.handler, expect_handler=_when_the_body_is_read)
    return app


async def _when_the_body_is_read(request: web.Request) -> None:
    """Leave ``Expect: 100-continue`` for :func:`~airflow_provider_imports.sandbox.stand_in.chunks` to answer."""


async def _answered(request: web.Request, response: web.StreamResponse) -> None:
    request[ENTRY].status = response.status


def _journaled(vendor: StandIn, journal: Journal) -> Middleware:
    @web.middleware
    async def journaled(request: web.Request, handler: Handler) -> web.StreamResponse:
        path = request.path_qs.removeprefix(f"/{vendor.name}")
        entry = request[ENTRY] = journal.open(vendor.name, operation_of(request), request.method, path)
        try:
            return await handler(request)
        except (asyncio.CancelledError, ConnectionError):
            entry.status = None  # the client went away, or was sent away
            raise

    return journaled


def _with_faults(vendor: StandIn, faults: Faults, refuse: Callable[[float | None], None]) -> Middleware:
    @web.middleware
    async def with_faults(request: web.Request, handler: Handler) -> web.StreamResponse:
        entry = request[ENTRY]
        fault, refusal = faults.meet(vendor.name, entry.operation)
        struck = fault or refusal
        entry.fault = struck.fault if struck else None
        answer = None
        if fault is None or fault.when == AFTER:
            answer = await handler(request)
        if fault is not None and fault.when == LATE:
            await keep_body(request)
            faults.act_later(lambda: handler(request), 0.5 if fault.seconds is None else fault.seconds)
        elif fault is None or fault.when != BEFORE_BODY:
            await read_body(request)  # so that the client is listening when it is answered
        if refusal is not None:
            # The port must be closed before the client can have the answer, or its next call slips through.
            refuse(refusal.seconds)
        response = answer
        if fault is not None:
            true_answer = answer if isinstance(answer, web.Response) else web.Response(status=500)
            response = await bad_answer(Struck(request, vendor, fault, true_answer))
        assert response is not None
        if refusal is not None or (fault is not None and fault.when == BEFORE_BODY):
            response.force_close()
        return response

    return with_faults
