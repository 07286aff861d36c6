"""mypy and pyright find the mistakes of a DAG's author, and nothing in the example DAGs."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import BaseOperator, BaseSensorOperator

from airflow_provider_imports import arguments
from airflow_provider_imports.operators.pigment import PigmentPushCsvOperator
from airflow_provider_imports.operators.rocketchat import RocketChatCreateImportOperator, RocketChatImportUsersOperator
from airflow_provider_imports.operators.websale import WebsaleStartImportOperator
from airflow_provider_imports.sensors.pigment import PigmentImportSensor
from airflow_provider_imports.version_compat import AIRFLOW_V_3_3_PLUS
from tests.public_classes import public_classes

ROOT = Path(__file__).parents[2]
MISTAKES = Path(__file__).parent / "mistakes.py"
EXAMPLES = ROOT / "example_dags"
NEWEST = pytest.mark.skipif(not AIRFLOW_V_3_3_PLUS, reason="the types are those of the newest Airflow")


#: What both miss in Airflow's own types: attrs' converters, and the context that a task is called with.
AIRFLOWS_OWN = re.compile(
    r'"ParamsDict"|expected "_T"|Too few arguments|Argument missing for parameter "(params|ti|triggering_asset_events)"'
)


def mypy(*paths: Path) -> list[tuple[str, int]]:
    """File and line of each error."""
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--hide-error-context", *map(str, paths)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode in (0, 1), run.stdout + run.stderr
    found = re.findall(r"^(.*?):(\d+): error: (.*)", run.stdout, re.MULTILINE)
    return [(Path(path).name, int(line)) for path, line, told in found if not AIRFLOWS_OWN.search(told)]


def pyright(*paths: Path) -> list[tuple[str, int]]:
    """File and line of each error."""
    pytest.importorskip("basedpyright", reason="pyright's engine, with its own node")
    run = subprocess.run(
        [sys.executable, "-m", "basedpyright", "--outputjson", "--level", "error", *map(str, paths)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    found: list[dict[str, Any]] = json.loads(run.stdout)["generalDiagnostics"]
    return [
        (Path(one["file"]).name, one["range"]["start"]["line"] + 1)
        for one in found
        if one["severity"] == "error" and not AIRFLOWS_OWN.search(one["message"])
    ]


checkers = pytest.mark.parametrize("checker", [mypy, pyright], ids=["mypy", "pyright"])


@NEWEST
@checkers
def test_each_mistake_is_found_and_nothing_else(checker: Any) -> None:
    lines = MISTAKES.read_text().splitlines()
    meant = {number for number, line in enumerate(lines, 1) if line.endswith("# mistake")}

    found = {line for _, line in checker(MISTAKES)}

    assert {lines[number - 1].strip() for number in meant - found} == set(), "not found"
    assert {lines[number - 1].strip() for number in found - meant} == set(), "no mistake"
    assert len(meant) >= 30


@NEWEST
@checkers
def test_nothing_is_found_in_the_example_dags(checker: Any) -> None:
    assert checker(*sorted(EXAMPLES.glob("*.py"))) == []


@NEWEST
@pytest.mark.parametrize(
    ("base", "ours"),
    [(BaseOperator, arguments.TaskArgs), (BaseSensorOperator, arguments.AirflowSensorArgs)],
    ids=["operator", "sensor"],
)
def test_every_parameter_of_airflows_own_is_known(base: type, ours: Any) -> None:
    theirs = set(inspect.signature(base.__init__).parameters) - {"self", "kwargs"}  # type: ignore[misc]

    assert theirs - {"poke_interval"} <= set(ours.__annotations__)


def test_the_whole_signature_shows_every_parameter_with_its_default() -> None:
    push = inspect.signature(PigmentPushCsvOperator).parameters
    assert {"configuration_id", "file_path", "timeout", "max_rejected", "min_rows", "durable"} <= set(push)
    assert (push["conn_id"].default, push["timeout"].default, push["poll_interval"].default) == (
        "pigment_default",
        86400,
        15,
    )
    start = inspect.signature(WebsaleStartImportOperator).parameters
    assert next(iter(start)) == "service", "what is required comes first"
    assert (start["poll_interval"].default, start["max_poll_interval"].default) == (5, 30)
    assert start["if_running"].default == "fail"
    assert inspect.signature(RocketChatImportUsersOperator).parameters["poll_interval"].default == 10
    assert "wait_for_completion" not in inspect.signature(RocketChatCreateImportOperator).parameters
    assert "outage_tolerance" in inspect.signature(PigmentImportSensor).parameters


@pytest.mark.parametrize(
    "public",
    [one for one in public_classes() if issubclass(one, BaseOperator)],
    ids=lambda public: public.__name__,
)
def test_every_parameter_is_one_that_type_checkers_know(public: type) -> None:
    known: set[str] = set()
    for one in public.__mro__:
        init = vars(one).get("__init__")
        if init is not None and one.__module__.startswith("airflow_provider_imports."):
            for parameter in inspect.signature(init).parameters.values():
                assert (
                    parameter.kind is not parameter.VAR_KEYWORD
                    or parameter.annotation != "Any"
                    or (public is PigmentPushCsvOperator)
                ), "its overloads say it"
                known.add(parameter.name)
    assert set(inspect.signature(public).parameters) <= known
