"""A vendor from outside: Harbor, a distribution of its own, installed beside the package into an empty environment."""

from __future__ import annotations

import ast
import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_imports.sandbox import Sandbox
from airflow_provider_imports.version_compat import AIRFLOW_V_3_3_PLUS
from tests.distribution.conftest import EXAMPLE, FROM_NOTHING, run
from tests.distribution.vendors import ROOT, copy_of, run_suite
from tests.test_connection_form import SERVE

if TYPE_CHECKING:
    from pathlib import Path

MOST_LINES = 120
#: One cell of the fault matrix in so many is run: fewer than of ours, but as many by `make test-wheel`.
SHARE = "23" if FROM_NOTHING else "101"
pytestmark = pytest.mark.skipif(not AIRFLOW_V_3_3_PLUS, reason="its DAG and its form are seen in Airflow 3.3")


@pytest.fixture(scope="session")
def form(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Harbor's form as Airflow's API server serves it."""
    done = run(installed, tmp_path_factory.mktemp("form"), "-c", SERVE)
    served: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert not [name for name in served["modules"] if name.startswith("airflow_provider_harbor.hooks")]
    shown: dict[str, Any] = served["forms"]["harbor"]
    return shown


def test_it_takes_at_most_120_lines_of_code() -> None:
    package = EXAMPLE / "airflow_provider_harbor"
    lines = {name: _lines_of_code(package / f"{name}.py") for name in ("entry", "hooks", "operators", "sensors")}

    assert sum(lines.values()) <= MOST_LINES, lines


def _lines_of_code(file: Path) -> int:
    """Lines that hold neither nothing, nor a comment, nor a docstring."""
    text = file.read_text()
    without: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            without |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return sum(
        1
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.strip().startswith("#") and number not in without
    )


def test_airflow_shows_its_form(form: dict[str, Any]) -> None:
    assert form["hook_name"] == "Harbor"
    assert form["hook_class_name"] == "airflow_provider_harbor.hooks.HarborHook"
    assert form["standard_fields"]["password"]["title"] == "API key"
    assert form["standard_fields"]["login"]["hidden"]
    assert list(form["extra_fields"])[:2] == ["timeout", "verify"]


def test_the_sandbox_starts_its_stand_in_and_airflow_runs_its_dag(
    installed: Path, tmp_path: Path, airflow_database: None
) -> None:
    serve = [str(installed), "-I", "-m", "airflow_provider_imports.sandbox", "--port", "0", "--run-seconds", "0.2"]
    with subprocess.Popen(serve, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as sandbox:
        try:
            assert sandbox.stdout is not None
            line = next(line for line in sandbox.stdout if line.startswith("export AIRFLOW_CONN_HARBOR_DEFAULT="))
            connection = line.partition("=")[2].strip().strip("'")
            more = {"AIRFLOW_CONN_HARBOR_DEFAULT": connection, "AIRFLOW__CORE__DAGS_FOLDER": str(EXAMPLE / "dags")}
            done = run(installed, tmp_path, "-m", "airflow", "dags", "test", "harbor_load_list", **more)
        finally:
            sandbox.terminate()

    assert "Harbor import (id=1): succeeded (done), 100 inserted, 0 failed" in done.stdout
    assert "state=success" in done.stdout


def test_it_is_no_part_of_the_package() -> None:
    assert "harbor" not in Sandbox().vendors


@pytest.mark.parametrize("vendor", ["example_vendor", pytest.param("tests/second_vendor", marks=pytest.mark.long)])
def test_a_vendor_from_outside_passes_the_conformance_suite(vendor: str, tmp_path: Path) -> None:
    copy_of(tmp_path, ROOT / vendor)

    done = run_suite(tmp_path, FAULT_MATRIX_STEP=SHARE)

    assert done.returncode == 0, done.stdout
    assert "left out by rule" in done.stdout
    assert "skipped" not in done.stdout
