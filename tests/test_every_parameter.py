"""Every parameter of every operator and sensor does something, and refuses what it can't use: by name, and early."""

from __future__ import annotations

import ast
import inspect
import textwrap
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import DAG, BaseOperator

from airflow_provider_imports.exceptions import InvalidInputError
from airflow_provider_imports.hooks.base import ImportHook
from airflow_provider_imports.hooks.blueshift import BlueshiftHook
from airflow_provider_imports.operators.asking import AskingImportOperator
from airflow_provider_imports.operators.base import ImportOperator
from airflow_provider_imports.operators.pigment import PigmentTriggerImportOperator
from airflow_provider_imports.operators.slots import SlotImportOperator
from airflow_provider_imports.operators.waiting import WaitingImportOperator
from airflow_provider_imports.sandbox import bloomreach, blueshift, pigment
from airflow_provider_imports.sensors.base import ImportSensor
from airflow_provider_imports.sensors.judging import JudgingImportSensor
from tests.public_classes import public_classes
from tests.tries import finish

if TYPE_CHECKING:
    from pathlib import Path

USER = {"emails": ["a@example.com"], "importIds": ["1"], "username": "a"}
#: What each class needs, by the vendor's word and the object's.
NEEDED: dict[str, dict[str, Any]] = {
    "BloomreachArrivalSensor": {"customer_ids": {"registered": "a"}, "property_name": "stamp", "value": "1"},
    "BloomreachCreateImportDefinitionOperator": {"definition": {"name": "from Airflow"}},
    "BloomreachStartImportOperator": {"import_id": bloomreach.UI_IMPORT_ID},
    "BlueshiftArrivalSensor": {"customer_email": "a@example.com", "attribute": "stamp", "value": "1"},
    "BlueshiftTriggerCustomerImportOperator": {"uuid": blueshift.LAUNCHED_UUID},
    "PigmentImportSensor": {"import_id": pigment.UPLOAD_CONFIGURATION_ID},
    "PigmentPushCsvOperator": {"configuration_id": pigment.UPLOAD_CONFIGURATION_ID, "data": "a\n1\n"},
    "PigmentTriggerImportOperator": {"configuration_id": pigment.INTEGRATION_CONFIGURATION_ID},
    "RocketChatCreateImportOperator": {},
    "RocketChatDownloadPendingAvatarsOperator": {},
    "RocketChatDownloadPendingFilesOperator": {},
    "RocketChatImportSensor": {},
    "RocketChatImportUsersOperator": {"users": [USER]},
    "WebsaleCancelImportOperator": {"service": "product"},
    "WebsaleImportSensor": {"service": "product"},
    "WebsalePauseImportOperator": {"service": "product"},
    "WebsaleResumeImportOperator": {"service": "product"},
    "WebsaleStartImportOperator": {"service": "product", "data": [{"sku": "1"}]},
}
#: What stands in place of what is needed, so that one of these parameters counts.
IN_PLACE: dict[str, dict[str, Any]] = {
    "file_path": {"data": None, "users": None},
    "sql": {"data": None, "users": None, "sql_conn_id": "db"},
    "sql_conn_id": {"data": None, "users": None, "sql": "SELECT 1"},
    "parameters": {"data": None, "users": None, "sql": "SELECT 1", "sql_conn_id": "db"},
    "configuration": {"configuration_id": None, "metadata_conn_id": "pigment_metadata"},
    "application": {"metadata_conn_id": "pigment_metadata"},
    "block": {"metadata_conn_id": "pigment_metadata"},
    "format": {"data": "sku\n1\n"},
}
TASKS = {
    one.__name__: one
    for one in public_classes()
    if issubclass(one, BaseOperator)
    and not one.__module__.endswith(".service")  # described in data; what is made of them has the vendor's parameters
    and not any(made.__module__.startswith("airflow_provider_imports.") for made in one.__subclasses__())
}


class Odd:
    """What no parameter takes."""

    def __repr__(self) -> str:
        return "a secret"


def parameters(*, templated: bool) -> list[Any]:
    """Each class with each of its own parameters."""
    return [
        pytest.param(task, parameter, id=f"{name}-{parameter}")
        for name, task in TASKS.items()
        for parameter in inspect.signature(task).parameters
        if parameter != "kwargs" and (parameter in task.template_fields) is templated
    ]


def make(task: type, parameter: str, value: object) -> Any:
    given = {**NEEDED[task.__name__], **IN_PLACE.get(parameter, {}), parameter: value}
    known = inspect.signature(task).parameters
    return task(task_id="t", **{name: one for name, one in given.items() if name in known})


def test_every_class_is_tried() -> None:
    assert set(NEEDED) == set(TASKS)


@pytest.mark.parametrize(("task", "parameter"), parameters(templated=False))
def test_what_is_not_templated_is_refused_when_the_dag_is_parsed(task: type, parameter: str) -> None:
    with pytest.raises(InvalidInputError, match=rf"\b{parameter}\b.*Nothing was sent\.$") as refused:
        make(task, parameter, Odd())
    assert "type Odd" in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(("task", "parameter"), parameters(templated=True))
def test_what_is_templated_is_refused_when_the_task_runs(
    task: type, parameter: str, sandbox_connections: Any, make_context: Any, task_state_store: Any
) -> None:
    with pytest.raises(InvalidInputError, match=rf"\b{parameter}\b.*Nothing was sent\.$") as refused:
        make(task, parameter, Odd()).execute(make_context())
    assert "type Odd" in str(refused.value)
    assert "secret" not in str(refused.value)
    assert sandbox_connections.journal == []
    assert task_state_store.written == {}


@pytest.mark.parametrize("value", ["None", " None\n"])
@pytest.mark.parametrize(("task", "parameter"), parameters(templated=True))
def test_what_a_template_rendered_to_nothing_is_refused_by_name(
    task: type, parameter: str, value: str, sandbox_connections: Any, make_context: Any
) -> None:
    with pytest.raises(InvalidInputError, match=rf"\b{parameter}\b.*Nothing was sent\.$"):
        make(task, parameter, value).execute(make_context())
    assert sandbox_connections.journal == []


# Nothing without effect


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_every_parameter_is_used_for_more_than_to_be_checked(task: type) -> None:
    used = {
        node.attr
        for one in task.__mro__
        if one.__module__.startswith("airflow_provider_imports.")
        for function in vars(one).values()
        for node in ast.walk(source_of(function))
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
    }
    alias = {"poll_interval"} if issubclass(task, ImportSensor) else set()  # tests/test_siblings.py
    assert set(inspect.signature(task).parameters) - {"kwargs"} - used == alias


def source_of(function: object) -> ast.AST:
    """A method's code; of ``check()`` only what it keeps, nothing of ``__init__`` and of what is no method."""
    function = getattr(function, "fget", None) or getattr(function, "func", None) or function
    if not inspect.isfunction(function) or function.__name__ == "__init__":
        return ast.Module([], [])
    code = ast.parse(textwrap.dedent(inspect.getsource(function)))
    if function.__name__ == "check":
        return ast.Module([node for node in ast.walk(code) if isinstance(node, ast.Assign)], [])
    return code


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_nobody_has_a_parameter_that_the_vendor_can_not_follow(task: type) -> None:
    (hook,) = (one for one in public_classes() if issubclass(one, ImportHook) and is_of(one, task))
    shown = set(inspect.signature(task).parameters)
    waits = issubclass(task, WaitingImportOperator)
    judges = "wait_for_completion" in shown or issubclass(task, JudgingImportSensor)
    assert ("cancel_on_kill" in shown) is (waits and hook.can_cancel)
    assert ("cancel_on_timeout" in shown) is (waits and hook.can_cancel and judges)
    assert ("max_rejected" in shown, "min_rows" in shown) == (judges, judges)
    assert ("max_auto_created" in shown) is (judges and hook.conn_type == "pigment")
    assert ("durable" in shown, "on_unknown_outcome" in shown) == (issubclass(task, ImportOperator),) * 2
    assert ("if_running" in shown) is issubclass(task, SlotImportOperator | AskingImportOperator)


def is_of(hook: type, task: type) -> bool:
    """Whether this is the vendor's hook of a task."""
    return task.__name__.startswith(hook.__name__.removesuffix("Hook"))


@pytest.mark.parametrize("name", ["cancel_on_kill", "cancel_on_timeout"])
def test_what_would_have_no_effect_is_refused_but_not_in_shared_default_args(name: str) -> None:
    given: dict[str, Any] = {"task_id": "t", **NEEDED["PigmentTriggerImportOperator"]}
    with pytest.raises(InvalidInputError, match=f"PigmentTriggerImportOperator takes no {name}: it would have no eff"):
        PigmentTriggerImportOperator(**given, **{name: False})
    shared = {name: False, "max_rejected": 0, "min_rows": 1}
    with DAG("a", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC), default_args=shared):
        tasks = [task(task_id=name, **NEEDED[name]) for name, task in TASKS.items()]
    assert len(tasks) == len(TASKS)


@pytest.mark.parametrize("mode", ["poke", "deferrable"])
def test_evidence_is_not_judged_by_counts_that_it_has_not(
    mode: str, sandbox_connections: Any, make_context: Any, tmp_path: Path
) -> None:
    shared = {"max_rejected": 0, "min_rows": 1, "deferrable": mode == "deferrable", "poke_interval": 0.05}

    def sensor() -> Any:
        with DAG("a", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC), default_args=shared):
            return TASKS["BlueshiftArrivalSensor"](task_id="t", **NEEDED["BlueshiftArrivalSensor"])

    (tmp_path / "customers.csv").write_text("email,stamp\na@example.com,1\n")
    sandbox_connections.change_settings(run_seconds=0.0, blueshift={"source": str(tmp_path / "customers.csv")})
    BlueshiftHook().trigger_customer_import(blueshift.LAUNCHED_UUID)
    assert finish(sensor, make_context())["state"] == "evidence"
