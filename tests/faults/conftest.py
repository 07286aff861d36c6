"""The sandbox, its connections and waits, quick enough for a thousand cells."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults.matrix import TIMEOUT
from tests.faults.task_life import TaskLife

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.faults.cases import Case


@pytest.fixture
def impatient(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The sandbox, with quick imports, short waits, and connections that give up soon."""
    sandbox.change_settings(run_seconds=0.1, **WITHOUT_LIMITS)
    hurry(sandbox, monkeypatch)
    return sandbox


@pytest.fixture(scope="session")
def clock() -> MovableClock:
    """The time of the sandbox ``long_imports``."""
    return MovableClock()


@pytest.fixture(scope="session")
def session_long_imports(clock: MovableClock) -> Iterator[Any]:
    """A sandbox whose imports take ten minutes of ``clock``. Use ``long_imports``."""
    from airflow_provider_imports.sandbox import Sandbox

    with Sandbox(run_seconds=600, clock=clock).in_thread() as sandbox:
        sandbox.change_settings(**WITHOUT_LIMITS)
        yield sandbox


@pytest.fixture
def long_imports(session_long_imports: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A sandbox whose imports do not end while a test looks, unless it moves ``clock``."""
    session_long_imports.reset()
    hurry(session_long_imports, monkeypatch)
    return session_long_imports


WITHOUT_LIMITS = {
    "pigment": {"requests_per_window": None, "pushes_per_hour": None},
    "rocketchat": {"calls_per_window": None, "pending_files": 30, "broken_files": 1},
}


class MovableClock:
    """The wall clock, and what it was moved forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead

    def end_all_imports(self) -> None:
        """Move beyond the end of every import that runs."""
        self.ahead += 601


def hurry(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all connections lead to a sandbox, and all waits of ours be short."""
    for name, value in sandbox.connection_env().items():
        connection = json.loads(value)
        extra = connection.get("extra") or {}
        extra = json.loads(extra) if isinstance(extra, str) else extra
        connection["extra"] = {**extra, "timeout": TIMEOUT, "requests_per_minute": 100_000}
        monkeypatch.setenv(name, json.dumps(connection))
    from airflow_provider_imports.hooks.base import ImportHook
    from airflow_provider_imports.hooks.pigment import PigmentHook
    from airflow_provider_imports.hooks.rocketchat import calls as rocketchat_calls
    from airflow_provider_imports.http import retry
    from airflow_provider_imports.operators import unclear_start

    monkeypatch.setattr(retry, "FIRST_BACKOFF", 0.1)
    monkeypatch.setattr(retry, "LONGEST_BACKOFF", 0.1)
    monkeypatch.setattr(retry, "LONGEST_ASKED_WAIT", 0.2)
    monkeypatch.setattr(rocketchat_calls, "LOOK_AGAIN_SECONDS", 0.05)
    monkeypatch.setattr(unclear_start, "FIND_OUT_INTERVAL", 0.05)
    monkeypatch.setattr(ImportHook, "longest_start", 0.2)
    for hook in (ImportHook, PigmentHook):
        monkeypatch.setattr(hook, "rate_limit_wait", lambda self, answer, now: 0.1)


@pytest.fixture
def live(make_context: Callable[..., dict[str, Any]], tmp_path: Any) -> Callable[..., TaskLife]:
    """Lead the life of a task that starts an import."""

    def lead(case: Case, **options: Any) -> TaskLife:
        if not case.waits:
            options.pop("deferrable", None)
        return TaskLife(lambda: case.make(tmp_path, **options), make_context)

    return lead
