"""
What is published, built and installed, and the example of a vendor from outside.

The wheels are installed into a new environment. `make test` lends it the dependencies that are already there; with
`make test-wheel` it is empty, and pip fetches them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from typing import TYPE_CHECKING

import pytest

from tests.distribution.vendors import ROOT

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLE = ROOT / "example_vendor"
CONSTRAINTS = ROOT / "constraints" / "airflow-3.3.2.txt"
#: A folder with distributions that are there already.
DIST = os.environ.get("DIST")
FROM_NOTHING = bool(os.environ.get("WHEEL_FROM_NOTHING"))


def build(folder: Path, source: Path, *options: str) -> Path:
    """Build a distribution, and return the folder that it is in."""
    for module in ("build", "hatchling"):
        pytest.importorskip(module, reason=f"{module} is only in the environment of `make test`")
    command = [sys.executable, "-m", "build", "--no-isolation", *options, "--outdir", str(folder), str(source)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return folder


def run(python: Path, folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the new environment's Python, isolated from this checkout."""
    command = [str(python), "-I", *arguments]
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the wheel and the source distribution of the package."""
    return (ROOT / DIST).resolve() if DIST else build(tmp_path_factory.mktemp("dist"), ROOT)


@pytest.fixture(scope="session")
def example_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the example of a vendor from outside."""
    (wheel,) = build(tmp_path_factory.mktemp("example"), EXAMPLE, "--wheel").glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def installed(built: Path, example_wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a new environment, into which both wheels were installed."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    (wheel,) = built.glob("*.whl")
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if FROM_NOTHING:
        command += [f"{wheel}[oauth2,testing]", str(example_wheel), "--constraint", str(CONSTRAINTS)]
    else:
        (packages,) = folder.glob("lib/python*/site-packages")
        (packages / "lent.pth").write_text(sysconfig.get_path("purelib"))
        command += [str(wheel), str(example_wheel), "--no-deps"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return python
