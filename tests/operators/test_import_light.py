"""What a DAG file pays for importing our operators and sensors, at every parse: next to nothing."""

from __future__ import annotations

import os
import pkgutil
import subprocess
import sys

import pytest

from airflow_provider_imports import operators, sensors
from airflow_provider_imports.operators.pigment import PigmentTriggerImportOperator
from airflow_provider_imports.sensors.pigment import PigmentImportSensor
from airflow_provider_imports.testing.joining import FORBIDDEN, loaded_with
from airflow_provider_imports.version_compat import AIRFLOW_V_3_3_PLUS

pytestmark = pytest.mark.skipif(
    not AIRFLOW_V_3_3_PLUS, reason="measured beyond what Airflow 3.3 has loaded; older versions load other things"
)

MODULES = sorted(
    f"{package.__name__}.{module.name}"
    for package in (operators, sensors)
    for module in pkgutil.iter_modules(package.__path__)
)
LIGHT = ("airflow_provider_imports.", "airflow.providers.common.compat", "airflow.sdk.bases.operatorlink")
"""What they may load besides the standard library."""


@pytest.fixture(scope="module")
def loaded() -> list[str]:
    return loaded_with(MODULES)


def test_there_are_modules_to_look_at() -> None:
    assert "airflow_provider_imports.operators.pigment" in MODULES
    assert "airflow_provider_imports.sensors.pigment" in MODULES


def test_importing_them_loads_no_http_library_and_no_hook(loaded: list[str]) -> None:
    assert [name for name in loaded if name.startswith(FORBIDDEN)] == []


def test_importing_them_loads_nothing_else_of_airflow_and_no_library(loaded: list[str]) -> None:
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
    environment = {**os.environ, "AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE": "True"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split()[-2:] == ["True", "True"]
