"""How long the event loop is held at one go, whatever a vendor answers."""

from __future__ import annotations

import asyncio
import gc
import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow_provider_imports.exceptions import VendorImportError
from airflow_provider_imports.manifest import manifest
from airflow_provider_imports.polling import Ending, Outcome
from airflow_provider_imports.progress_log import ProgressLog
from airflow_provider_imports.report import look_failed
from airflow_provider_imports.trigger_event import Event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_imports.hooks.base import ImportHook
    from airflow_provider_imports.models import ImportRun

#: Seconds that :func:`slowness` measures on a quiet machine.
_QUIET = 0.005


class Watch:
    """The longest step of an event loop: seconds of its own thread's processor time, so that a busy machine counts."""

    def __init__(self) -> None:
        self.longest = 0.0


@contextmanager
def watched() -> Iterator[Watch]:
    """Measure every step of the event loops that run meanwhile."""
    watch = Watch()
    run = asyncio.Handle._run
    gc.disable()  # a collection of all that the tests hold is none of an answer's

    def timed(handle: asyncio.Handle) -> None:
        began = time.thread_time()
        run(handle)
        watch.longest = max(watch.longest, time.thread_time() - began)

    asyncio.Handle._run = timed  # type: ignore[assignment, method-assign]  # the loop calls it for each of its steps
    try:
        yield watch
    finally:
        asyncio.Handle._run = run  # type: ignore[method-assign]
        gc.enable()


def slowness() -> float:
    """How many times longer this processor takes at present than one does that nothing else uses; at least once."""
    text = json.dumps([1.5] * 20_000 + ["abcdefgh %41"] * 20_000)
    took = []
    for _ in range(5):
        began = time.thread_time()
        json.loads(text)
        took.append(time.thread_time() - began)
    return max(1.0, min(took) / _QUIET)


async def look(hook: ImportHook, run: ImportRun) -> str:
    """Look at a run once and tell what was seen, as a trigger does."""
    news = ProgressLog()
    try:
        status = await hook.aget_status(run)
    except VendorImportError as error:
        failed = look_failed(error)
        ending = Ending(Outcome.UNREACHABLE, None, failed.error, failed.message)
        said = news.of_trouble(failed.trouble, failed.error, failed.message, 0.0)
    else:
        ending = Ending(Outcome.TIMED_OUT, status, message=status.message)
        said = news.of(status, 0.0)
        json.dumps(manifest(run, status), allow_nan=False)
    event = json.dumps(Event(ending, 0.0, run).to_json(), allow_nan=False)
    return f"{said} {event}"
