"""
One Airflow with all that it has for its surroundings, and a foreign import: a query's rows reach Pigment, OpenLineage
writes to a file, metrics go to a socket, an asset is watched.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_imports.sandbox import Sandbox
from airflow_provider_imports.sandbox.pigment import FAILING_CONFIGURATION_ID, UPLOAD_CONFIGURATION_ID
from tests.cluster.servers import MissingServerError, Postgres, install_servers
from tests.system.conftest import FOLDERS_WITH_DAGS
from tests.system.running_airflow import LOOPBACK, RunningAirflow
from tests.system.watched import Watched

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

pytest.importorskip("airflow.providers.openlineage", reason="needs the extra openlineage")
pytest.importorskip("airflow.providers.postgres", reason="the development packages are not installed")
pytest.importorskip("statsd", reason="Airflow sends to statsd only with this library")
pytestmark = [pytest.mark.system, pytest.mark.long]

DAGS = ("pigment_push_csv", "pigment_push_query", "pigment_trigger_and_wait", "import_ended")
CSV = "month,nonfarm\n2006-01-01,135450\n2006-02-01,135762\n"
#: Seconds for a run: each of its processes imports OpenLineage, and on a busy machine that takes its time.
PATIENCE = 600
#: Of a task of the examples, each with an import of its own that fails.
TRIES = 3


@pytest.fixture(scope="module")
def statsd() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((LOOPBACK, 0))
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        server.settimeout(30)
        yield server


@pytest.fixture(scope="module")
def lineage_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lineage") / "events.jsonl"


@pytest.fixture(scope="module")
def warehouse() -> Iterator[Postgres]:
    """A database with a plan of three months."""
    import psycopg2  # the provider's driver

    try:
        install_servers("postgresql")
    except MissingServerError as error:
        pytest.skip(str(error))
    with Postgres() as server:
        with closing(psycopg2.connect(f"postgresql{server.url}")) as connection, connection, connection.cursor() as to:
            to.execute("CREATE TABLE plan (month date, amount numeric(9, 2))")
            to.execute("INSERT INTO plan VALUES ('2025-12-01', 1), ('2026-01-01', 12.5), ('2026-02-01', NULL)")
        yield server


@pytest.fixture(scope="module")
def observed(
    lineage_file: Path,
    statsd: socket.socket,
    warehouse: Postgres,
    session_sandbox: Sandbox,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningAirflow]:
    folder = tmp_path_factory.mktemp("observed_dags")
    for file in (file for source in FOLDERS_WITH_DAGS for name in DAGS for file in source.glob(f"{name}.py")):
        shutil.copy(file, folder)
    transport = {"type": "file", "log_file_path": str(lineage_file), "append": True}
    environment = {
        **session_sandbox.connection_env(),
        "AIRFLOW_CONN_WAREHOUSE": f"postgres{warehouse.url}",
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(transport),
        "AIRFLOW__OPENLINEAGE__NAMESPACE": "tests",
        "AIRFLOW__METRICS__STATSD_ON": "True",
        "AIRFLOW__METRICS__STATSD_HOST": LOOPBACK,
        "AIRFLOW__METRICS__STATSD_PORT": str(statsd.getsockname()[1]),
        "AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED": "True",
        "AIRFLOW__METRICS__METRICS_ALLOW_LIST": "imports",
    }
    session_sandbox.reset()
    session_sandbox.change_settings(**Sandbox().settings())
    with RunningAirflow(folder, environment) as airflow:
        airflow.wait_until_ready()
        yield airflow


def events(lineage_file: Path, kind: str, dag_id: str) -> list[dict[str, Any]]:
    """What OpenLineage has written of a DAG's task so far."""
    text = lineage_file.read_text() if lineage_file.exists() else ""
    every = [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]
    return [one for one in every if one["eventType"] == kind and one["job"]["name"].startswith(f"{dag_id}.")]


def wait_for_event(airflow: RunningAirflow, lineage_file: Path, kind: str, dag_id: str) -> dict[str, Any]:
    """The only event of this kind, which OpenLineage writes at its leisure."""
    (event,) = airflow.wait_for(lambda: events(lineage_file, kind, dag_id) or None, PATIENCE, f"{kind} of {dag_id}")
    return event


def names(datasets: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(one["namespace"], one["name"]) for one in datasets]


def statistics(datasets: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one["outputFacets"]["outputStatistics"] for one in datasets]


def test_a_deferred_import_of_a_file_is_in_the_lineage(
    observed: RunningAirflow, lineage_file: Path, session_sandbox: Sandbox, tmp_path: Path
) -> None:
    dag_id = "pigment_push_csv"
    file = tmp_path / "plan.csv"
    file.write_text(CSV)
    run_id = observed.trigger(dag_id, {"file_path": str(file)})
    assert observed.wait_for_run(dag_id, run_id, PATIENCE) == "success"

    event = wait_for_event(observed, lineage_file, "COMPLETE", dag_id)
    assert names(event["inputs"]) == [("file", str(file))]
    configuration, *blocks = event["outputs"]
    assert names([configuration]) == [(pigment(session_sandbox), f"import-configurations/{UPLOAD_CONFIGURATION_ID}")]
    whole, *parts = statistics(event["outputs"])
    assert (whole["rowCount"], whole["size"]) == (2, len(CSV))
    assert [name.partition("/")[0] for _, name in names(blocks)] == ["blocks"]
    assert [part["rowCount"] for part in parts] == [2]
    facets = event["run"]["facets"]
    manifest = observed.xcom(dag_id, run_id, "push_csv")
    assert facets["externalQuery"]["externalQueryId"] == f"import_id={manifest['run']['import_id']}"
    assert facets["airflowProviderImports_import"]["counts"]["inserted"] == 2
    assert facets["airflowProviderImports_import"]["rejected"] == 0
    started, *_ = events(lineage_file, "START", dag_id)
    assert names(started["inputs"]) == [("file", str(file))]


def test_the_rows_of_a_query_reach_pigment_and_its_table_is_in_the_lineage(
    observed: RunningAirflow, lineage_file: Path, session_sandbox: Sandbox, warehouse: Postgres
) -> None:
    dag_id = "pigment_push_query"
    run_id = observed.trigger(dag_id)
    assert observed.wait_for_run(dag_id, run_id, PATIENCE) == "success"

    sent = "month;amount\r\n2026-01-01;12.50\r\n2026-02-01;\r\n"
    manifest = observed.xcom(dag_id, run_id, "push_query")
    assert manifest["sent"] == {"rows": 2, "bytes": len(sent)}
    assert (manifest["counts"]["inserted"], manifest["unaccounted"]) == (2, 0)
    pushed = [
        entry for entry in session_sandbox.entries("pigment", "push_csv") if entry.run in manifest["run"].values()
    ]
    assert [entry.bytes for entry in pushed] == [len(sent)]

    event = wait_for_event(observed, lineage_file, "COMPLETE", dag_id)
    assert names(event["inputs"]) == [(f"postgres://{LOOPBACK}:{warehouse.port}", "postgres.public.plan")]
    configuration, block = event["outputs"]
    assert names([configuration]) == [(pigment(session_sandbox), f"import-configurations/{UPLOAD_CONFIGURATION_ID}")]
    assert block["name"].startswith("blocks/")
    assert [one["rowCount"] for one in statistics([configuration, block])] == [2, 2]


def test_a_failed_import_is_in_the_lineage_with_its_error(
    observed: RunningAirflow, lineage_file: Path, session_sandbox: Sandbox
) -> None:
    dag_id = "pigment_trigger_and_wait"
    run_id = observed.trigger(dag_id, {"configuration_id": FAILING_CONFIGURATION_ID})
    assert observed.wait_for_run(dag_id, run_id, PATIENCE) == "failed"

    (event,) = observed.wait_for(
        lambda: events(lineage_file, "FAIL", dag_id)[TRIES - 1 :] or None, PATIENCE, "FAIL of each try"
    )
    assert (pigment(session_sandbox), f"import-configurations/{FAILING_CONFIGURATION_ID}") in names(event["outputs"])
    facets = event["run"]["facets"]
    assert facets["airflowProviderImports_import"]["state"] == "failed"
    assert "Pigment import" in facets["errorMessage"]["message"]


def test_a_foreign_import_starts_a_dag_once(
    observed: RunningAirflow, session_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(observed, session_sandbox, monkeypatch)
    watched.begin()
    run = watched.import_by_somebody()
    watched.wait_for_manifests(1)
    watched.wait_for_looks()
    assert [manifest["run"] for manifest in watched.manifests()] == [dict(run.key)]
    assert len(observed.run_ids("import_ended")) == 1


def test_what_happened_was_counted(statsd: socket.socket) -> None:
    """By the tests above."""
    seen: set[str] = set()
    while not {"imports.started", "imports.ended,outcome=failed", "imports.wait_time,outcome=succeeded"} <= seen:
        lines = re.findall(r"airflow\.(imports\.\w+),vendor=pigment([,=\w]*)", statsd.recv(65536).decode())
        seen |= {name + tags for name, tags in lines}


def pigment(sandbox: Sandbox) -> str:
    """Pigment's namespace."""
    return f"pigment://{sandbox.url.partition('://')[2]}/pigment"
