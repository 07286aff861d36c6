"""What a DAG file pays for importing an operator, in fresh interpreters, and for 100 tasks."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_imports.get_provider_info import get_provider_info
from tests.benchmarks.figure import Figure, Goal, Row, interleaved, machine, median

if TYPE_CHECKING:
    import argparse

TITLE = "Parsing: milliseconds that an import costs beyond airflow.sdk, in a fresh interpreter"
REPOSITORY = Path(__file__).parents[2]
PEERS = (
    "airflow.providers.airbyte.operators.airbyte",
    "airflow.providers.http.operators.http",
    "airflow.providers.http.sensors.http",
)
TASKS = 100
GOAL = Goal(15, of="value")
BEFORE = "import time, airflow.sdk; from airflow.sdk import DAG, BaseOperator, BaseSensorOperator; "
IMPORT = BEFORE + "start = time.perf_counter(); import {module}; print(1000 * (time.perf_counter() - start))"
PARSE = BEFORE + "start = time.perf_counter(); exec(open({file!r}).read()); print(1000 * (time.perf_counter() - start))"
OURS = """
from airflow_provider_imports.operators.pigment import PigmentPushCsvOperator
with DAG("a_hundred"):
    for number in range({tasks}):
        PigmentPushCsvOperator(task_id=f"push_{{number}}", configuration_id="c", file_path="/data/plan.csv")
"""
THEIRS = """
from airflow.providers.http.operators.http import HttpOperator
with DAG("a_hundred"):
    for number in range({tasks}):
        HttpOperator(task_id=f"push_{{number}}", endpoint="/import", data="a;b")
"""


def our_modules() -> list[str]:
    """Every module that has an operator or a sensor."""
    info = get_provider_info()
    return [module for kind in ("operators", "sensors") for one in info[kind] for module in one["python-modules"]]


def milliseconds(code: str) -> dict[str, float]:
    """Run code in a fresh interpreter that has bytecode of everything; it prints a number."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    return {"ms": float(run.stdout.splitlines()[-1])}


def run(options: argparse.Namespace) -> Figure:
    """Measure every module of ours, the peers, and two DAG files."""
    modules = our_modules()
    with tempfile.TemporaryDirectory() as folder:
        files = {"ours": Path(folder) / "ours.py", "theirs": Path(folder) / "theirs.py"}
        files["ours"].write_text(OURS.format(tasks=TASKS))
        files["theirs"].write_text(THEIRS.format(tasks=TASKS))
        candidates = {module: partial(milliseconds, IMPORT.format(module=module)) for module in (*modules, *PEERS)}
        candidates |= {name: partial(milliseconds, PARSE.format(file=str(file))) for name, file in files.items()}
        for once in candidates.values():
            once()  # writes the bytecode
        found = interleaved(max(options.rounds, 5), candidates)
    best = min(PEERS, key=lambda peer: median(found[peer], "ms"))
    rows = [
        Row(
            _short(module),
            median(found[module], "ms"),
            _short(best),
            median(found[best], "ms"),
            goal=Goal(15, of="value"),
        )
        for module in modules
    ]
    rows += [
        Row(_short(modules[0]), median(found[modules[0]], "ms"), _short(peer), median(found[peer], "ms"))
        for peer in PEERS
    ]
    ours, theirs = (median(found[name], "ms") for name in files)
    rows.append(Row(f"a DAG file with {TASKS} tasks", ours, f"{TASKS} HttpOperators", theirs))
    return Figure(__name__.rpartition(".")[2], TITLE, rows, machine=machine())


def _short(module: str) -> str:
    for prefix in ("airflow_provider_imports.", "airflow.providers."):
        module = module.removeprefix(prefix)
    return module
