"""What OpenLineage is told: the same in both ways to wait, read from the task alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_imports import lineage
from airflow_provider_imports.exceptions import VendorImportError
from airflow_provider_imports.hooks.websale import WebsaleHook
from airflow_provider_imports.lineage import Dataset, file_dataset, tables_read
from airflow_provider_imports.operators.bloomreach import BloomreachStartImportOperator
from airflow_provider_imports.operators.blueshift import BlueshiftTriggerCustomerImportOperator
from airflow_provider_imports.operators.pigment import PigmentPushCsvOperator, PigmentTriggerImportOperator
from airflow_provider_imports.operators.rocketchat import RocketChatImportUsersOperator
from airflow_provider_imports.operators.websale import WebsaleStartImportOperator
from airflow_provider_imports.sandbox.bloomreach import UI_IMPORT_ID
from airflow_provider_imports.sandbox.blueshift import LAUNCHED_UUID
from airflow_provider_imports.sandbox.pigment import FAILING_CONFIGURATION_ID, UPLOAD_CONFIGURATION_ID
from airflow_provider_imports.sensors.websale import WebsaleImportSensor
from tests.tries import event_of

if TYPE_CHECKING:
    from collections.abc import Callable

PROVIDER = "airflow.providers.openlineage"
CSV = "month,nonfarm\n2006-01-01,135450\n2006-02-01,135762\ntoo,many,columns\n"


def needs_openlineage() -> None:
    pytest.importorskip(PROVIDER, reason="needs the extra openlineage")


def try_once(make: Callable[[], Any], context: Any) -> Any:
    """Make one try, and give the task as it is when OpenLineage asks: that of the second process, if it deferred."""
    from airflow.providers.common.compat.sdk import TaskDeferred

    task = make()
    try:
        task.execute(context)
    except TaskDeferred as deferred:
        task = make()
        event = event_of(deferred.trigger)
        try:
            getattr(task, deferred.method_name)(context, event=event, **(deferred.kwargs or {}))
        except VendorImportError:
            return task
    except VendorImportError:
        return task
    return task


def told(task: Any) -> dict[str, Any]:
    """What OpenLineage is told when the task ends, as plain values; the run's own ids are left out."""
    found = task.get_openlineage_facets_on_complete(None)
    facet = found.run_facets["airflowProviderImports_import"]
    return {
        "inputs": [(one.namespace, one.name) for one in found.inputs],
        "outputs": [(one.namespace, one.name, _statistics(one)) for one in found.outputs],
        "source": found.run_facets["externalQuery"].source,
        "id": bool(found.run_facets["externalQuery"].externalQueryId),
        "state": facet.state,
        "rejected": facet.rejected,
        "counts": facet.counts,
    }


def _statistics(output: Any) -> tuple[int | None, int | None] | None:
    facet = output.outputFacets.get("outputStatistics")
    return None if facet is None else (facet.rowCount, facet.size)


@pytest.fixture
def host(sandbox_connections: Any) -> str:
    """Host and port of the stand-ins."""
    needs_openlineage()
    return str(sandbox_connections.url.partition("://")[2])


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    file = tmp_path / "plan.csv"
    file.write_text(CSV)
    return file


# Of each vendor


@pytest.mark.parametrize("deferrable", [False, True], ids=["blocking", "deferrable"])
def test_a_pushed_file_and_the_blocks_it_got_into(
    deferrable: bool, host: str, plan: Path, make_context: Callable[..., Any]
) -> None:
    def make() -> PigmentPushCsvOperator:
        return PigmentPushCsvOperator(
            task_id="push",
            configuration_id=UPLOAD_CONFIGURATION_ID,
            file_path=str(plan),
            deferrable=deferrable,
            poll_interval=0.05,
        )

    task = try_once(make, make_context())
    seen = told(task)
    namespace = f"pigment://{host}/pigment"
    assert seen["inputs"] == [("file", str(plan))]
    configuration, *blocks = seen["outputs"]
    assert configuration == (namespace, f"import-configurations/{UPLOAD_CONFIGURATION_ID}", (2, len(CSV)))
    assert [(place, rows) for place, name, rows in blocks if name.startswith("blocks/")] == [(namespace, (2, None))]
    assert seen["state"] == "succeeded"
    assert seen["rejected"] == 1
    assert seen["counts"]["inserted"] == 2
    assert seen["source"] == "pigment"
    assert seen["id"]


@pytest.mark.parametrize("deferrable", [False, True], ids=["blocking", "deferrable"])
def test_a_failed_import_tells_the_same(deferrable: bool, host: str, make_context: Callable[..., Any]) -> None:
    def make() -> PigmentTriggerImportOperator:
        return PigmentTriggerImportOperator(
            task_id="trigger", configuration_id=FAILING_CONFIGURATION_ID, deferrable=deferrable, poll_interval=0.05
        )

    seen = told(try_once(make, make_context()))
    assert seen["outputs"][0][:2] == (f"pigment://{host}/pigment", f"import-configurations/{FAILING_CONFIGURATION_ID}")
    assert seen["state"] == "failed"


@pytest.mark.parametrize("deferrable", [False, True], ids=["blocking", "deferrable"])
def test_a_sensor_tells_what_somebody_else_wrote(deferrable: bool, host: str, make_context: Callable[..., Any]) -> None:
    run = WebsaleHook().start_import("voucher", b'[{"code": 1}, {"code": 2}]', "json")

    def make() -> WebsaleImportSensor:
        return WebsaleImportSensor(
            task_id="wait",
            service="voucher",
            start=run.key["start"],
            deferrable=deferrable,
            poke_interval=0.05,
        )

    seen = told(try_once(make, make_context()))
    assert seen["inputs"] == []
    assert seen["outputs"] == [(f"websale://{host}/websale", "voucher", (2, None))]


@pytest.mark.parametrize(
    ("make", "namespace", "output"),
    [
        (
            lambda: WebsaleStartImportOperator(task_id="a", service="order", data=[{"number": 1}], poll_interval=0.05),
            "websale",
            ("order", 1),
        ),
        (
            lambda: RocketChatImportUsersOperator(
                task_id="a",
                users=[{"importIds": ["1"], "username": "ada", "emails": ["ada@example.com"]}],
                poll_interval=0.05,
            ),
            "rocketchat",
            ("users", 1),
        ),
        (
            lambda: BloomreachStartImportOperator(task_id="a", import_id=UI_IMPORT_ID),
            "bloomreach",
            (f"imports/{UI_IMPORT_ID}", None),
        ),
        (
            lambda: BlueshiftTriggerCustomerImportOperator(task_id="a", uuid=LAUNCHED_UUID),
            "blueshift",
            (f"import-tasks/{LAUNCHED_UUID}", None),
        ),
    ],
    ids=["websale", "rocketchat", "bloomreach", "blueshift"],
)
def test_every_vendor_names_what_is_written(
    make: Callable[[], Any],
    namespace: str,
    output: tuple[str, int | None],
    host: str,
    make_context: Callable[..., Any],
) -> None:
    ((place, name, statistics),) = told(try_once(make, make_context()))["outputs"]
    assert place == f"{namespace}://{host}/{namespace}"
    assert name == output[0]
    assert (statistics or (None, None))[0] == output[1]


def test_a_task_that_started_nothing_claims_nothing(host: str, make_context: Callable[..., Any]) -> None:
    task = PigmentPushCsvOperator(task_id="a", configuration_id=UPLOAD_CONFIGURATION_ID, file_path="/no/such/file.csv")
    with pytest.raises(FileNotFoundError):
        task.execute(make_context())
    assert task.get_openlineage_facets_on_complete(None) is None


def test_the_start_tells_what_is_going_to_be_read() -> None:
    needs_openlineage()
    task = PigmentPushCsvOperator(
        task_id="a", configuration_id=UPLOAD_CONFIGURATION_ID, file_path="s3://aws@plans/a.csv"
    )
    (found,) = task.get_openlineage_facets_on_start().inputs
    assert (found.namespace, found.name) == ("s3://plans", "a.csv")


def test_it_asks_airflow_for_nothing(
    host: str, plan: Path, make_context: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def make() -> PigmentPushCsvOperator:
        return PigmentPushCsvOperator(
            task_id="push",
            configuration_id=UPLOAD_CONFIGURATION_ID,
            file_path=str(plan),
            deferrable=True,
            poll_interval=0.05,
        )

    task = try_once(make, make_context())
    monkeypatch.delenv("AIRFLOW_CONN_PIGMENT_DEFAULT")
    monkeypatch.setattr("airflow_provider_imports.hooks.pigment.PigmentHook.get_connection", None)
    assert len(told(task)["outputs"]) == 2


# Names


@pytest.mark.parametrize(
    ("path", "dataset"),
    [
        ("/data/plan.csv", ("file", "/data/plan.csv")),
        (Path("/data/plan.csv"), ("file", "/data/plan.csv")),
        ("file:///data/plan.csv", ("file", "/data/plan.csv")),
        ("s3://bucket/dir/key.csv", ("s3://bucket", "dir/key.csv")),
        ("s3://my_aws@bucket/dir/key.csv", ("s3://bucket", "dir/key.csv")),
        ("s3a://bucket/key.csv", ("s3://bucket", "key.csv")),
        ("gs://bucket/key#1?.csv", ("gs://bucket", "key#1?.csv")),
        ("gcs://bucket/key.csv", ("gs://bucket", "key.csv")),
        ("hdfs://namenode:8020/data/plan.csv", ("hdfs://namenode:8020", "/data/plan.csv")),
        ("/data/{{ ds }}.csv", None),
    ],
)
def test_a_file_is_named_as_openlineage_does(path: object, dataset: tuple[str, str] | None) -> None:
    assert file_dataset(path) == dataset


def test_an_object_storage_path_is_named_without_its_connection() -> None:
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    assert file_dataset(ObjectStoragePath("file:///data/plan.csv")) == ("file", "/data/plan.csv")


class Warehouse:
    """A ``DbApiHook`` of a database that OpenLineage knows."""

    def get_connection(self, conn_id: str) -> Any:
        return SimpleNamespace(conn_id=conn_id)

    def get_openlineage_database_info(self, connection: Any) -> Any:
        from airflow.providers.openlineage.sqlparser import DatabaseInfo

        return DatabaseInfo(scheme="postgres", authority="warehouse:5432", database="sales")

    def get_openlineage_database_dialect(self, connection: Any) -> str:
        return "postgres"

    def get_openlineage_default_schema(self) -> str:
        return "public"


def test_the_tables_of_a_query_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    needs_openlineage()
    monkeypatch.setattr("airflow.providers.openlineage.conf.is_disabled", lambda: False)
    sql = "SELECT * FROM plan JOIN archive.regions USING (region) WHERE year = %s AND month = %(month)s"
    assert sorted(tables_read(sql, Warehouse(), "warehouse")) == [
        Dataset("postgres://warehouse:5432", "sales.archive.regions"),
        Dataset("postgres://warehouse:5432", "sales.public.plan"),
    ]


@pytest.mark.parametrize(
    "hook",
    [SimpleNamespace(), SimpleNamespace(get_connection=lambda _: None, get_openlineage_database_info=lambda _: None)],
    ids=["a hook that fails", "a database without a name"],
)
def test_a_database_that_names_no_tables_stops_no_import(hook: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    needs_openlineage()
    monkeypatch.setattr("airflow.providers.openlineage.conf.is_disabled", lambda: False)
    assert tables_read("SELECT 1", hook, "warehouse") == []


def test_tables_that_the_first_process_has_read_are_told_by_the_second(
    host: str, plan: Path, make_context: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lineage.LineageOfImport, "_tables", [["postgres://warehouse:5432", "sales.public.plan"]])

    def make() -> PigmentPushCsvOperator:
        return PigmentPushCsvOperator(
            task_id="push",
            configuration_id=UPLOAD_CONFIGURATION_ID,
            data=CSV,
            deferrable=True,
            poll_interval=0.05,
        )

    assert told(try_once(make, make_context()))["inputs"] == [("postgres://warehouse:5432", "sales.public.plan")]


# Without it


def test_nothing_of_openlineage_is_imported_unless_it_asks() -> None:
    script = """
import pkgutil, sys
from importlib import import_module
from airflow_provider_imports import operators, sensors, hooks, triggers
for package in (operators, sensors, hooks, triggers):
    for found in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        import_module(found.name)
sys.modules["airflow.providers.openlineage"] = None
from airflow_provider_imports.lineage import tables_read
assert tables_read("SELECT 1", None, "warehouse") == []
ours = [name for name, module in sys.modules.items() if "openlineage" in name and module]
print([name for name in ours if not name.endswith(".get_provider_info")])  # Airflow lists its providers
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
