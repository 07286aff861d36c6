"""What the pages tell people to type does something: each block of a terminal runs, as it stands on the page.

``make`` prints what it would do, ``pip`` finds the wheel and installs nothing, and ``airflow`` has a database, but
runs no DAG. What needs a container engine is left to test_deploy.py, and the quickstart to test_tutorial.py.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests
from airflow.models.connection import Connection

from airflow_provider_imports.installed import installed
from tests.docs.test_code_blocks import BLOCKS, ROOT, SHELL, Block, commands
from tests.docs.tutorial import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

AT_MOST_SECONDS = 300
IN_SHELL = [one for one in BLOCKS if one.language in SHELL and not one.where.startswith("docs/quickstart")]
OF_THE_SANDBOX = [one for one in IN_SHELL if one.where.startswith("docs/sandbox")]
TYPED = [one for one in IN_SHELL if one not in OF_THE_SANDBOX and "docker" not in one.text]


def typed(block: Block) -> str:
    """What is typed of a block."""
    lines = block.text.splitlines()
    return "\n".join(line[2:] for line in lines if line[:2] == "$ ") if block.language == "console" else block.text


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables of a shell in which ``airflow`` has a database, and ``pip`` this package's wheel."""
    wheels, home = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("home")
    (home / ".curlrc").write_text("fail\n")  # else an answer like 404 is none of curl's business
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")},
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "example_dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "CURL_HOME": str(home),
        "MAKEFLAGS": "n",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_DRY_RUN": "1",
        "PIP_FIND_LINKS": str(wheels),
        "PIP_IGNORE_INSTALLED": "1",
        "PIP_NO_BUILD_ISOLATION": "0",
        "PIP_NO_DEPS": "1",
        "PIP_NO_INDEX": "1",
    }
    for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH"):
        environment.pop(name, None)
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

    printed = in_shell(typed(block), environment)

    for words in commands(block):
        if words[:3] == ["airflow", "connections", "add"]:
            assert f"`conn_id`={words[3]}" in printed
        if words[:3] == ["airflow", "pools", "set"]:
            (pool,) = json.loads(in_shell(f"airflow pools get {words[3]} --output json 2>/dev/null", environment))
            assert (pool["slots"], pool["include_deferred"]) == (words[4], "True")
        if words[:2] == ["airflow", "backfill"]:
            assert "2026-01-07" in printed
        if words[:2] == ["pip", "install"]:
            assert "Would install airflow-provider-imports" in printed
            assert "does not provide the extra" not in printed


@pytest.mark.parametrize("block", [one for one in TYPED if "AIRFLOW_CONN_" in one.text], ids=lambda block: block.where)
def test_a_connection_that_is_exported_is_one(block: Block) -> None:
    printed = in_shell(f"{block.text}\nenv --null", {"PATH": os.environ["PATH"]})
    variables = dict(one.split("=", 1) for one in printed.split("\0") if one.startswith("AIRFLOW_CONN_"))

    assert variables
    for name, value in variables.items():
        connection = Connection.from_json(value)
        assert name == f"AIRFLOW_CONN_{connection.conn_type.upper()}_DEFAULT"
        assert set(connection.extra_dejson) <= set(installed().entries[connection.conn_type].conn_fields)


@pytest.fixture(scope="module")
def sandbox_of_the_page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The sandbox, started as the page says; gives its address."""
    (start,) = (typed(one) for one in OF_THE_SANDBOX if one.language == "console")
    terminal = Terminal(tmp_path_factory.mktemp("terminal"))
    terminal.type(f'PATH="{Path(sys.executable).parent}:$PATH" {start}\n')
    try:
        terminal.wait_for("Sandbox on")
        yield "http://127.0.0.1:8765/_sandbox"
    finally:
        terminal.close()


@pytest.mark.long
def test_what_is_typed_reaches_the_sandbox(sandbox_of_the_page: str, environment: dict[str, str]) -> None:
    for block in OF_THE_SANDBOX:
        if block.language == "bash":
            in_shell(block.text, environment)

    faults = requests.get(f"{sandbox_of_the_page}/faults", timeout=10).json()
    settings = requests.get(f"{sandbox_of_the_page}/settings", timeout=10).json()
    assert [one["operation"] for one in faults] == ["push_csv"]
    assert settings["bloomreach"]["source"] == "/tmp/customers.csv"
