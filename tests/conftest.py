"""Every test run has an Airflow home of its own, thrown away at the end: no Airflow of the user's is read."""

import atexit
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import Phase, settings

from tests import blocking

# Airflow reads these when it is first imported, so they are set before any test module is.
_home = tempfile.mkdtemp(prefix="airflow-home-of-tests-")
atexit.register(shutil.rmtree, _home, ignore_errors=True)

for _name in [name for name in os.environ if name.startswith(("AIRFLOW__", "AIRFLOW_CONN_", "AIRFLOW_VAR_"))]:
    del os.environ[_name]
# What a developer's machine says about proxies, certificates and passwords must not change what a test sees.
for _name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
    os.environ.pop(_name, None)
    os.environ.pop(_name.lower(), None)

os.environ["NETRC"] = os.path.join(_home, "no-netrc")
os.environ["AIRFLOW_HOME"] = _home
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = os.path.join(_home, "dags")
os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = f"sqlite:///{_home}/airflow.db"
# Airflow's configuration would show the deprecations of all modules named airflow*, ours too. Read before pytest sets
# the filters of pyproject.toml, it stands behind them.
import_module("airflow.configuration")

blocking.watch()

settings.register_profile("few", max_examples=50, deadline=None)
# Whether a test notices a mutant must depend neither on luck nor on earlier runs, and not take a minute of shrinking.
settings.register_profile(
    "mutants", max_examples=50, deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate]
)
settings.load_profile("few")

SAMPLES = Path(__file__).parent / "samples"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep each file's tests in one process, and all that need a running Airflow: two of them are slower than one."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "tests/system" if nodeid.startswith("tests/system/") else nodeid.split("::")[0]

    return ByFile(config, log)


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
        from airflow.models.baseoperator import ExecutorSafeguard

        ExecutorSafeguard._sentinel = SimpleNamespace(callers={})
        ExecutorSafeguard.test_mode = True


@pytest.fixture(scope="session")
def airflow_database() -> None:
    """An empty, migrated metadata database for this process, as `dag.test()` needs it."""
    from tests.system.running_airflow import copy_migrated_database

    copy_migrated_database(Path(_home) / "airflow.db")


@pytest.fixture(scope="session")
def session_sandbox() -> Iterator[Any]:
    """The vendors' stand-in, started once. Use ``sandbox``."""
    from airflow_provider_imports.sandbox import Sandbox

    with Sandbox(port=0, run_seconds=0.2).in_thread() as sandbox:
        sandbox.original_settings = sandbox.settings()
        yield sandbox


@pytest.fixture
def sandbox(session_sandbox: Any) -> Any:
    """The vendors' stand-in, with an empty memory and its original settings; an import takes 0.2 s."""
    session_sandbox.reset()
    session_sandbox.change_settings(**session_sandbox.original_settings)
    return session_sandbox


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
def samples() -> Callable[[str], bytes]:
    """Read a recorded answer: ``samples("pigment/push_accepted.json")``."""
    return lambda name: (SAMPLES / name).read_bytes()


class TaskStateStoreOfTest:
    """Airflow's ``context["task_state_store"]`` for one task instance: keeps JSON, and nothing else."""

    def __init__(self) -> None:
        self.written: dict[str, str] = {}

    def get(self, key: str, default: Any = None) -> Any:
        return json.loads(self.written[key]) if key in self.written else default

    def set(self, key: str, value: Any) -> None:
        self.written[key] = json.dumps(value, allow_nan=False)

    def delete(self, key: str) -> None:
        self.written.pop(key, None)


class TaskInstanceOfTest:
    """As much of a task instance as operators and sensors use; what is pushed must be JSON."""

    def __init__(self, try_number: int = 1, max_tries: int = 1) -> None:
        self.try_number = try_number
        self.max_tries = max_tries
        self.start_date = datetime.now(UTC)
        self.dag_id, self.task_id, self.run_id, self.map_index = "a_dag", "a_task", "a_run", -1
        self.xcoms: dict[str, Any] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcoms[key] = json.loads(json.dumps(value, allow_nan=False))


@pytest.fixture
def task_state_store() -> TaskStateStoreOfTest:
    """What a task remembers from one try to the next."""
    return TaskStateStoreOfTest()


@pytest.fixture
def make_context(task_state_store: TaskStateStoreOfTest) -> Callable[..., dict[str, Any]]:
    """Make the context of one try; all tries of a test share ``task_state_store``."""

    def make(try_number: int = 1, max_tries: int = 1, **more: Any) -> dict[str, Any]:
        return {
            "ti": TaskInstanceOfTest(try_number, max_tries),
            "task_state_store": task_state_store,
            "outlet_events": _outlet_events(),
            **more,
        }

    return make


def _outlet_events() -> Mapping[Any, Any]:
    """Airflow's own asset events by outlet; before 3.2 an asset can't be the key of a dict in their place."""
    from airflow_provider_imports.version_compat import AIRFLOW_V_3_0_PLUS

    if AIRFLOW_V_3_0_PLUS:
        from airflow.sdk.execution_time.context import OutletEventAccessors
    else:
        from airflow.utils.context import OutletEventAccessors
    events: Mapping[Any, Any] = OutletEventAccessors()
    return events


@pytest.fixture
def everything_told(caplog: pytest.LogCaptureFixture) -> Callable[..., str]:
    """All that the code under test has logged, together with all that these objects and errors show of themselves."""
    import logging
    import traceback

    caplog.set_level(logging.DEBUG)

    def told(*objects: Any) -> str:
        texts = [f"{record.getMessage()} {record.args!r} {record.exc_text or ''}" for record in caplog.records]
        for one in objects:
            texts.append(f"{one!s} {one!r} {one.to_json() if hasattr(one, 'to_json') else ''}")
            if isinstance(one, BaseException):
                texts += traceback.format_exception(one)
                cause: BaseException | None = one
                while cause is not None:
                    texts.append(f"{cause!s} {cause!r} {cause.args!r} {_attributes(cause)}")
                    cause = cause.__cause__ or cause.__context__
        return "\n".join(texts)

    return told


def _attributes(error: BaseException) -> Mapping[str, Any]:
    return {name: value for name, value in vars(error).items() if isinstance(value, str | bytes | int | float)}
