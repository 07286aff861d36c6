"""Only one task of this machine at a time looks whether a slot is free and starts in it; and who started last."""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from airflow_provider_imports.exceptions import ImportTimeoutError

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger(__name__)

_TICK = 0.1


@contextmanager
def slot_lock(name: str, deadline: float) -> Iterator[None]:
    """
    Keep everybody else on this machine out while a slot is looked at and a start is sent.

    Two tasks that look at the same moment would both find the slot free, and the second start would kill the first
    import. A lock of the operating system prevents that between the processes of one machine, and is gone with the
    process that holds it. Between machines only a pool of Airflow can.

    :param name: what the door leads to: vendor, address and slot
    :param deadline: epoch seconds
    :raises ImportTimeoutError: if others hold it until the deadline
    """
    with ExitStack() as stack:
        try:
            file = stack.enter_context(_open(name))
        except OSError as error:
            log.info("Starts on this machine don't wait for each other, since no lock can be made: %s", error)
        else:
            _lock(file, deadline)
        yield


def claim(name: str, started: str, by: str) -> None:
    """
    Note who started what was started last behind a door; call it inside.

    A vendor that shows one import and not whose it is would else let a task whose start was cut off take the next
    task's import for its own.

    :param started: the import, as the vendor names it
    :param by: the task
    """
    try:
        path = _path(name, "claim")
        new = path.with_suffix(f".{os.getpid()}")
        new.write_text(json.dumps([started, by]))
        new.replace(path)
    except OSError as error:
        log.debug("No task on this machine knows whose import %s is: %s", started, error)


def claimed_by(name: str, started: str) -> str | None:
    """Say which task of this machine started this; None if that is not known."""
    try:
        last, by = json.loads(_path(name, "claim").read_text())
    except (OSError, ValueError, TypeError):
        return None
    return str(by) if last == started else None


def _open(name: str) -> IO[str]:
    return _path(name, "lock").open("a")


def _path(name: str, suffix: str) -> Path:
    folder = Path(tempfile.gettempdir()) / f"airflow-provider-imports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise OSError(f"{folder} belongs to another user")
    return folder / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.{suffix}"


def _lock(file: IO[str], deadline: float) -> None:
    told = False
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.time() >= deadline:
                raise ImportTimeoutError(
                    "Another task of this machine was starting an import in the same place until the deadline "
                    "(timeout). Nothing was sent; a retry is safe."
                ) from None
        else:
            return
        if not told:
            told = True
            log.info("Another task of this machine is starting an import in the same place; waiting for it")
        time.sleep(_TICK)
