"""Values as Airflow renders them and other libraries give them: taken, or refused by name before a call."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import AirflowException, AirflowSkipException

from airflow_provider_imports.exceptions import InvalidInputError, VendorRequestError
from airflow_provider_imports.operators.bloomreach import (
    BloomreachCreateImportDefinitionOperator,
    BloomreachStartImportOperator,
)
from airflow_provider_imports.operators.payload import open_payload
from airflow_provider_imports.operators.pigment import PigmentPushCsvOperator, PigmentTriggerImportOperator
from airflow_provider_imports.operators.records import materialized
from airflow_provider_imports.operators.rocketchat import RocketChatImportUsersOperator
from airflow_provider_imports.operators.rows import check_csv_format
from airflow_provider_imports.operators.websale import WebsaleStartImportOperator
from airflow_provider_imports.sandbox.bloomreach import UI_IMPORT_ID
from airflow_provider_imports.sandbox.pigment import INTEGRATION_CONFIGURATION_ID, UPLOAD_CONFIGURATION_ID
from airflow_provider_imports.sensors.rocketchat import RocketChatImportSensor
from airflow_provider_imports.sensors.websale import WebsaleImportSensor
from tests.tries import defer, finish

if TYPE_CHECKING:
    from collections.abc import Callable

ROW = {"sku": "a"}
DEFINITION = {"name": "nightly", "trigger": "manual"}
OPTIONAL: dict[str, tuple[Callable[..., Any], str]] = {
    "a path": (lambda **given: BloomreachStartImportOperator(import_id=UI_IMPORT_ID, **given), "path"),
    "a project": (lambda **given: BloomreachStartImportOperator(import_id=UI_IMPORT_ID, **given), "project_token"),
    "a workspace": (
        lambda **given: BloomreachStartImportOperator(import_id=UI_IMPORT_ID, managed_by_api=True, **given),
        "workspace_id",
    ),
    "the project of a definition": (
        lambda **given: BloomreachCreateImportDefinitionOperator(definition=DEFINITION, **given),
        "project_token",
    ),
    "a block": (
        lambda **given: PigmentTriggerImportOperator(configuration="Plan", metadata_conn_id="m", **given),
        "block",
    ),
    "a format": (lambda **given: WebsaleStartImportOperator(service="product", data=[ROW], **given), "format"),
    "a start": (lambda **given: WebsaleImportSensor(service="product", **given), "start"),
    "an operation": (lambda **given: RocketChatImportSensor(**given), "operation_id"),
}


@pytest.mark.parametrize("rendered", [None, "", " ", "None"], ids=repr)
@pytest.mark.parametrize(("make", "name"), OPTIONAL.values(), ids=OPTIONAL)
def test_what_is_given_and_renders_to_nothing_is_refused_by_name(
    sandbox_connections: Any, make_context: Any, make: Callable[..., Any], name: str, rendered: str | None
) -> None:
    task = make(task_id="task", **{name: "{{ ti.xcom_pull('skipped') }}"})
    setattr(task, name, rendered)  # as Airflow does before it executes a task

    with pytest.raises(
        InvalidInputError, match=f"^{name} (must be a text that is not empty|is the text 'None').*Nothing was sent"
    ):
        task.execute(make_context())

    assert sandbox_connections.journal == []


def test_an_id_that_was_rendered_to_a_number_is_a_text(sandbox_connections: Any, make_context: Any) -> None:
    operator = BloomreachStartImportOperator(task_id="start", import_id=5)  # type: ignore[arg-type]

    with pytest.raises(VendorRequestError):
        operator.execute(make_context())

    assert [entry.path.split("/")[-2] for entry in sandbox_connections.entries("bloomreach")] == ["5"]


def test_blanks_around_a_service_are_nothing(sandbox_connections: Any, make_context: Any) -> None:
    result = finish(
        lambda: WebsaleStartImportOperator(
            task_id="start", service=" product \n", data=[ROW], format="JSON", poll_interval=0.05
        ),
        make_context(),
    )

    assert (result["state"], result["run"]["service"]) == ("succeeded", "product")


class Scalar:
    """A value of another library that is Python's own by ``tolist``."""

    def __init__(self, value: object) -> None:
        self.value = value

    def tolist(self) -> object:
        return self.value


Scalar.__module__ = "numpy"
MISSING = type("NaTType", (), {})()


def test_scalars_and_missing_values_of_other_libraries_are_pythons_own() -> None:
    row = {"count": Scalar(3), "ok": Scalar(True), "day": MISSING, "parts": [Scalar("x")]}
    plain = {"count": 3, "ok": True, "day": None, "parts": ["x"]}

    records: Any = materialized("data", [row, {"count": 1}])

    assert records == [plain, {"count": 1}]
    assert json.loads(bytes(open_payload(None, [{"deep": {"in": Scalar(3)}}], chosen="json").body)) == [  # type: ignore[arg-type]
        {"deep": {"in": 3}}
    ]


def test_times_of_numpy_are_refused_and_no_numbers_of_nanoseconds() -> None:
    numpy = pytest.importorskip("numpy")
    days = numpy.array(["2026-01-01"], dtype="datetime64[ns]")

    for data in ([{"days": days}], [{"day": days[0]}]):
        with pytest.raises(InvalidInputError, match="of type datetime64 has no form"):
            open_payload(None, materialized("data", data), chosen="json")


def test_missing_times_of_pandas_are_empty() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"d": [pandas.Timestamp("2026-01-01"), pandas.NaT]})

    records = materialized("data", frame.to_dict("records"))

    assert open_payload(None, records).body == b'd\r\n2026-01-01T00:00:00\r\n""\r\n'


class Frame:
    """A DataFrame, as far as it is used."""

    def __init__(self, columns: list[str], records: object) -> None:
        self.columns = columns
        self.records = records

    def to_dict(self, orient: str) -> object:
        return self.records


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (Frame(["a", "a"], [{"a": 2}]), "data has the same name twice: a"),
        (Frame(["a"], {"a": [1]}), "data has a to_dict.. that gives no records"),
        (Frame(["a"], None), "data has a to_dict.. that gives no records"),
        ([{"a": 1}, {"a": 2, "b": object()}], r"data\[1\]\['b'\] is not JSON"),
        ([{"a": Decimal("NaN")}], r"data\[0\]\['a'\] is not JSON: NaN or infinity is no number"),
        ([{"a": Decimal("1E+500000")}], r"data\[0\]\['a'\] is not JSON: a decimal of more than 400 digits"),
    ],
    ids=["twice", "no list", "nothing", "an object", "NaN", "endless"],
)
def test_records_that_would_lose_something_are_refused(data: object, words: str) -> None:
    with pytest.raises(InvalidInputError, match=f"^{words}.*Nothing was sent"):
        open_payload(None, materialized("data", data), chosen="json")


def test_records_without_a_column_are_no_csv() -> None:
    with pytest.raises(InvalidInputError, match=r"^data has no columns"):
        open_payload(None, [{}])


@pytest.mark.parametrize("encoding", ["base64", "rot13", "hex", "undefined", "idna", "klingon"])
def test_an_encoding_that_writes_no_text_is_refused_when_the_dag_is_parsed(encoding: str) -> None:
    with pytest.raises(InvalidInputError, match=r"csv_format\['encoding'\] must be an encoding of texts"):
        check_csv_format({"encoding": encoding})


def test_a_definition_that_is_not_json_is_refused(sandbox_connections: Any, make_context: Any) -> None:
    operator = BloomreachCreateImportDefinitionOperator(task_id="make", definition={**DEFINITION, "trigger": object()})

    with pytest.raises(InvalidInputError, match=r"^definition is not JSON.*Nothing was sent"):
        operator.execute(make_context())

    assert sandbox_connections.journal == []


@pytest.mark.parametrize(
    "make",
    [
        lambda: PigmentPushCsvOperator(
            task_id="push", configuration_id=UPLOAD_CONFIGURATION_ID, data=[ROW], min_rows=2
        ),
        lambda: WebsaleStartImportOperator(task_id="start", service="product", data=[ROW], min_rows=2),
        lambda: RocketChatImportUsersOperator(
            task_id="users", users=[{"emails": ["a@b.example"], "importIds": ["1"]}], min_rows=2
        ),
    ],
)
def test_records_that_are_fewer_than_must_get_in_are_not_sent(
    sandbox_connections: Any, make_context: Any, make: Callable[[], Any]
) -> None:
    with pytest.raises(InvalidInputError, match=r"gave 1 row, and at least 2 must get in .*Nothing was sent"):
        make().execute(make_context())

    assert sandbox_connections.journal == []


@pytest.mark.parametrize("deferrable", [False, True], ids=["poke", "deferrable"])
def test_soft_fail_hides_no_wrong_parameter(sandbox_connections: Any, make_context: Any, deferrable: bool) -> None:
    def make() -> WebsaleImportSensor:
        return WebsaleImportSensor(
            task_id="watch", service="prodct", soft_fail=True, deferrable=deferrable, poke_interval=0.05
        )

    with pytest.raises(VendorRequestError, match="prodct"):
        finish(make, make_context())


@pytest.mark.parametrize(("name", "value"), [("timeout", float("inf")), ("timeout", True), ("soft_fail", "no")])
def test_a_sensors_own_parameters_are_checked_when_the_dag_is_parsed(name: str, value: Any) -> None:
    with pytest.raises(InvalidInputError, match=f"^{name} must be"):
        WebsaleImportSensor(task_id="watch", service="product", **{name: value})


FAILED = {"error": "Trigger failure", "traceback": ["Traceback", "OSError: gone"]}


@pytest.mark.parametrize("failure", [FAILED, {"error": "Trigger timeout"}], ids=lambda one: one["error"])
def test_a_deferral_that_fails_leaves_the_manifest(
    sandbox_connections: Any, make_context: Any, task_state_store: Any, failure: dict[str, Any]
) -> None:
    def make() -> PigmentTriggerImportOperator:
        return PigmentTriggerImportOperator(
            task_id="start", configuration_id=INTEGRATION_CONFIGURATION_ID, deferrable=True
        )

    context = make_context()
    if context["task_state_store"] is None:
        pytest.skip("this Airflow remembers nothing")
    defer(make, context)
    run = context["ti"].xcoms["import_run"]

    with pytest.raises(Exception, match=failure["error"]) as raised:
        make().resume_execution("__fail__", failure, context)

    manifest = context["ti"].xcoms["manifest"]
    assert (manifest["run"], manifest["state"]) == (run, "running")
    assert manifest["error"]["type"] == type(raised.value).__name__


@pytest.mark.parametrize("soft_fail", [False, True])
@pytest.mark.parametrize("failure", [FAILED, {"error": "Trigger timeout"}], ids=lambda one: one["error"])
def test_a_sensors_deferral_that_fails_leaves_the_manifest(
    sandbox_connections: Any, make_context: Any, failure: dict[str, Any], soft_fail: bool
) -> None:
    sensor = WebsaleImportSensor(task_id="watch", service="product", deferrable=True, soft_fail=soft_fail)
    context = make_context()

    with pytest.raises(AirflowException) as raised:
        sensor.resume_execution("__fail__", failure, context)

    skipped = isinstance(raised.value, AirflowSkipException)
    assert soft_fail or not skipped
    assert skipped or context["ti"].xcoms["manifest"]["run"] == {"service": "product"}


def test_limits_without_effect_are_named(sandbox_connections: Any, make_context: Any, logged: Any) -> None:
    PigmentTriggerImportOperator(
        task_id="start", configuration_id=INTEGRATION_CONFIGURATION_ID, wait_for_completion=False, max_rejected=0
    ).execute(make_context())

    assert "max_rejected and min_rows have no effect, since wait_for_completion is False" in logged()
