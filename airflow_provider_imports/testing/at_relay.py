"""A vendor's calls, made through a relay that may spoil the answers."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_imports.testing.relay import Relay
from airflow_provider_imports.testing.roads import TIMEOUT
from airflow_provider_imports.testing.spellings import LOGIN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from airflow_provider_imports.models import ImportRun
    from airflow_provider_imports.testing.suite import Suite


def call_names(suite: type[Suite]) -> list[str]:
    """Every call of a vendor that a task may make."""
    names = [f"start: {start}" for start in suite.starts]
    names += ["status"] if any(start.waits for start in suite.starts) else []
    names += ["cancel"] if suite.cancels() else []
    return [*names, "connection test", *suite.calls]


class AtRelay:
    """
    A vendor's hook whose calls go through a relay to its stand-in.

    :param run: an import that runs at the stand-in
    :param connections: names of the variables with the vendor's connections
    """

    def __init__(
        self, suite: type[Suite], relay: Relay, run: ImportRun, folder: Path, connections: Sequence[str]
    ) -> None:
        self.suite, self.relay, self.run, self.folder, self.connections = suite, relay, run, folder, connections
        self.hook = self.new_hook()
        login = self.hook.login_call(self.hook.client.settings)
        relay.login_path = None if login is None else login.path
        self.hook.client.authenticate()
        relay.answers.clear()
        for name in ("status", "connection test"):
            if name in call_names(suite):
                self.call(name)
        #: Good answers of the stand-in, those to the status first.
        self.answers = list(relay.answers)

    def new_hook(self) -> Any:
        """A hook that sends each call once; how it repeats is tested elsewhere."""
        hook: Any = self.suite.hook_class()()
        hook.run_flow = lambda flow, patience=0.0: type(hook).run_flow(hook, flow, 0.0)
        return hook

    def change_password(self, password: str) -> None:
        """Go on as :data:`LOGIN` with a password that the stand-in does not know; a log-in is answered as before."""
        for name in self.connections:
            known = json.loads(os.environ[name])
            login = LOGIN if known.get("login") else ""
            os.environ[name] = json.dumps({**known, "login": login, "password": password})
        self.hook.close()
        self.hook = self.new_hook()
        self.hook.client.authenticate()

    def call(self, name: str) -> object:
        """Make one of :func:`call_names`."""
        if name == "status":
            return self.hook.get_status(self.run)
        if name == "cancel":
            return self.hook.cancel(self.run)
        if name == "connection test":
            return self.hook.test_connection()
        if name in self.suite.calls:
            return self.suite.calls[name](self.hook)
        (start,) = (one for one in self.suite.starts if f"start: {one}" == name)
        operator = start.make(self.folder)
        operator.check()
        operator.prepare()
        return operator.start(self.hook)


@pytest.fixture
def at_relay(
    request: pytest.FixtureRequest,
    long_imports: Any,
    make_context: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[AtRelay]:
    """The vendor's calls, at a relay before its stand-in."""
    suite: type[Suite] = request.cls
    run = suite.starts[0].begin(tmp_path, make_context(task_state_store=None))
    relay = Relay(f"{long_imports.url}/{suite.vendor()}")
    found = {name: json.loads(os.environ[name]) for name in long_imports.connection_env()}
    connections = {name: one for name, one in found.items() if one["conn_type"] == suite.vendor()}
    for name, one in connections.items():
        extra = {**one["extra"], "timeout": 3 * TIMEOUT}
        monkeypatch.setenv(name, json.dumps({**one, "host": relay.url, "extra": extra}))
    with relay.server:
        at = AtRelay(suite, relay, run, tmp_path, list(connections))
        yield at
        at.hook.close()
