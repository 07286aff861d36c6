"""What the pages tell people to type does something: each block of a terminal runs, as it stands on the page.

``make`` prints what it would do, ``pip`` finds the wheel and installs nothing, and ``airflow`` has a database, but
runs no DAG. Of what needs a container engine, only the commands within the container run here; test_deploy.py checks
the files. The quickstart is left to test_tutorial.py.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests
from airflow.models.connection import Connection

from airflow_provider_imports.installed import installed
from airflow_provider_imports.sandbox.__main__ import DEFAULT_PORT
from tests.docs import tutorial
from tests.docs.test_code_blocks import BLOCKS, ROOT, SHELL, Block, commands, typed
from tests.system.running_airflow import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

AT_MOST_SECONDS = 300
IN_SHELL = [one for one in BLOCKS if one.language in SHELL and not one.where.startswith("docs/quickstart")]
OF_THE_SANDBOX = [one for one in IN_SHELL if one.where.startswith("docs/sandbox")]
TYPED = [one for one in IN_SHELL if one not in OF_THE_SANDBOX]
EXPORTS = [one for one in TYPED if "AIRFLOW_CONN_" in one.text]
IN_CONTAINER = re.compile(r"^docker compose --file \S+ exec airflow ", re.MULTILINE)
BY_ENGINE = re.compile(r"^docker .*\n", re.MULTILINE)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables of a shell in which ``airflow`` has a database, and ``pip`` this package's wheel."""
    wheels, home = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("home")
    (home / ".curlrc").write_text("fail\n")  # makes curl fail on an HTTP error
    environment = {
        **tutorial.environment(),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "example_dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "CURL_HOME": str(home),
        "MAKEFLAGS": "n",
        "PIP_DRY_RUN": "1",
        "PIP_FIND_LINKS": str(wheels),
        "PIP_IGNORE_INSTALLED": "1",
    }
    in_shell(f"pip wheel --wheel-dir {wheels} .", {**environment, "PIP_DRY_RUN": "0"})
    in_shell("airflow db migrate && airflow dags reserialize", environment)
    return environment


def in_shell(text: str, environment: dict[str, str]) -> str:
    """Run what is typed, and return what it printed."""
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", text],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=AT_MOST_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{text}\n{done.stdout[-4000:]}"
    return done.stdout


@pytest.mark.long
@pytest.mark.parametrize("block", TYPED, ids=lambda block: block.where)
def test_what_is_typed_runs(block: Block, environment: dict[str, str], tmp_path: Path) -> None:
    database = shutil.copy(Path(environment["AIRFLOW_HOME"]) / "airflow.db", tmp_path)
    environment = {**environment, "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{database}"}

    text = BY_ENGINE.sub("", IN_CONTAINER.sub("", typed(block)))
    assert all((ROOT / file).is_file() for file in re.findall(r"^docker .*--file (\S+)", block.text, re.MULTILINE))

    printed = in_shell(text, environment)

    for words in commands(replace(block, text=text)):
        if words[:3] == ["airflow", "connections", "add"]:
            assert f"`conn_id`={words[3]}" in printed
        if words[:3] == ["airflow", "pools", "set"]:
            (pool,) = json.loads(in_shell(f"airflow pools get {words[3]} --output json 2>/dev/null", environment))
            assert (pool["slots"], pool["include_deferred"]) == (words[4], "True")
        if words[:2] == ["airflow", "backfill"]:
            attempted = printed.partition("Runs to be attempted:")[2]
            assert set(re.findall(r"2026-01-\d\d", attempted)) >= {f"2026-01-0{day}" for day in range(1, 8)}
        if words[:2] == ["pip", "install"]:
            assert "Would install airflow-provider-imports" in printed
            assert "does not provide the extra" not in printed


def test_an_exported_connection_is_valid() -> None:
    printed = in_shell("\n".join([*(one.text for one in EXPORTS), "env --null"]), {"PATH": os.environ["PATH"]})
    variables = dict(one.split("=", 1) for one in printed.split("\0") if one.startswith("AIRFLOW_CONN_"))

    assert set(variables) == {f"AIRFLOW_CONN_{vendor.upper()}_DEFAULT" for vendor in installed().entries}
    for name, value in variables.items():
        connection = Connection.from_json(value)
        assert name == f"AIRFLOW_CONN_{connection.conn_type.upper()}_DEFAULT"
        assert set(connection.extra_dejson) <= set(installed().entries[connection.conn_type].conn_fields)


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The sandbox, started as the page says, but at a port that is free; gives the port."""
    port = free_port()
    (start,) = (at(port, typed(one)) for one in OF_THE_SANDBOX if one.language == "console")
    terminal = tutorial.Terminal(tmp_path_factory.mktemp("terminal"))
    terminal.type(f'PATH="{Path(sys.executable).parent}:$PATH" {start}\n')
    try:
        terminal.wait_for("Sandbox on")
        yield port
    finally:
        terminal.close()


def at(port: int, text: str) -> str:
    """What a page says of its port, of another one."""
    assert str(DEFAULT_PORT) in text
    return text.replace(str(DEFAULT_PORT), str(port))


@pytest.mark.long
def test_what_is_typed_reaches_the_sandbox(port: int, environment: dict[str, str]) -> None:
    for block in OF_THE_SANDBOX:
        if block.language == "bash":
            in_shell(at(port, block.text), environment)

    faults = requests.get(f"http://127.0.0.1:{port}/_sandbox/faults", timeout=10).json()
    settings = requests.get(f"http://127.0.0.1:{port}/_sandbox/settings", timeout=10).json()
    assert [one["operation"] for one in faults] == ["push_csv"]
    assert settings["bloomreach"]["source"] == "/tmp/customers.csv"
