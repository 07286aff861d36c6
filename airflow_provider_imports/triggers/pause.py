"""A trigger that only waits: for an operator that asks a busy vendor again later."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class PauseTrigger(BaseTrigger):
    """
    Wait until a moment; a restarted or moved trigger ends when the first one would have.

    :param moment: epoch seconds
    """

    def __init__(self, *, moment: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._moment = moment

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Class path and arguments, from which any triggerer can go on."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {"moment": self._moment}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and yield one event."""
        await asyncio.sleep(max(0.0, self._moment - time.time()))
        yield TriggerEvent({"moment": self._moment})  # type: ignore[no-untyped-call]
