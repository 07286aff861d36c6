"""One cluster for all tests below this folder.

`CLUSTER_HOME` names an empty folder to use as AIRFLOW_HOME and to keep, with the logs of all components and tasks.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_provider_imports.sandbox import Sandbox
from airflow_provider_imports.testing.vendor_clock import VendorClock
from tests.cluster.cluster import Cluster
from tests.cluster.servers import install_servers

if TYPE_CHECKING:
    from collections.abc import Iterator

#: How long an import takes at the vendors, by their clock: until the test sets it forward.
RUN_SECONDS = 7200
TESTS = Path(__file__).parents[1]
DAGS = (TESTS / "cluster" / "dags" / "cluster.py", TESTS / "system" / "dags" / "import_ended.py")


@pytest.fixture(scope="session")
def vendor_clock() -> VendorClock:
    """What time it is at the vendors."""
    return VendorClock()


@pytest.fixture(scope="session")
def sandbox(vendor_clock: VendorClock) -> Iterator[Sandbox]:
    """The vendors' stand-in, without limits: what is tested here is Airflow."""
    settings = {"pigment": {"requests_per_window": None, "pushes_per_hour": None}}
    with Sandbox(run_seconds=RUN_SECONDS, clock=vendor_clock, settings=settings).in_thread() as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def hold(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that holds tasks between start and deferral while it exists."""
    file = tmp_path_factory.mktemp("hold") / "hold"
    file.touch()
    return file


@pytest.fixture(scope="session")
def cluster(sandbox: Sandbox, hold: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A whole Airflow with two workers and two triggerers, ready."""
    install_servers("postgresql", "redis-server")
    connections = {
        name: json.dumps({**(connection := json.loads(value)), "extra": _unpaced(connection)})
        for name, value in sandbox.connection_env().items()
    }
    environment = {"CLUSTER_HOLD": str(hold), "CLUSTER_IMPORTS": os.environ.get("CLUSTER_IMPORTS", "200")}
    home = Path(os.environ["CLUSTER_HOME"]) if "CLUSTER_HOME" in os.environ else None
    folder = tmp_path_factory.mktemp("dags")
    for file in DAGS:
        shutil.copy(file, folder)
    with Cluster(folder, connections, environment, home) as cluster:
        cluster.wait_until_ready()
        yield cluster


def _unpaced(connection: dict[str, object]) -> dict[str, object]:
    extra = connection.get("extra") or {}
    return {**(extra if isinstance(extra, dict) else {}), "requests_per_minute": 60_000}
