"""How the vendor joins: its entry, what Airflow is told, its form, and what a Dag file pays for it."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

import airflow
import jsonschema
import pytest
from airflow.providers.common.compat.sdk import BaseOperatorLink

from airflow_provider_imports.hooks.base import ImportHook
from airflow_provider_imports.installed import installed_entry
from airflow_provider_imports.models import ImportRun
from airflow_provider_imports.operators.base import ImportOperator
from airflow_provider_imports.sensors.base import ImportSensor
from airflow_provider_imports.testing.suite import Suite
from airflow_provider_imports.vendors import SHARED_FIELDS
from airflow_provider_imports.version_compat import AIRFLOW_V_3_3_PLUS

if TYPE_CHECKING:
    from collections.abc import Iterable

#: What no DAG file should load for us, by the beginning of its name.
FORBIDDEN = (
    "requests",
    "urllib3",
    "aiohttp",
    "airflow.providers.http",
    "airflow_provider_imports.hooks",
    "airflow_provider_imports.http",
    "airflow_provider_imports.triggers",
    "airflow_provider_imports.sandbox",
)
#: Prints what is loaded beyond what Airflow has loaded.
_LOADED = """
import sys
import airflow.sdk
from airflow.providers.common.compat.sdk import BaseOperator, BaseSensorOperator
before = set(sys.modules)
{imports}
print("\\n".join(sorted(set(sys.modules) - before)))
"""


class Joining(Suite):
    """The entry, and what agrees with it."""

    def test_its_entry_is_found_by_its_entry_point(self) -> None:
        assert installed_entry(self.vendor()) == self.entry()

    def test_its_provider_info_is_what_airflow_accepts(self) -> None:
        info = self._provider_info()
        schema = json.loads((Path(airflow.__file__).parent / "provider_info.schema.json").read_text())
        jsonschema.validate(info, schema)
        (form,) = (one for one in info["connection-types"] if one["connection-type"] == self.vendor())
        assert form["hook-class-name"] == self.entry().hook
        listed = {kind: self._modules(info, kind) for kind in ("hooks", "operators", "sensors", "triggers")}
        assert (listed["operators"], listed["sensors"]) == ([*self.entry().operators], [*self.entry().sensors])
        assert listed["hooks"] == [self.entry().hook.rpartition(".")[0]]
        assert bool(listed["triggers"]) == bool(listed["sensors"])
        for modules in listed.values():
            assert [import_module(name).__name__ for name in modules] == modules
        names = {one["integration-name"] for one in info["integrations"]}
        assert {one["integration-name"] for kind in listed for one in info[kind]} <= names
        assert all(issubclass(resolve_name(link), BaseOperatorLink) for link in info["extra-links"])

    def _modules(self, info: dict[str, Any], kind: str) -> list[str]:
        """What is listed of the vendor."""
        own = (one for one in info[kind] if one["integration-name"] == self.entry().vendor_name)
        return [module for one in own for module in one["python-modules"]]

    def _provider_info(self) -> dict[str, Any]:
        """What its own distribution tells Airflow."""
        points = entry_points(group="apache_airflow_provider")
        (point,) = (one for one in points if one.dist is not None and one.dist.name == self.entry().distribution)
        info: dict[str, Any] = point.load()()
        assert info["package-name"] == self.entry().distribution
        return info

    def test_the_secret_is_the_password_and_every_field_may_stay_empty(self) -> None:
        entry = self.entry()
        behaviour = entry.ui_field_behaviour
        assert "password" not in behaviour["hidden-fields"]
        assert behaviour["relabeling"]["password"] != "Password"
        assert {"schema", "extra"} <= set(behaviour["hidden-fields"])
        assert behaviour["placeholders"].get("host")
        assert not set(behaviour["hidden-fields"]) & {*behaviour["relabeling"], *behaviour["placeholders"]}
        assert SHARED_FIELDS.items() <= entry.conn_fields.items()
        for name, field in entry.conn_fields.items():
            assert field["label"], name
            assert field["description"], name
            assert "null" in field["schema"]["type"], name
            assert None in field["schema"].get("enum", [None]), name
            assert not {"key", "secret", "password"} & set(name.split("_")), name

    def test_the_hook_agrees_with_its_entry(self) -> None:
        hook, entry = self.hook_class(), self.entry()
        assert issubclass(hook, ImportHook)
        assert (hook.conn_type, hook.hook_name) == (entry.conn_type, entry.vendor_name)
        assert hook.conn_name_attr == "conn_id"
        assert hook.default_conn_name == hook().conn_id == entry.default_conn_id
        assert hook("another").conn_id == "another"
        assert hook.default_host in ("", entry.ui_field_behaviour["placeholders"]["host"])
        assert hook.where_to_look
        assert hook.can_cancel == bool(self.cancels())
        assert (hook.cancel_flow is not ImportHook.cancel_flow) == hook.can_cancel
        assert (hook.newest_flow is not ImportHook.newest_flow) == (entry.slot is not None)
        assert (hook.adopt_flow is not ImportHook.adopt_flow) == any(start.adopts for start in self.starts)
        assert (hook.status_flow is not ImportHook.status_flow) == bool(entry.sensors)
        assert bool(entry.sensors) == (entry.reports_status or entry.shows_records)
        assert entry.reports_status == any(start.waits for start in self.starts)

    def test_the_form_of_older_versions_is_the_same(self) -> None:
        behaviour = self.hook_class().get_ui_field_behaviour()
        schema = Path(airflow.__file__).parent / "customized_form_field_behaviours.schema.json"
        jsonschema.validate(behaviour, json.loads(schema.read_text()))
        assert {name.replace("_", "-"): one for name, one in behaviour.items()} == self.entry().ui_field_behaviour

    def test_the_stand_in_serves_under_the_connection_type(self) -> None:
        assert resolve_name(self.entry().stand_in).name == self.vendor()

    def test_every_operator_and_sensor_is_listed_documented_and_templated(self) -> None:
        classes = self._classes()
        assert {start.operator for start in self.starts} | {wait.sensor for wait in self.sensors} <= classes
        for one in classes:
            assert "conn_id" in one.template_fields, one
            assert one.__doc__, one

    def _classes(self) -> set[Any]:
        modules = (*self.entry().operators, *self.entry().sensors)
        return {
            one
            for module in modules
            for one in vars(import_module(module)).values()
            if isinstance(one, type) and issubclass(one, ImportOperator | ImportSensor) and hasattr(one, "entry")
        }

    @pytest.mark.skipif(not AIRFLOW_V_3_3_PLUS, reason="measured beyond what Airflow 3.3 has loaded")
    def test_importing_operators_and_sensors_loads_no_http_library_and_no_hook(self) -> None:
        loaded = loaded_with((*self.entry().operators, *self.entry().sensors))
        own = self.entry().hook.rpartition(".")[0]
        assert [name for name in loaded if name.startswith((*FORBIDDEN, own))] == []

    def test_a_run_survives_json(self, reach: Any, make_context: Any, tmp_path: Path) -> None:
        reach("direct")
        run = self.starts[0].begin(tmp_path, make_context())
        assert run.vendor == self.vendor()
        assert ImportRun.from_json(json.loads(json.dumps(run.to_json()))) == run


def loaded_with(modules: Iterable[str]) -> list[str]:
    """All that importing these loads in a fresh interpreter, beyond what Airflow has loaded."""
    script = _LOADED.format(imports="\n".join(f"import {module}" for module in modules))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded = done.stdout.split()
    assert set(modules) <= set(loaded)
    return loaded
