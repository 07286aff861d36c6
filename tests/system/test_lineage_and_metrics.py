"""An Airflow of its own whose OpenLineage writes to a file and whose metrics go to a socket."""

from __future__ import annotations

import json
import re
import shutil
import socket
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_imports.sandbox.pigment import UPLOAD_CONFIGURATION_ID
from tests.system.conftest import REPOSITORY
from tests.system.running_airflow import RunningAirflow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_provider_imports.sandbox import Sandbox

pytest.importorskip("airflow.providers.openlineage", reason="needs the extra openlineage")
pytest.importorskip("statsd", reason="Airflow sends to statsd only with this library")
pytestmark = pytest.mark.system

DAG, TASK = "pigment_push_csv", "push_csv"
CSV = "month,nonfarm\n2006-01-01,135450\n2006-02-01,135762\n"


@pytest.fixture(scope="module")
def statsd() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        yield server


@pytest.fixture(scope="module")
def lineage_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lineage") / "events.jsonl"


@pytest.fixture(scope="module")
def observed(
    lineage_file: Path, statsd: socket.socket, session_sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningAirflow]:
    folder = tmp_path_factory.mktemp("observed_dags")
    shutil.copy(REPOSITORY / "example_dags" / "pigment_push_csv.py", folder)
    transport = {"type": "file", "log_file_path": str(lineage_file), "append": True}
    environment = {
        **session_sandbox.connection_env(),
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(transport),
        "AIRFLOW__OPENLINEAGE__NAMESPACE": "tests",
        "AIRFLOW__METRICS__STATSD_ON": "True",
        "AIRFLOW__METRICS__STATSD_HOST": "127.0.0.1",
        "AIRFLOW__METRICS__STATSD_PORT": str(statsd.getsockname()[1]),
        "AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED": "True",
        "AIRFLOW__METRICS__METRICS_ALLOW_LIST": "imports",
    }
    session_sandbox.reset()
    with RunningAirflow(folder, environment) as airflow:
        airflow.wait_until_ready()
        yield airflow


def events(lineage_file: Path, kind: str) -> list[dict[str, Any]]:
    """What OpenLineage has written of the task so far."""
    if not lineage_file.exists():
        return []
    every = [json.loads(line) for line in lineage_file.read_text().splitlines()]
    return [one for one in every if one["eventType"] == kind and one["job"]["name"] == f"{DAG}.{TASK}"]


def test_a_deferred_import_is_in_the_lineage_and_in_the_metrics(
    observed: RunningAirflow, lineage_file: Path, statsd: socket.socket, session_sandbox: Sandbox, tmp_path: Path
) -> None:
    file = tmp_path / "plan.csv"
    file.write_text(CSV)
    run_id = observed.trigger(DAG, {"file_path": str(file)})
    assert observed.wait_for_run(DAG, run_id) == "success"

    (event,) = observed.wait_for(lambda: events(lineage_file, "COMPLETE") or None, 60, "lineage of the task")
    namespace = f"pigment://{session_sandbox.url.partition('://')[2]}/pigment"
    assert [(one["namespace"], one["name"]) for one in event["inputs"]] == [("file", str(file))]
    configuration, *blocks = event["outputs"]
    assert configuration["namespace"] == namespace
    assert configuration["name"] == f"import-configurations/{UPLOAD_CONFIGURATION_ID}"
    assert configuration["outputFacets"]["outputStatistics"]["rowCount"] == 2
    assert configuration["outputFacets"]["outputStatistics"]["size"] == len(CSV)
    assert [block["outputFacets"]["outputStatistics"]["rowCount"] for block in blocks] == [2]
    facets = event["run"]["facets"]
    manifest = observed.xcom(DAG, run_id, TASK)
    assert facets["externalQuery"]["externalQueryId"] == f"import_id={manifest['run']['import_id']}"
    assert facets["airflowProviderImports_import"]["counts"]["inserted"] == 2
    assert facets["airflowProviderImports_import"]["rejected"] == 0
    started, *_ = events(lineage_file, "START")
    assert [(one["namespace"], one["name"]) for one in started["inputs"]] == [("file", str(file))]

    statsd.settimeout(10)
    seen: set[str] = set()
    while not {"imports.started", "imports.ended", "imports.wait_time"} <= seen:
        seen |= set(re.findall(r"airflow\.(imports\.\w+),vendor=pigment", statsd.recv(65536).decode()))
