"""What a fault makes of an answer."""

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

from airflow_provider_imports.sandbox.faults import AFTER, INSTEAD, LATE

if TYPE_CHECKING:
    from airflow_provider_imports.sandbox.faults import Fault
    from airflow_provider_imports.sandbox.stand_in import StandIn

HTML = (
    "<!DOCTYPE html>\n<html><head><title>{status}</title></head>\n"
    "<body><center><h1>{status}</h1></center><hr><center>nginx</center></body></html>\n"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Struck:
    """A request that meets a fault; ``answer`` is the vendor's, in faults that strike after the vendor acted."""

    request: web.Request
    vendor: StandIn
    fault: Fault
    answer: web.Response

    def seconds(self, default: float) -> float:
        """How long the fault lasts."""
        return default if self.fault.seconds is None else self.fault.seconds


async def bad_answer(struck: Struck) -> web.StreamResponse:
    """Return what the fault wants to be answered."""
    return await _ANSWERS[struck.fault.fault](struck)


async def _reset(struck: Struck) -> NoReturn:
    """Tear the connection down with a TCP reset."""
    transport = struck.request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    await asyncio.Event().wait()  # until the server cancels this request, as soon as the connection is lost
    raise AssertionError("nobody sets that event")


async def _timeout(struck: Struck) -> web.Response:
    await asyncio.sleep(struck.seconds(3600))
    if struck.fault.when != AFTER:
        await _reset(struck)
    return struck.answer


async def _status(struck: Struck) -> web.Response:
    fault = struck.fault
    status = fault.status or 503
    if fault.body is None:
        return web.json_response({"error": f"sandbox fault {status}"}, status=status, headers=fault.headers)
    kind = "application/json" if fault.body.startswith(("{", "[")) else "text/plain"
    return _text(status, fault.body, kind, fault)


async def _rate_limit(struck: Struck) -> web.Response:
    seconds = struck.seconds(1.0)
    answer = struck.vendor.rate_limited(struck.request, seconds)
    answer.headers.update(struck.vendor.wait_headers(seconds) if struck.fault.hints else {})
    answer.headers.update(struck.fault.headers)
    return answer


async def _html(struck: Struck) -> web.Response:
    status = struck.fault.status or 502
    return _text(status, HTML.format(status=status), "text/html", struck.fault)


def _text(status: int, text: str, kind: str, fault: Fault) -> web.Response:
    answer = web.Response(status=status, body=text.encode(), headers=fault.headers)
    answer.content_type, answer.charset = kind, "utf-8"
    return answer


async def _truncated_json(struck: Struck) -> web.Response:
    answer = struck.answer
    body = _body(answer)
    answer.body = body[: len(body) // 2]
    return answer


async def _wrong_types(struck: Struck) -> web.Response:
    answer = struck.answer
    try:
        value = json.loads(_body(answer))
    except ValueError:
        value = answer.text or ""
    answer.text, answer.content_type = json.dumps(wrong_types(value)), "application/json"
    return answer


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


async def _empty(struck: Struck) -> web.Response:
    return web.Response(status=200)


async def _slow_drip(struck: Struck) -> web.StreamResponse:
    body = _body(struck.answer)
    response = web.StreamResponse(status=struck.answer.status, headers=struck.answer.headers)
    response.content_length = len(body)
    await response.prepare(struck.request)
    with contextlib.suppress(ConnectionError):
        for byte in body:
            await response.write(bytes([byte]))
            await asyncio.sleep(struck.seconds(5.0) / len(body))
        await response.write_eof()
    return response


def _body(answer: web.Response) -> bytes:
    return answer.body if isinstance(answer.body, bytes) else b""


async def _late(struck: Struck) -> web.StreamResponse:
    shown = struck.fault.instead or INSTEAD[0]
    fault = dataclasses.replace(struck.fault, fault=shown, instead=None, when="", seconds=None, count=1)
    return await bad_answer(dataclasses.replace(struck, fault=fault))


_ANSWERS: Mapping[str, Callable[[Struck], Awaitable[web.StreamResponse]]] = {
    "reset": _reset,
    "timeout": _timeout,
    "status": _status,
    "html": _html,
    "rate_limit": _rate_limit,
    "truncated_json": _truncated_json,
    "wrong_types": _wrong_types,
    "empty": _empty,
    "slow_drip": _slow_drip,
    LATE: _late,
}
