"""A process that cannot outlive the one that started it, however either of them ends.

Airflow's components fork: LocalExecutor workers, one supervisor and one process per task (each in a process
group of its own), the trigger runner, the parsers of DAG files. Ending the component ends them only if it is
asked kindly and has time; after SIGKILL, or when a test run is killed, they stay.

So every component runs under a guard, this file run as a script: a tiny Python process that is the
*subreaper* of everything below it (an orphan becomes the guard's child, not init's) and that holds the
reading end of a pipe from whoever started it. When the component ends, the guard kills what the component
left behind. When the pipe closes, on purpose or because the starter is dead, the guard kills everything and
ends.

Without Linux's subreaper (macOS) the guard kills the component's process group instead.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
ON_LINUX = sys.platform == "linux"


class GuardedProcess:
    """A component under its guard.

    :param command: what to run
    :param environment: its whole environment
    :param log_file: where its output is appended
    :param working_directory: where it runs
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        log_file: Path,
        working_directory: Path,
    ) -> None:
        with log_file.open("ab") as log:
            self._guard = subprocess.Popen(
                [sys.executable, "-I", "-S", __file__, *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                cwd=working_directory,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Process id of the guard. The component and all its children are its descendants."""
        return self._guard.pid

    @property
    def exit_code(self) -> int | None:
        """Exit code of the component (128 + the signal that ended it), None while it runs."""
        return self._guard.poll()

    def send_signal(self, signal_number: int, *, whole_tree: bool = False) -> None:
        """Send a signal to the component, or to it and everything below it."""
        self._order(f"{'tree' if whole_tree else 'main'} {int(signal_number)}\n")

    def wait(self, timeout: float) -> int:
        """Wait until the component and everything it started has ended; return its exit code."""
        return self._guard.wait(timeout)

    def end(self) -> None:
        """Kill the component and everything it started, and wait until they are gone."""
        if self._guard.stdin is not None:
            self._guard.stdin.close()
        self._guard.wait()

    def _order(self, line: str) -> None:
        if self._guard.stdin is None or self._guard.stdin.closed or self.exit_code is not None:
            raise ProcessLookupError(f"process {self.pid} has ended")
        self._guard.stdin.write(line.encode())
        self._guard.stdin.flush()


def _guard(command: Sequence[str]) -> int:
    if ON_LINUX:
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    component = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=_die_with_parent if ON_LINUX else None,
    )
    threading.Thread(target=_obey, args=(component,), daemon=True).start()
    exit_code = component.wait()
    _kill_everything_below(component)
    _reap_orphans()
    return exit_code


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _obey(component: subprocess.Popen[bytes]) -> None:
    for line in sys.stdin:
        target, number = line.split()
        pids = [component.pid] if target == "main" else _descendants(component)
        _signal_all(pids, int(number))
    _kill_everything_below(component)


def _kill_everything_below(component: subprocess.Popen[bytes]) -> None:
    while pids := _descendants(component):
        _signal_all(pids, signal.SIGKILL)
        time.sleep(0.01)


def _reap_orphans() -> None:
    """Take the exit codes of what was killed, or they stay as zombies where nobody else does."""
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _signal_all(pids: Sequence[int], signal_number: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, signal_number)
        except ProcessLookupError:
            continue  # it ended by itself since it was listed


def _descendants(component: subprocess.Popen[bytes]) -> list[int]:
    """Everything that runs below this guard; without /proc, the component alone."""
    if not ON_LINUX:
        if component.poll() is None:
            os.killpg(component.pid, signal.SIGKILL)
        return []
    children: dict[int, list[int]] = {}
    zombies: set[int] = set()
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as stat:
                state, parent = stat.read().rpartition(")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended since it was listed
        children.setdefault(int(parent), []).append(int(entry))
        if state == "Z":
            zombies.add(int(entry))
    found: list[int] = []
    unvisited = [os.getpid()]
    while unvisited:
        below = children.get(unvisited.pop(), [])
        found += below
        unvisited += below
    return [pid for pid in found if pid not in zombies]


if __name__ == "__main__":
    _exit_code = _guard(sys.argv[1:])
    sys.exit(_exit_code if _exit_code >= 0 else 128 - _exit_code)
