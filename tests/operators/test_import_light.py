"""What a Dag file pays for importing our operators and sensors, at every parse: next to nothing."""

from __future__ import annotations

import os
import pkgutil
import subprocess
import sys

import pytest

from airflow_provider_imports import operators, sensors
from airflow_provider_imports.operators.pigment import PigmentTriggerImportOperator
from airflow_provider_imports.sensors.pigment import PigmentImportSensor
from airflow_provider_imports.version_compat import AIRFLOW_V_3_3_PLUS

pytestmark = pytest.mark.skipif(
    not AIRFLOW_V_3_3_PLUS, reason="measured beyond what Airflow 3.3 has loaded; older versions load other things"
)

MODULES = sorted(
    f"{package.__name__}.{module.name}"
    for package in (operators, sensors)
    for module in pkgutil.iter_modules(package.__path__)
)
IMPORTS = "\n".join(f"import {module}" for module in MODULES)
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
"""What no Dag file should load for us."""
LIGHT = ("airflow_provider_imports.", "airflow.providers.common.compat", "airflow.sdk.bases.operatorlink")
"""What they may load besides the standard library."""

LOADED = """
import sys
import airflow.sdk
from airflow.providers.common.compat.sdk import BaseOperator, BaseSensorOperator
before = set(sys.modules)
{imports}
print("\\n".join(sorted(set(sys.modules) - before)))
"""


def python(script: str, **environment: str) -> str:
    """Run a script in a fresh interpreter, and give what it printed."""
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_there_are_modules_to_look_at() -> None:
    assert "airflow_provider_imports.operators.pigment" in MODULES
    assert "airflow_provider_imports.sensors.pigment" in MODULES


def test_importing_them_loads_no_http_library_and_no_hook() -> None:
    loaded = python(LOADED.format(imports=IMPORTS)).split()
    assert set(MODULES) <= set(loaded)
    assert [name for name in loaded if name.startswith(FORBIDDEN)] == []


def test_importing_them_loads_nothing_else_of_airflow_and_no_library() -> None:
    loaded = python(LOADED.format(imports=IMPORTS)).split()
    others = [name for name in loaded if not name.startswith(LIGHT)]
    assert [name for name in others if name.partition(".")[0] not in sys.stdlib_module_names] == []


def test_deferrable_is_by_default_what_airflow_is_configured_to() -> None:
    assert PigmentTriggerImportOperator(task_id="a", configuration_id="x").deferrable is False
    assert PigmentImportSensor(task_id="b", import_id="x").deferrable is False
    script = """
from airflow_provider_imports.operators.pigment import PigmentTriggerImportOperator
from airflow_provider_imports.sensors.pigment import PigmentImportSensor
print(PigmentTriggerImportOperator(task_id="a", configuration_id="x").deferrable)
print(PigmentImportSensor(task_id="b", import_id="x").deferrable)
"""
    assert python(script, AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE="True").split()[-2:] == ["True", "True"]
