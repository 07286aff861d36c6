"""Delivery of an answer: as it is, or the way a fault wants it."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from aiohttp import web

from airflow_provider_imports.sandbox.exchange import Answer, Received, json_answer

if TYPE_CHECKING:
    from airflow_provider_imports.sandbox.faults import Fault
    from airflow_provider_imports.sandbox.vendor import Vendor

HTML = (
    "<!DOCTYPE html>\n<html><head><title>{status}</title></head>\n"
    "<body><center><h1>{status}</h1></center><hr><center>nginx</center></body></html>\n"
)

NOT_ANSWERED = Answer(500, b"", "text/plain")
"""Stands for the vendor's answer in a fault that strikes before the vendor acts."""


@dataclasses.dataclass(slots=True)
class Delivery:
    """What a bad delivery needs to know. ``answer`` is the vendor's true answer if it has acted."""

    request: web.BaseRequest
    received: Received
    vendor: Vendor
    fault: Fault
    answer: Answer | None

    @property
    def true_answer(self) -> Answer:
        """The vendor's answer, in faults that strike after the vendor acted."""
        return self.answer or NOT_ANSWERED


def deliver(received: Received, answer: Answer) -> web.Response:
    """Deliver an answer as it is."""
    received.entry.status = answer.status
    response = web.Response(status=answer.status, body=answer.body, headers=dict(answer.headers))
    if answer.body:
        response.content_type = answer.content_type
        response.charset = "utf-8"
    return response


async def deliver_badly(delivery: Delivery) -> web.StreamResponse:
    """Deliver what the fault wants."""
    result = await _DELIVERIES[delivery.fault.fault](delivery)
    return deliver(delivery.received, result) if isinstance(result, Answer) else result


async def _reset(delivery: Delivery) -> NoReturn:
    """Tear the connection down with a TCP reset."""
    transport = delivery.request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    await _until_the_connection_is_gone()


async def _until_the_connection_is_gone() -> NoReturn:
    """Wait for the server to cancel this request, which it does as soon as the connection is lost."""
    await asyncio.Event().wait()
    raise AssertionError("nobody sets that event")


async def _timeout(delivery: Delivery) -> Answer:
    await asyncio.sleep(3600 if delivery.fault.seconds is None else delivery.fault.seconds)
    if delivery.answer is None:
        await _reset(delivery)
    return delivery.true_answer


async def _status(delivery: Delivery) -> Answer:
    fault = delivery.fault
    status = fault.status or 503
    if fault.body is not None:
        kind = "application/json" if fault.body.startswith(("{", "[")) else "text/plain"
        return Answer(status, fault.body.encode(), kind, fault.headers)
    return json_answer({"error": f"sandbox fault {status}"}, status, headers=fault.headers)


async def _rate_limit(delivery: Delivery) -> Answer:
    fault = delivery.fault
    seconds = 1.0 if fault.seconds is None else fault.seconds
    answer = delivery.vendor.rate_limited(delivery.received, seconds, fault.hints)
    return dataclasses.replace(answer, headers={**answer.headers, **fault.headers})


async def _html(delivery: Delivery) -> Answer:
    status = delivery.fault.status or 502
    return Answer(status, HTML.format(status=status).encode(), "text/html", delivery.fault.headers)


async def _truncated_json(delivery: Delivery) -> Answer:
    answer = delivery.true_answer
    return dataclasses.replace(answer, body=answer.body[: len(answer.body) // 2])


async def _wrong_types(delivery: Delivery) -> Answer:
    answer = delivery.true_answer
    try:
        value = json.loads(answer.body)
    except ValueError:
        value = answer.body.decode(errors="replace")
    return json_answer(wrong_types(value), answer.status, headers=answer.headers)


def wrong_types(value: Any) -> Any:
    """Return JSON of the same outline in which every value has another type."""
    if isinstance(value, Mapping):
        return {key: [] if isinstance(item, Mapping) else wrong_types(item) for key, item in value.items()}
    if isinstance(value, bool):
        return "perhaps"
    if isinstance(value, str):
        return 7
    if isinstance(value, int | float):
        return [value]
    return {"wrong": True} if value is None else "list"


async def _empty(delivery: Delivery) -> Answer:
    return Answer(200)


async def _slow_drip(delivery: Delivery) -> web.StreamResponse:
    answer = delivery.true_answer
    response = web.StreamResponse(status=answer.status, headers=dict(answer.headers))
    response.content_type = answer.content_type
    response.content_length = len(answer.body)
    await response.prepare(delivery.request)
    delivery.received.entry.status = answer.status
    seconds = 5.0 if delivery.fault.seconds is None else delivery.fault.seconds
    with contextlib.suppress(ConnectionError):
        for byte in answer.body:
            await response.write(bytes([byte]))
            await asyncio.sleep(seconds / len(answer.body))
        await response.write_eof()
    return response


_DELIVERIES: Mapping[str, Callable[[Delivery], Awaitable[Answer | web.StreamResponse]]] = {
    "reset": _reset,
    "timeout": _timeout,
    "status": _status,
    "html": _html,
    "rate_limit": _rate_limit,
    "truncated_json": _truncated_json,
    "wrong_types": _wrong_types,
    "empty": _empty,
    "slow_drip": _slow_drip,
}
