"""Where a profiled process spent its time, by part."""

from __future__ import annotations

import pstats
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import cProfile

_SYSTEM = "the system: send, receive, watch sockets"
_REST = "the rest of Python"
#: Where code stands, and what a reader would call it; the first that fits.
_FOLDERS = {
    "/airflow_provider_imports/": "the wait itself",
    "/tests/benchmarks/": "the wait itself",
    "/airflow/": "Airflow and its http provider",
    "/asyncio/": "asyncio",
    "/selectors.py": "asyncio",
    **dict.fromkeys(("/aiohttp/", "/yarl/", "/multidict/", "/propcache/", "/aiohappyeyeballs/"), "aiohttp"),
}
_SYSTEM_CALLS = ("_socket.socket", "select.epoll")
_IDLE = "'poll' of 'select.epoll'"
PARTS = tuple(dict.fromkeys((_SYSTEM, *_FOLDERS.values(), _REST)))
Function = tuple[str, int, str]


def parts_of(profile: cProfile.Profile, reads: int) -> dict[str, float]:
    """Microseconds per read of each part; what is built in counts for whoever called it."""
    statistics_of: dict[Function, Any] = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    seconds = dict.fromkeys(PARTS, 0.0)
    for function, (_, _, own, _, callers) in statistics_of.items():
        if _IDLE in function[2]:
            continue
        if function[0] != "~" or any(word in function[2] for word in _SYSTEM_CALLS):
            shares = {_part(function): own}
        else:
            shares = {}
            for caller, (_, _, share, _) in callers.items():
                shares[_part(caller)] = shares.get(_part(caller), 0.0) + share
        for part, share in shares.items():
            seconds[part] += share
    return {part: 1e6 * spent / max(reads, 1) for part, spent in seconds.items()}


def _part(function: Function) -> str:
    file, _, name = function
    if any(word in name for word in _SYSTEM_CALLS):
        return _SYSTEM
    return next((part for folder, part in _FOLDERS.items() if folder in file), _REST)
