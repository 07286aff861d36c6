"""The made-up vendor of docs/adding-a-vendor.rst works as it is shown there."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.common.compat.sdk import TaskDeferred

from airflow_provider_imports.exceptions import (
    ImportFailedError,
    ImportTimeoutError,
    UnknownOutcomeError,
    VendorAuthError,
)
from airflow_provider_imports.installed import GROUP, installed
from airflow_provider_imports.models import ImportRun
from airflow_provider_imports.sandbox import Sandbox
from airflow_provider_imports.triggers.imports import ImportTrigger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Context = dict[str, Any]
ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "adding-a-vendor.rst"
EXAMPLE = ROOT / "example_vendor"


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Harbor is installed, as far as this process is concerned."""
    folder = tmp_path / "airflow_provider_harbor-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: airflow-provider-harbor\nVersion: 1\n")
    (folder / "entry_points.txt").write_text(f"[{GROUP}]\nharbor = airflow_provider_harbor.entry:HARBOR\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.syspath_prepend(str(EXAMPLE))
    installed.cache_clear()
    yield
    installed.cache_clear()
    for name in [name for name in sys.modules if name.startswith("airflow_provider_harbor")]:
        del sys.modules[name]


@pytest.fixture
def harbor(registered: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A sandbox with a sixth vendor, and the connection that leads to it."""
    with Sandbox(port=0, run_seconds=0.2).in_thread() as running:
        monkeypatch.setenv("AIRFLOW_CONN_HARBOR_DEFAULT", running.connection_env()["AIRFLOW_CONN_HARBOR_DEFAULT"])
        yield running


def of_harbor(name: str) -> Any:
    """A class of Harbor, by its place in its package."""
    return resolve_name(f"airflow_provider_harbor.{name}")


def task(name: str = "customers", **parameters: Any) -> Any:
    operator = of_harbor("operators.HarborLoadListOperator")
    return operator(task_id="load", name=name, poll_interval=0.05, **parameters)


def test_its_form_on_airflow_before_3_2_is_the_entrys(registered: None) -> None:
    behaviour = of_harbor("hooks.HarborHook").get_ui_field_behaviour()

    assert behaviour["relabeling"] == {"password": "API key"}
    assert "login" in behaviour["hidden_fields"]


def test_its_connection_is_read_by_the_entrys_fields(harbor: Sandbox, set_connection: Callable[..., str]) -> None:
    extra = {"timeout": 7, "unheard_of": 1}
    set_connection("slow_harbor", conn_type="harbor", host=f"{harbor.url}/harbor", password="x", extra=extra)

    assert of_harbor("hooks.HarborHook")("slow_harbor").client.settings.timeout == 7


# It works


def test_a_list_is_loaded_and_waited_for(harbor: Sandbox, make_context: Callable[..., Context]) -> None:
    manifest = task().execute(make_context())

    assert manifest["state"] == "succeeded"
    assert manifest["run"] == {"id": "1"}
    assert manifest["counts"]["inserted"] == 100
    assert [entry.operation for entry in harbor.entries("harbor") if entry.acted] == ["load_list"]


async def test_it_can_be_waited_for_in_the_triggerer(harbor: Sandbox, make_context: Callable[..., Context]) -> None:
    operator = task(deferrable=True)
    with pytest.raises(TaskDeferred) as deferred:
        operator.execute(make_context())
    trigger = deferred.value.trigger
    assert isinstance(trigger, ImportTrigger)

    event = await anext(trigger.run())

    manifest = operator.execute_complete(make_context(), event.payload)
    assert manifest["state"] == "succeeded"


def test_a_broken_list_fails_the_task(harbor: Sandbox, make_context: Callable[..., Context]) -> None:
    with pytest.raises(ImportFailedError, match=r"Harbor import \(id=1\) failed"):
        task("broken").execute(make_context())


def test_the_deadline_cancels_the_import(harbor: Sandbox, make_context: Callable[..., Context]) -> None:
    harbor.change_settings(run_seconds=3600)

    with pytest.raises(ImportTimeoutError, match=r"Harbor canceled the import \(id=1\)"):
        task(timeout=0.2).execute(make_context())

    assert [entry.operation for entry in harbor.entries("harbor") if entry.acted] == ["load_list", "cancel_import"]


def test_a_second_try_goes_on_with_the_import_of_the_first(
    harbor: Sandbox, make_context: Callable[..., Context]
) -> None:
    harbor.add_fault(vendor="harbor", operation="get_import", fault="status", status=401)
    with pytest.raises(VendorAuthError):
        task().execute(make_context())

    manifest = task().execute(make_context(try_number=2))

    assert manifest["run"] == {"id": "1"}
    assert len(harbor.entries("harbor", "load_list")) == 1


def test_somebody_elses_import_can_be_waited_for(harbor: Sandbox, make_context: Callable[..., Context]) -> None:
    run = of_harbor("hooks.HarborHook")().load_list("customers")

    sensor = of_harbor("sensors.HarborImportSensor")
    manifest = sensor(task_id="wait", number=run.key["id"], poke_interval=0.05).execute(make_context())

    assert manifest["run"] == {"id": "1"}
    assert manifest["state"] == "succeeded"


def test_the_connection_can_be_tested(harbor: Sandbox, set_connection: Callable[..., str]) -> None:
    set_connection("other_harbor", conn_type="harbor", host=f"{harbor.url}/harbor", password="not-the-key")

    hook = of_harbor("hooks.HarborHook")

    assert hook().test_connection() == (True, "Harbor accepted the API key.")
    accepted, message = hook("other_harbor").test_connection()
    assert not accepted
    assert "The credentials were refused" in message
    assert {entry.operation for entry in harbor.entries("harbor")} == {"list_imports"}


def test_an_unclear_start_is_not_repeated(harbor: Sandbox, make_context: Callable[..., Context]) -> None:
    harbor.add_fault(vendor="harbor", operation="load_list", fault="truncated_json")

    with pytest.raises(UnknownOutcomeError, match="Look at Imports > History in Harbor"):
        task().execute(make_context())

    assert len(harbor.entries("harbor", "load_list")) == 1


def test_the_run_survives_json(harbor: Sandbox) -> None:
    run = of_harbor("hooks.HarborHook")().load_list("customers")

    assert ImportRun.from_json(json.loads(json.dumps(run.to_json()))) == run


def test_the_page_shows_these_files() -> None:
    page = PAGE.read_text()

    files = {f"airflow_provider_harbor/{name}.py" for name in ("entry", "hooks", "operators", "sensors", "sandbox")}
    shown = set(re.findall(r"literalinclude:: ../example_vendor/(\S+)", page))
    assert {*files, "pyproject.toml"} <= shown
