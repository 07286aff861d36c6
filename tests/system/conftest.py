"""One running Airflow for all tests below this folder: its start costs more than most tests."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_provider_imports.installed import installed
from airflow_provider_imports.sandbox import Sandbox
from airflow_provider_imports.version_compat import AIRFLOW_V_3_3_PLUS
from tests.system.running_airflow import RunningAirflow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

if not AIRFLOW_V_3_3_PLUS:
    pytest.skip("needs Airflow 3.3: what is tested in a running Airflow exists from there on", allow_module_level=True)

REPOSITORY = Path(__file__).parents[2]
FOLDERS_WITH_DAGS = (REPOSITORY / "example_dags", Path(__file__).parent / "dags")


@pytest.fixture(scope="session")
def dags_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example DAGs and the test DAGs, copied together. A test may add a file."""
    folder = tmp_path_factory.mktemp("dags")
    for file in (file for source in FOLDERS_WITH_DAGS for file in source.glob("*.py")):
        shutil.copy(file, folder)
    return folder


@pytest.fixture(scope="session")
def session_sandbox() -> Iterator[Sandbox]:
    """The vendors' stand-in that the running Airflow's connections point to."""
    with Sandbox().in_thread() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(session_sandbox: Sandbox) -> Sandbox:
    """That stand-in with an empty memory and its original settings."""
    session_sandbox.reset()
    session_sandbox.change_settings(**Sandbox().settings())
    return session_sandbox


@pytest.fixture(scope="package")
def airflow(dags_folder: Path, session_sandbox: Sandbox) -> Iterator[RunningAirflow]:
    """A whole Airflow, ready; it ends with these tests, since even an idle one takes a third of a core."""
    connections = {"AIRFLOW_CONN_FS_DEFAULT": "fs://", **session_sandbox.connection_env()}
    with RunningAirflow(dags_folder, connections) as airflow:
        airflow.wait_until_ready()
        yield airflow


@pytest.fixture(scope="package")
def connect(airflow: RunningAirflow) -> Callable[..., None]:
    """Lead connections of the running Airflow, ``<vendor>_<name>``, to a sandbox, without limits of their own."""

    def define(sandbox: Sandbox, name: str, vendors: Iterable[str] = installed().entries) -> None:
        for vendor in vendors:
            connection = sandbox.connection(vendor)
            extra = {**(connection.pop("extra") or {}), "requests_per_minute": 6000}
            body = {**connection, "connection_id": f"{vendor}_{name}", "extra": json.dumps(extra)}
            airflow.api("POST", "connections", json=body)

    return define
