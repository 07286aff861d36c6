"""From a request to the vendor it is for, through the fault that awaits it, to the journal."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from airflow_provider_imports.sandbox.control import CONTROL, Control
from airflow_provider_imports.sandbox.delivery import Delivery, deliver, deliver_badly
from airflow_provider_imports.sandbox.exchange import Received
from airflow_provider_imports.sandbox.faults import AFTER, BEFORE_BODY, Faults

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import web

    from airflow_provider_imports.sandbox.journal import Journal
    from airflow_provider_imports.sandbox.listener import Listener
    from airflow_provider_imports.sandbox.vendor import Vendor


class Dispatch:
    """Answers every request that reaches the port."""

    def __init__(self, vendors: Mapping[str, Vendor], journal: Journal, faults: Faults, control: Control) -> None:
        self._vendors = vendors
        self._journal = journal
        self._faults = faults
        self._control = control

    async def answer(self, request: web.BaseRequest, listener: Listener) -> web.StreamResponse:
        """Answer one request: ``/_sandbox/...`` is the control endpoint, ``/<vendor>/...`` a vendor's."""
        prefix, _, rest = request.rel_url.raw_path.lstrip("/").partition("/")
        if prefix == CONTROL:
            return await self._control.handle(request, rest)
        if prefix not in self._vendors:
            return self._control.no_such_vendor()
        vendor = self._vendors[prefix]
        routed = vendor.route(request.method, f"/{rest}")
        path = request.path_qs.removeprefix(f"/{prefix}")
        entry = self._journal.open(time.time(), vendor.name, routed.operation, request.method, path)
        received = Received(request, entry, routed.parameters, routed.path_known)
        try:
            return await self._answer(request, vendor, received, listener)
        except (asyncio.CancelledError, ConnectionError):
            entry.status = None  # the client went away, or was sent away
            raise

    async def _answer(
        self, request: web.BaseRequest, vendor: Vendor, received: Received, listener: Listener
    ) -> web.StreamResponse:
        fault, refusal = self._faults.meet(vendor.name, received.operation)
        struck = fault or refusal
        received.entry.fault = struck.fault if struck else None
        answer = None
        if fault is None or fault.when == AFTER:
            answer = await vendor.answer(received)
        if fault is None or fault.when != BEFORE_BODY:
            await received.drain()
        if refusal is not None:
            # The port must be closed before the client can have the answer, or its next call slips through.
            listener.refuse(refusal.seconds)
        if fault is not None:
            response = await deliver_badly(Delivery(request, received, vendor, fault, answer))
        else:
            assert answer is not None
            response = deliver(received, answer)
        if refusal is not None or (fault is not None and fault.when == BEFORE_BODY):
            response.force_close()
        return response
