"""
The pytest plugin: an Airflow home of the run's own, the sandbox, the context of a task, and the conformance suite.

Load it with ``-p airflow_provider_imports.testing.plugin``, before anything imports Airflow. Every test then runs with
an Airflow home that is thrown away at the end, and no test of a coroutine may block its event loop.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import tempfile
from collections import Counter
from importlib import import_module
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

# Airflow reads these when it is first imported, so they are set before any test module is.
HOME = tempfile.mkdtemp(prefix="airflow-home-of-tests-")
atexit.register(shutil.rmtree, HOME, ignore_errors=True)

for _name in [name for name in os.environ if name.startswith(("AIRFLOW__", "AIRFLOW_CONN_", "AIRFLOW_VAR_"))]:
    del os.environ[_name]
# What a developer's machine says about proxies, certificates and passwords must not change what a test sees.
for _name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
    os.environ.pop(_name, None)
    os.environ.pop(_name.lower(), None)

os.environ["NETRC"] = os.path.join(HOME, "no-netrc")
os.environ["AIRFLOW_HOME"] = HOME
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = os.path.join(HOME, "dags")
os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = f"sqlite:///{HOME}/airflow.db"
# Airflow's configuration would show the deprecations of all modules named airflow*, ours too. Read before pytest sets
# the filters of its own configuration, it stands behind them.
import_module("airflow.configuration")

from airflow.providers.common.compat.sdk import BaseOperator  # noqa: E402

from airflow_provider_imports.counts import counted  # noqa: E402
from airflow_provider_imports.testing import blocking  # noqa: E402  # imports Airflow
from airflow_provider_imports.testing.at_relay import at_relay  # noqa: E402, F401  # a fixture
from airflow_provider_imports.testing.context import (  # noqa: E402
    TaskInstanceOfTest,
    TaskStateStoreOfTest,
    outlet_events,
)
from airflow_provider_imports.testing.roads import (  # noqa: E402, F401  # fixtures
    clock,
    live,
    long_imports,
    reach,
    sandboxes,
    session_long_imports,
)
from airflow_provider_imports.testing.suite import Each, LeftOut, Suite  # noqa: E402
from airflow_provider_imports.testing.tls import server_tls, tls_files  # noqa: E402, F401  # fixtures
from airflow_provider_imports.testing.told import log_lines, texts_of  # noqa: E402
from airflow_provider_imports.testing.ways_out import deferred, waiting  # noqa: E402, F401  # fixtures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

blocking.watch()

#: What was left out by rule: the vendor's class, and why, with the number of tests.
LEFT_OUT = pytest.StashKey[Counter[tuple[str, str, str]]]()
_NOTHING = pytest.mark.left_out_by_rule


def pytest_configure(config: pytest.Config) -> None:
    """Prepare the list of what is left out."""
    config.stash[LEFT_OUT] = Counter()
    config.addinivalue_line("markers", "left_out_by_rule: of a vendor that cannot do what the test is about")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make the tests of a conformance class: one for each value of its vendor that its rule does not leave out."""
    if metafunc.cls is None or not issubclass(metafunc.cls, Suite):
        return
    rules: list[Each] = getattr(metafunc.function, "each", [])
    for rule in rules:
        chosen = []
        for value in rule.values(metafunc.cls):
            if why := value.why if isinstance(value, LeftOut) else rule.unless(value):
                metafunc.config.stash[LEFT_OUT][(metafunc.cls.__name__, str(getattr(value, "case", value)), why)] += 1
            else:
                chosen.append(value)
        metafunc.parametrize(rule.name, chosen or [pytest.param(None, marks=_NOTHING)], ids=str)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take out the tests for which there is no value at all; they are in the list."""
    left_out = [item for item in items if item.get_closest_marker(_NOTHING.name)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """List what was left out."""
    if config.stash[LEFT_OUT]:
        terminalreporter.section("left out by rule")
        for (suite, value, why), count in sorted(config.stash[LEFT_OUT].items()):
            terminalreporter.line(f"{suite}: {value}: {counted(count, 'test')}, since {why}")


@pytest.fixture(autouse=True)
def nothing_blocks_an_event_loop() -> Iterator[None]:
    """Fail every test in which a coroutine of ours blocks its thread: in a triggerer, thousands would stand still."""
    blocking.offences.clear()
    yield
    assert not blocking.offences


@pytest.fixture(scope="session", autouse=True)
def _tasks_may_run_in_any_thread() -> None:
    """Airflow 2 lets ``execute`` be called by its task runner alone, and only knows the main thread's."""
    from airflow_provider_imports.version_compat import AIRFLOW_V_3_0_PLUS

    if not AIRFLOW_V_3_0_PLUS:
        baseoperator = import_module("airflow.models.baseoperator")
        baseoperator.ExecutorSafeguard._sentinel = SimpleNamespace(callers={})
        baseoperator.ExecutorSafeguard.test_mode = True


@pytest.fixture(scope="session")
def session_sandbox() -> Iterator[Any]:
    """The vendors' stand-in, started once. Use ``sandbox``."""
    from airflow_provider_imports.sandbox import Sandbox

    with Sandbox(port=0, run_seconds=0.2).in_thread() as sandbox:
        yield sandbox, sandbox.settings()


@pytest.fixture
def sandbox(session_sandbox: Any) -> Any:
    """The vendors' stand-in, with an empty memory and its original settings; an import takes 0.2 s."""
    running, settings = session_sandbox
    running.reset()
    running.change_settings(**settings)
    return running


@pytest.fixture
def sandbox_connections(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The sandbox, with all default connections leading to it."""
    for name, value in sandbox.connection_env().items():
        monkeypatch.setenv(name, value)
    return sandbox


@pytest.fixture
def set_connection(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Define an Airflow connection: ``set_connection("my_pigment", conn_type="pigment", password="...")``."""

    def define(conn_id: str, **fields: Any) -> str:
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(fields))
        return conn_id

    return define


@pytest.fixture
def task_state_store() -> TaskStateStoreOfTest:
    """What a task remembers from one try to the next."""
    return TaskStateStoreOfTest()


@pytest.fixture
def make_context(
    task_state_store: TaskStateStoreOfTest, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict[str, Any]]:
    """Make the context of one try, in which a test calls ``execute``; all tries share ``task_state_store``."""
    safeguard = import_module(BaseOperator.__module__).ExecutorSafeguard
    monkeypatch.setattr(safeguard, "test_mode", True)  # else Airflow warns that no task runner called it

    def make(try_number: int = 1, max_tries: int = 1, **more: Any) -> dict[str, Any]:
        return {
            "ti": TaskInstanceOfTest(try_number, max_tries),
            "task_state_store": task_state_store,
            "outlet_events": outlet_events(),
            **more,
        }

    return make


@pytest.fixture
def everything_told() -> Iterator[Callable[..., str]]:
    """All that anybody has logged in this test, together with all that is told of these objects and errors."""
    with log_lines() as lines:
        yield lambda *objects: "\n".join([*lines, *(text for one in objects for text in texts_of(one))])
