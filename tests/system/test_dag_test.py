"""Whole flows through Airflow's own ``dag.test()``: real task instances, XComs, retries and stored task state."""

from __future__ import annotations

import importlib.util
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.models.asset import AssetEvent
from airflow.models.dagbundle import DagBundleModel
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.xcom import XComModel
from airflow.sdk import DAG, Asset
from airflow.serialization.definitions.dag import SerializedDAG
from airflow.serialization.serialized_objects import LazyDeserializedDAG
from airflow.utils.session import create_session
from sqlalchemy import select

from airflow_provider_imports.operators.pigment import PigmentPushCsvOperator, PigmentTriggerImportOperator
from airflow_provider_imports.sandbox.pigment import (
    FAILING_CONFIGURATION_ID,
    INTEGRATION_CONFIGURATION_ID,
    UPLOAD_CONFIGURATION_ID,
)
from airflow_provider_imports.sensors.pigment import PigmentImportSensor
from tests.tries import starts

if TYPE_CHECKING:
    from types import ModuleType

EXAMPLES = Path(__file__).parents[2] / "example_dags"
pytestmark = [pytest.mark.system, pytest.mark.usefixtures("airflow_database", "sandbox_connections")]


@pytest.fixture(params=[False, True], ids=["blocking", "deferrable"])
def deferrable(request: pytest.FixtureRequest) -> bool:
    """Both ways to wait."""
    return bool(request.param)


@pytest.fixture
def dag(request: pytest.FixtureRequest) -> DAG:
    """An empty DAG of this test's own."""
    name = request.node.name.replace("[", "-").replace("]", "")
    return DAG(name, schedule=None, start_date=datetime(2026, 1, 1), default_args={"retry_delay": timedelta(0)})


class Ran:
    """A DAG run that is over: states, XComs, tries."""

    def __init__(self, dag: DAG, logical_date: datetime | None = None, **params: Any) -> None:
        with create_session() as session:
            session.merge(DagBundleModel(name="testing"))
            session.flush()  # the DAG refers to it
            serialized = LazyDeserializedDAG.from_dag(dag)
            SerializedDAG.bulk_write_to_db("testing", None, [serialized], session=session)
            SerializedDagModel.write_dag(serialized, bundle_name="testing", session=session)
        run = dag.test(logical_date=logical_date, run_conf=params)
        self.state = str(run.state)
        self._dag_id, self._run_id = run.dag_id, run.run_id
        self.tries = {instance.task_id: instance.try_number for instance in run.get_task_instances()}
        self.states = {instance.task_id: str(instance.state) for instance in run.get_task_instances()}

    def xcom(self, task_id: str, key: str = "return_value") -> Any:
        with create_session() as session:
            query = XComModel.get_many(run_id=self._run_id, key=key, dag_ids=self._dag_id, task_ids=task_id)
            (row,) = session.scalars(query).all()
            return XComModel.deserialize_value(row)

    def asset_events(self) -> list[dict[str, Any]]:
        with create_session() as session:
            query = select(AssetEvent.extra).where(AssetEvent.source_run_id == self._run_id)
            return list(session.scalars(query.where(AssetEvent.source_dag_id == self._dag_id)).all())


def test_a_file_is_pushed_and_its_manifest_is_there_for_the_next_task(
    dag: DAG, sandbox: Any, tmp_path: Path, deferrable: bool
) -> None:
    file = tmp_path / "sales.csv"
    file.write_bytes(b"month;amount\n2026-01;3\n2026-02\n")
    with dag:
        PigmentPushCsvOperator(
            task_id="push",
            configuration_id=UPLOAD_CONFIGURATION_ID,
            file_path=str(file),
            outlets=[Asset("pigment-sales")],
            deferrable=deferrable,
            poll_interval=0.1,
        )
    ran = Ran(dag)
    assert ran.state == "success"
    (start,) = starts(sandbox)
    manifest = ran.xcom("push")
    assert manifest["run"] == ran.xcom("push", "import_run") == {"import_id": start.run}
    assert (manifest["counts"]["inserted"], manifest["rejected"]) == (1, 1)
    (extra,) = ran.asset_events()
    assert extra == {name: manifest[name] for name in ("vendor", "run", "state", "counts", "rejected")}


def test_one_task_starts_an_import_and_another_waits_for_it(dag: DAG, sandbox: Any, deferrable: bool) -> None:
    with dag:
        start = PigmentTriggerImportOperator(
            task_id="start", configuration_id=INTEGRATION_CONFIGURATION_ID, wait_for_completion=False
        )
        start >> PigmentImportSensor(
            task_id="wait",
            import_id="{{ ti.xcom_pull(task_ids='start')['run']['import_id'] }}",
            deferrable=deferrable,
            poke_interval=0.1,
        )
    ran = Ran(dag)
    assert ran.state == "success"
    assert ran.xcom("start")["state"] == "running"
    assert ran.xcom("wait")["state"] == "succeeded"
    assert ran.xcom("wait")["run"] == {"import_id": starts(sandbox)[0].run}


def test_a_retry_goes_on_with_the_import_of_the_first_try(dag: DAG, sandbox: Any, deferrable: bool) -> None:
    sandbox.change_settings(run_seconds=3.0)
    with dag:
        PigmentTriggerImportOperator(
            task_id="load",
            configuration_id=INTEGRATION_CONFIGURATION_ID,
            deferrable=deferrable,
            poll_interval=0.1,
            max_poll_interval=0.2,
            timeout=2.0,
            retries=5,
        )
    ran = Ran(dag)
    assert ran.state == "success"
    assert ran.tries["load"] > 1
    (start,) = starts(sandbox)
    assert ran.xcom("load")["run"] == {"import_id": start.run}


def test_a_failed_import_is_started_anew_by_each_retry_and_fails_the_task(
    dag: DAG, sandbox: Any, deferrable: bool
) -> None:
    with dag:
        PigmentTriggerImportOperator(
            task_id="load",
            configuration_id=FAILING_CONFIGURATION_ID,
            deferrable=deferrable,
            poll_interval=0.1,
            retries=1,
        )
    ran = Ran(dag)
    assert ran.states == {"load": "failed"}
    assert len(starts(sandbox)) == 2


def test_an_unknown_outcome_is_not_retried(dag: DAG, sandbox: Any, deferrable: bool) -> None:
    sandbox.add_fault("reset", vendor="pigment", operation="trigger_import", when="after")
    with dag:
        PigmentTriggerImportOperator(
            task_id="load", configuration_id=INTEGRATION_CONFIGURATION_ID, deferrable=deferrable, retries=3
        )
    ran = Ran(dag)
    assert ran.states == {"load": "failed"}
    assert ran.tries == {"load": 1}
    assert len(starts(sandbox)) == 1


def example(name: str) -> ModuleType:
    """An example DAG's module, made afresh."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_nightly_launch_tells_of_rejected_rows_also_when_an_import_fails(sandbox: Any, tmp_path: Path) -> None:
    module = example("nightly_launch")
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("a;b\n1;2\n")
    bad.write_text("a;b\n1;2\n3\n")
    products, staff, customers = tmp_path / "products.json", tmp_path / "staff.csv", tmp_path / "customers.csv"
    products.write_text('[{"sku": "1"}]')
    staff.write_text("emails,importIds,username\nann@example.com,1,ann\n")
    customers.write_text("x\n")
    launch = module.launch
    for task in launch.tasks:
        task.retries, task.pool = 0, "default_pool"
    plans = [
        {"configuration_id": UPLOAD_CONFIGURATION_ID, "file_path": str(bad)},
        {"configuration_id": UPLOAD_CONFIGURATION_ID, "file_path": str(good)},
    ]
    ran = Ran(
        launch,
        plans=plans,
        products_file=str(products),
        staff_file=str(staff),
        customers_file=str(customers),
    )

    assert ran.states["tell_of_rejected"] == "success"
    assert ran.states["tell_all_arrived"] == "skipped"
    (told,) = ran.xcom("any_rejected", "rejected")
    assert (told["vendor"], told["rejected"], told["error"]["type"]) == ("pigment", 1, "ImportRejectedRecordsError")
    assert told["errors"]
