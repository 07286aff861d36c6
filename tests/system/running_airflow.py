"""A real Airflow for a test, the demo, a benchmark: its four components as processes, ended for certain.

    with RunningAirflow(Path("example_dags"), {"AIRFLOW_CONN_PIGMENT_DEFAULT": "..."}) as airflow:
        airflow.wait_until_ready()
        run_id = airflow.trigger("pigment_push_csv", conf={"file_path": "/data/plan.csv"})
        assert airflow.wait_for_run("pigment_push_csv", run_id, timeout=60) == "success"

It is the Airflow of the running interpreter's environment (3.0 or later): a migrated SQLite database, DAG
processor, scheduler with LocalExecutor, triggerer, API server; a home folder of its own that is removed at
the end. Everything is asked of it through its public REST API, as a user's script would (a CLI call costs
2-4 s).

Nothing outlives it (see `guarded_process`). Every socket it listens on is on 127.0.0.1: the API server is
told so, and the log servers of scheduler and triggerer, which cannot be told (they bind every address), are
left out; the API server reads the logs from the same disk instead.

What costs what, on 2 cores, Airflow 3.3.2, Python 3.11:

- 4 s once per environment: `airflow db migrate` (then a file is copied).
- 9 s: the four components import Airflow at the same time; all of it is processor time (API server 7 s, the
  others 3.5 s each).
- 4 s: trigger to end of the very first task (first use of everything), 0.7 s from the second on.
- 1.5 s: a task is deferred until its trigger runs, and 1.2 s from its event until the task runs again: the
  triggerer looks once a second, which cannot be set.
- 0.2 s: the end. Everything is killed, since the database is thrown away.
- 1.5 GB resident (much of it shared between forks); an idle one takes a seventh of a core.
- Twice to four times all that where PYTHONDONTWRITEBYTECODE is set: it is dropped here.
"""

from __future__ import annotations

import configparser
import importlib.metadata
import os
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import psutil
import requests

from tests.system.guarded_process import GuardedProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

T = TypeVar("T")

LOOPBACK = "127.0.0.1"
HOME_PREFIX = "running-airflow-"
POLL_SECONDS = 0.2
#: Seconds for one answer of the API server, which waits for SQLite up to 30 of them.
REQUEST_TIMEOUT = 120
MOST_REPEATS = 20
FINAL_RUN_STATES = frozenset({"success", "failed"})
COMPONENTS = ("api-server", "scheduler", "triggerer", "dag-processor")


class AirflowComponentError(RuntimeError):
    """A component of the running Airflow ended by itself; the message holds the end of its log."""


class RunningAirflow:
    """Context manager around a whole Airflow.

    :param dags_folder: folder with the DAG files
    :param connections: `AIRFLOW_CONN_*` variables for all components
    :param environment: further environment variables for all components, e.g. `AIRFLOW_VAR_*`
    :param config: Airflow options that differ from ours, as `{"section.option": "value"}`
    :param home: a folder to use as AIRFLOW_HOME and to keep; if None, a temporary one, removed at the end
    :param components: what to start; a name may carry a number, to have several of a kind: `triggerer-2`
    """

    def __init__(
        self,
        dags_folder: Path,
        connections: Mapping[str, str] | None = None,
        *,
        environment: Mapping[str, str] | None = None,
        config: Mapping[str, str] | None = None,
        home: Path | None = None,
        components: Sequence[str] = COMPONENTS,
    ) -> None:
        self.dags_folder = dags_folder.resolve()
        self.components = tuple(components)
        self.url = f"http://{LOOPBACK}:{free_port()}"
        self._keep_home = home is not None
        self.home = home.resolve() if home is not None else temporary_folder(HOME_PREFIX)
        self._config = dict(config or {})
        self._environment = {**dict(environment or {}), **dict(connections or {})}
        self._processes: dict[str, GuardedProcess] = {}
        self._session = requests.Session()
        self._session.trust_env = False

    # Life and death

    def __enter__(self) -> Self:
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            self._write_config()
            self._migrate_database()
            for name in self.components:
                self.start(name)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """End every process and remove the home folder if it was a temporary one."""
        for process in self._processes.values():
            process.end()
        self._processes.clear()
        self._session.close()
        if not self._keep_home:
            shutil.rmtree(self.home, ignore_errors=True)

    def start(self, name: str) -> None:
        """Start one component, again if it was killed."""
        self._processes[name] = GuardedProcess(
            [sys.executable, "-m", "airflow", *_arguments(name, self.url)],
            environment=self._component_environment(),
            log_file=self.log_file(name),
            working_directory=self.home,
        )

    def kill(self, name: str, signal_number: int = signal.SIGKILL, *, timeout: float = 60) -> None:
        """Send a signal that ends a component, and wait until it and everything it started has ended."""
        self._processes[name].send_signal(signal_number)
        self._processes[name].wait(timeout)

    def pause(self, name: str) -> None:
        """Stop a component and its children where they stand (SIGSTOP), as a frozen machine would."""
        self._processes[name].send_signal(signal.SIGSTOP, whole_tree=True)

    def resume(self, name: str) -> None:
        """Let a paused component go on."""
        self._processes[name].send_signal(signal.SIGCONT, whole_tree=True)

    def wait_until_ready(self, timeout: float = 120) -> None:
        """Wait until every component reports itself healthy."""
        self.wait_for(lambda: self._is_healthy() or None, timeout, "Airflow to become healthy")

    # What runs

    def log_file(self, name: str) -> Path:
        """Output of a component."""
        return self.home / f"{name}.log"

    def processes(self, name: str | None = None) -> list[psutil.Process]:
        """Every running process of this Airflow, or of one component of it, guards included."""
        guards = self._processes.values() if name is None else [self._processes[name]]
        found: list[psutil.Process] = []
        for guard in guards:
            try:
                process = psutil.Process(guard.pid)
                found += [process, *process.children(recursive=True)]
            except psutil.NoSuchProcess:
                continue  # this component was killed
        return found

    def listening_addresses(self) -> set[tuple[str, int]]:
        """Address and port of every TCP socket that a process of this Airflow listens on."""
        addresses: set[tuple[str, int]] = set()
        for process in self.processes():
            try:
                connections = process.net_connections(kind="inet")
            except psutil.NoSuchProcess:
                continue  # a task that has just ended
            addresses |= {(c.laddr.ip, c.laddr.port) for c in connections if c.status == psutil.CONN_LISTEN}
        return addresses

    # DAGs and runs

    def wait_for_dag(self, dag_id: str, timeout: float = 60) -> None:
        """Wait until the DAG processor has read the DAG; a file that cannot be imported ends the wait."""

        def look() -> Any:
            dag = self._get_or_none(f"dags/{dag_id}")
            if dag is None and (errors := self.import_errors()):
                raise ImportError("\n".join([f"DAG {dag_id!r} is not there", *errors.values()]))
            return dag

        self.wait_for(look, timeout, f"DAG {dag_id!r} to be read")

    def import_errors(self) -> dict[str, str]:
        """Stack trace of each DAG file that could not be read."""
        errors = self.api("GET", "importErrors")["import_errors"]
        return {error["filename"]: error["stack_trace"] for error in errors}

    def unpause(self, dag_id: str) -> None:
        """Let the DAG's runs be scheduled; waits until the DAG is known."""
        self.wait_for_dag(dag_id)
        self.api("PATCH", f"dags/{dag_id}", json={"is_paused": False})

    def trigger(self, dag_id: str, conf: Mapping[str, Any] | None = None, run_id: str | None = None) -> str:
        """Start a run of the DAG (unpausing it) and return its run_id."""
        self.unpause(dag_id)
        body: dict[str, Any] = {"logical_date": None, "conf": dict(conf or {})}
        if run_id is not None:
            body["dag_run_id"] = run_id
        return str(self.api("POST", f"dags/{dag_id}/dagRuns", json=body)["dag_run_id"])

    def create_pool(self, name: str, slots: int, *, include_deferred: bool = False) -> None:
        """Create a pool; one that includes deferred tasks limits what runs at the vendors."""
        self.api("POST", "pools", json={"name": name, "slots": slots, "include_deferred": include_deferred})

    def run_ids(self, dag_id: str) -> list[str]:
        """Runs of a DAG, the newest last: also those that a schedule or an asset event made."""
        runs = self.api("GET", f"dags/{dag_id}/dagRuns", params={"order_by": "run_after"})["dag_runs"]
        return [run["dag_run_id"] for run in runs]

    def run_state(self, dag_id: str, run_id: str) -> str:
        """State of a run: `queued`, `running`, `success`, `failed`."""
        return str(self.api("GET", f"dags/{dag_id}/dagRuns/{run_id}")["state"])

    def wait_for_run(self, dag_id: str, run_id: str, timeout: float = 120) -> str:
        """Wait until a run has ended and return its state."""

        def final_state() -> str | None:
            state = self.run_state(dag_id, run_id)
            return state if state in FINAL_RUN_STATES else None

        return self.wait_for(final_state, timeout, f"run {run_id!r} of {dag_id!r} to end")

    def wait_for_task(self, dag_id: str, run_id: str, task_id: str, state: str, timeout: float = 60) -> None:
        """Wait until a task is in a state, e.g. `deferred`."""

        def reached() -> bool | None:
            return self.task_states(dag_id, run_id).get(task_id) == state or None

        self.wait_for(reached, timeout, f"task {task_id!r} of {dag_id!r} to be {state!r}")

    def wait_for_deferral(self, dag_id: str, run_id: str, task_id: str, timeout: float = 60, *, times: int = 1) -> None:
        """
        Wait until a task waits in the triggerer, and the scheduler knows: Airflow fails one that goes on before.

        :param times: how often it has deferred, or ended, by then
        """
        known = f"TaskInstance Finished: dag_id={dag_id}, task_id={task_id}, run_id={run_id}, "
        log_file = self.log_file("scheduler")

        def it_knows() -> bool | None:
            return log_file.read_text().count(known) >= times or None

        self.wait_for(it_knows, timeout, f"the scheduler to see {task_id!r} defer")
        self.wait_for_task(dag_id, run_id, task_id, "deferred", timeout)

    # Tasks

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """All task instances of a run, as the REST API tells them: a hundred at a time."""
        path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances"
        found: list[dict[str, Any]] = []
        while True:
            page = self.api("GET", path, params={"limit": 100, "offset": len(found), "order_by": "id"})
            found += page["task_instances"]
            if not page["task_instances"] or len(found) >= page["total_entries"]:
                return found

    def task_states(self, dag_id: str, run_id: str) -> dict[str, str | None]:
        """State of each task of a run; a mapped task appears as `task_id[map_index]`."""
        return {_task_name(ti): ti["state"] for ti in self.task_instances(dag_id, run_id)}

    def task_log(
        self, dag_id: str, run_id: str, task_id: str, try_number: int | None = None, *, map_index: int = -1
    ) -> str:
        """Log of one try, else of the newest: a line per message, structured details appended as `name=value`."""
        if try_number is None:
            this = (task_id, map_index)
            found = (one for one in self.task_instances(dag_id, run_id) if (one["task_id"], one["map_index"]) == this)
            try_number = int(next(found)["try_number"])
        log = self.log_if_any(dag_id, run_id, task_id, try_number, map_index=map_index)
        if log is None:
            tries = [(one["task_id"], one["try_number"], one["state"]) for one in self.task_instances(dag_id, run_id)]
            raise LookupError(f"no try {try_number} of {task_id!r}; tasks, tries and states: {tries}")
        return log

    def log_if_any(self, dag_id: str, run_id: str, task_id: str, try_number: int, *, map_index: int = -1) -> str | None:
        """Log of one try; None if there is no such try, also if its start failed and Airflow tried again."""
        path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{try_number}"
        found = self._get_or_none(path, params={"full_content": "true", "map_index": map_index})
        return None if found is None else "\n".join(_log_line(entry) for entry in found["content"])

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str = "return_value", *, map_index: int = -1) -> Any:
        """A task's XCom value, None if there is none."""
        path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/{key}"
        entry = self._get_or_none(path, params={"map_index": map_index, "stringify": "false"})
        return None if entry is None else entry["value"]

    def clear_task(self, dag_id: str, run_id: str, task_id: str) -> None:
        """Clear a task, and nothing around it, as the button in the UI does; its run goes on."""
        body = {
            "dry_run": False,
            "dag_run_id": run_id,
            "task_ids": [task_id],
            "only_failed": False,
            "reset_dag_runs": True,
        }
        self.api("POST", f"dags/{dag_id}/clearTaskInstances", json=body)

    def set_task_state(self, dag_id: str, run_id: str, task_id: str, state: str) -> None:
        """Mark a task `success`, `failed` or `skipped`, as the button in the UI does."""
        path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}"
        self.api("PATCH", path, json={"new_state": state})

    # REST

    def api(self, method: str, path: str, **kwargs: Any) -> Any:
        """
        One call of the REST API; `path` is relative to `/api/v2/`. Raises on any error status.

        SQLite refuses a write at once if somebody else has written since its transaction began. What was refused is
        rolled back, and sent again.
        """
        response = self._request(method, path, **kwargs)
        for _ in range(MOST_REPEATS):
            if response.status_code != requests.codes.server_error or "Database error" not in response.text:
                break
            time.sleep(POLL_SECONDS)
            response = self._request(method, path, **kwargs)
        if not response.ok:
            raise requests.HTTPError(f"{method} {path}: {response.status_code} {response.text}", response=response)
        return response.json() if response.content else None

    def _get_or_none(self, path: str, **kwargs: Any) -> Any:
        try:
            return self.api("GET", path, **kwargs)
        except requests.HTTPError as error:
            if error.response is not None and error.response.status_code == requests.codes.not_found:
                return None
            raise

    def _request(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        if "Authorization" not in self._session.headers:
            token = self._session.get(f"{self.url}/auth/token", timeout=REQUEST_TIMEOUT)
            token.raise_for_status()
            self._session.headers["Authorization"] = f"Bearer {token.json()['access_token']}"
        return self._session.request(method, f"{self.url}/api/v2/{path}", timeout=REQUEST_TIMEOUT, **kwargs)

    def _is_healthy(self) -> bool:
        try:
            health = self.api("GET", "monitor/health")
        except requests.ConnectionError:
            return False  # the API server does not listen yet
        return all(health[part]["status"] == "healthy" for part in ("scheduler", "triggerer", "dag_processor"))

    def wait_for(self, look: Callable[[], T | None], timeout: float, what: str, *, every: float = POLL_SECONDS) -> T:
        """Wait until ``look`` finds something; a component that ends by itself ends the wait."""
        deadline = time.monotonic() + timeout
        while (found := look()) is None:
            self._raise_if_a_component_ended()
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited {timeout:g} s for {what}; component logs are in {self.home}")
            time.sleep(every)
        return found

    def _raise_if_a_component_ended(self) -> None:
        for name, process in self._processes.items():
            exit_code = process.exit_code
            if exit_code is not None and exit_code < 128:
                last_lines = self.log_file(name).read_text(errors="replace").splitlines()[-30:]
                raise AirflowComponentError("\n".join([f"{name} ended with exit code {exit_code}:", *last_lines]))

    # Settings

    def _migrate_database(self) -> None:
        copy_migrated_database(self.home / "airflow.db")

    def _component_environment(self) -> dict[str, str]:
        return {**_clean_environment(), "AIRFLOW_HOME": str(self.home), **self._environment}

    def _write_config(self) -> None:
        config = configparser.RawConfigParser()
        for name, value in {**self._defaults(), **self._config}.items():
            section, _, option = name.partition(".")
            if not config.has_section(section):
                config.add_section(section)
            config.set(section, option, value.replace("%", "%%"))
        with (self.home / "airflow.cfg").open("w") as file:
            config.write(file)

    def _defaults(self) -> dict[str, str]:
        return {
            "core.dags_folder": str(self.dags_folder),
            "core.load_examples": "False",
            "core.executor": "LocalExecutor",
            # LocalExecutor forks this many workers when it starts.
            "core.parallelism": "4",
            "core.mp_start_method": "fork",
            "core.simple_auth_manager_all_admins": "True",
            # An example names no delay, and what fails on a busy machine need not wait for five minutes.
            "core.default_task_retry_delay": "5",
            "core.fernet_key": _fernet_key(),
            "core.execution_api_server_url": f"{self.url}/execution/",
            # The default asks the name service, which may take seconds on a machine without a network.
            "core.hostname_callable": "socket.gethostname",
            # A writer waits for another one up to 30 s, not 5. Airflow itself switches SQLite to WAL.
            "database.sql_alchemy_conn": f"sqlite:///{self.home}/airflow.db?timeout=30",
            "logging.base_log_folder": str(self.home / "logs"),
            "logging.colored_console_log": "False",
            # Nobody listens there; keeps the API server from asking some other Airflow of this machine.
            "logging.worker_log_server_port": "9",
            "logging.trigger_log_server_port": "9",
            "api.base_url": self.url,
            "api.secret_key": secrets.token_urlsafe(64),
            "api.workers": "1",
            "api_auth.jwt_secret": secrets.token_urlsafe(64),
            "scheduler.scheduler_idle_sleep_time": "0.5",
            "scheduler.trigger_timeout_check_interval": "2",
            "scheduler.task_instance_heartbeat_timeout": "60",
            # How soon a running task learns that a user ended it.
            "workers.min_heartbeat_interval": "2",
            # The first answers of an API server on a busy machine take longer than 5 s; a task whose start goes
            # unanswered fails, and is tried again only after its retry_delay.
            "workers.execution_api_timeout": "120",
            # A file that changed is read at once; the others would be read again all the time.
            "dag_processor.min_file_process_interval": "3600",
            "dag_processor.refresh_interval": "5",
            "dag_processor.bundle_refresh_check_interval": "1",
            "dag_processor.parsing_processes": "1",
            "triggerer.job_heartbeat_sec": "2",
            "triggerer.triggerer_health_check_threshold": "10",
        }


def copy_migrated_database(database: Path) -> None:
    """Put an empty, migrated metadata database there, unless there is one.

    `airflow db migrate` is run once per environment and Airflow version; its result is kept in the
    environment and copied from then on.
    """
    if database.exists():
        return
    version = importlib.metadata.version("apache-airflow")
    template = Path(sys.prefix) / "share" / "running-airflow" / f"airflow-{version}.db"
    if not template.exists():
        template.parent.mkdir(parents=True, exist_ok=True)
        _migrate(template)
    shutil.copyfile(template, database)


def _migrate(template: Path) -> None:
    with tempfile.TemporaryDirectory(dir=template.parent) as folder:
        home = Path(folder)
        database = home / "airflow.db"
        environment = {
            **_clean_environment(),
            "AIRFLOW_HOME": folder,
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{database}",
        }
        command = [sys.executable, "-m", "airflow", "db", "migrate"]
        migration = subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True, check=False)
        if migration.returncode != 0:
            raise AirflowComponentError(f"airflow db migrate failed:\n{migration.stdout}{migration.stderr}")
        connection = sqlite3.connect(database)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        database.replace(template)


def _arguments(component: str, url: str) -> list[str]:
    return {
        "api-server": ["api-server", "--host", LOOPBACK, "--port", url.rpartition(":")[2], "--workers", "1"],
        "scheduler": ["scheduler", "--skip-serve-logs"],
        "triggerer": ["triggerer", "--skip-serve-logs"],
        "dag-processor": ["dag-processor"],
        "worker": ["celery", "worker", "--skip-serve-logs", "--celery-hostname", f"{component}@%h"],
    }[component.rstrip("-0123456789")]


def _clean_environment() -> dict[str, str]:
    """This process's environment without Airflow settings and without what would slow Airflow down."""
    dropped = ("AIRFLOW_", "PYTHONDONTWRITEBYTECODE", "PYTHONASYNCIODEBUG")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return {**kept, "no_proxy": f"{LOOPBACK},localhost", "NO_PROXY": f"{LOOPBACK},localhost"}


def temporary_folder(prefix: str) -> Path:
    """A new folder named after this process; those of processes that were killed are removed."""
    for left_behind in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        owner = left_behind.name.removeprefix(prefix).partition("-")[0]
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(left_behind, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{prefix}{os.getpid()}-"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _fernet_key() -> str:
    from cryptography.fernet import Fernet

    return Fernet.generate_key().decode()


def _task_name(task_instance: Mapping[str, Any]) -> str:
    index = task_instance["map_index"]
    return str(task_instance["task_id"]) if index < 0 else f"{task_instance['task_id']}[{index}]"


def _log_line(entry: str | Mapping[str, Any]) -> str:
    if isinstance(entry, str):
        return entry
    details = {name: value for name, value in entry.items() if name not in {"timestamp", "event", "level"}}
    head = f"{entry.get('timestamp') or ''} {entry.get('level', '')} {entry['event']}".strip()
    return " ".join([head, *(f"{name}={value}" for name, value in details.items() if value not in (None, []))])
