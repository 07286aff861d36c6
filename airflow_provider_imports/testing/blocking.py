"""Notice what would stall an event loop: blocking calls beneath the package's own coroutines."""

from __future__ import annotations

import inspect
import socket
import ssl
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import airflow_provider_imports

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

OURS = str(Path(airflow_provider_imports.__file__).parent)
#: The stand-in serves from a loop of its own and is not part of what waits.
NOT_OURS = f"{OURS}/sandbox"
ASYNC = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
#: Names of Python's audit events.
BLOCKING = {
    "open",
    "os.system",
    "socket.connect",
    "socket.getaddrinfo",
    "socket.gethostbyaddr",
    "socket.gethostbyname",
    "sqlite3.connect",
    "subprocess.Popen",
}
#: A module that is imported late is read once in a process's life.
MODULES = (".py", ".pyc", ".so")

offences: list[str] = []


def watch() -> None:
    """Keep :data:`offences` from now on; an audit hook stays for the life of the process."""
    sys.addaudithook(_audit)
    # Python audits neither: sleeping before 3.13, and OpenSSL reads the certificates by itself
    _guard(time, "sleep")
    _guard(ssl.SSLContext, "load_default_certs")
    _guard(ssl.SSLContext, "load_verify_locations")


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in BLOCKING:
        return
    if event == "socket.connect" and isinstance(arguments[0], socket.socket) and not arguments[0].getblocking():
        return
    if event == "open" and (not isinstance(arguments[0], str) or arguments[0].endswith(MODULES)):
        return
    _note(event, sys._getframe(1))


def _guard(owner: Any, name: str) -> None:
    original: Callable[..., Any] = getattr(owner, name)

    def guarded(*arguments: Any, **options: Any) -> Any:
        _note(name, sys._getframe(1))
        return original(*arguments, **options)

    setattr(owner, name, guarded)


def _note(what: str, frame: FrameType | None) -> None:
    while frame is not None:
        code = frame.f_code
        if code.co_flags & ASYNC and code.co_filename.startswith(OURS) and not code.co_filename.startswith(NOT_OURS):
            offences.append(f"{what} beneath {code.co_qualname}, line {frame.f_lineno}")
            return
        frame = frame.f_back
