"""Where a process spends its processor time, by part: a look at its stack every few milliseconds that it used."""

from __future__ import annotations

import signal
from collections import Counter
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import FrameType

#: Seconds of processor time between two looks; a kernel may round this up.
EVERY = 0.001
#: Packages, and what a reader would call them.
_PACKAGES = {
    **dict.fromkeys(("airflow_provider_imports", "tests", "__main__"), "the wait itself"),
    "airflow": "Airflow and its http provider",
    **dict.fromkeys(("asyncio", "selectors"), "asyncio, and the system that it calls"),
    **dict.fromkeys(("aiohttp", "yarl", "multidict", "propcache", "aiohappyeyeballs"), "aiohttp"),
}
_REST = "the rest"
PARTS = tuple(dict.fromkeys((*_PACKAGES.values(), _REST)))


class Sampler:
    """Count where the main thread is, within the context. Unlike a tracing profiler, it makes no call dearer."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def __enter__(self) -> Self:
        signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY)
        return self

    def __exit__(self, *exc: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)

    def shares(self) -> dict[str, float]:
        """Each part's share of all looks; what the standard library does counts for whoever called it."""
        return {part: self._seen[part] / max(self._seen.total(), 1) for part in PARTS}

    def _look(self, signal_number: int, frame: FrameType | None) -> None:
        self._seen[_part(frame)] += 1


def _part(frame: FrameType | None) -> str:
    while frame is not None:
        package = frame.f_globals.get("__name__", "").partition(".")[0]
        if package in _PACKAGES:
            return _PACKAGES[package]
        frame = frame.f_back
    return _REST
