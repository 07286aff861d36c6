"""What is published: the wheel and the source distribution, and the example of a sixth vendor."""

from __future__ import annotations

import ast
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import airflow_provider_imports

ROOT = Path(__file__).parents[1]
HARBOR = ROOT / "tests" / "docs" / "harbor"
MOST_LINES_OF_A_VENDOR = 120


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with both distributions."""
    for module in ("build", "hatchling"):
        pytest.importorskip(module, reason=f"{module} is only in the environment of `make test`")
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return folder


def test_the_wheel_holds_the_package_and_nothing_else(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())

    ours = {str(file.relative_to(ROOT)) for file in (ROOT / "airflow_provider_imports").rglob("*.py")}
    info = f"airflow_provider_imports-{airflow_provider_imports.__version__}.dist-info"
    files = ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")
    assert names == ours | {"airflow_provider_imports/py.typed"} | {f"{info}/{file}" for file in files}
    assert "airflow_provider_imports/sandbox/app.py" in names


def test_the_source_distribution_holds_what_tests_and_docs_need(built: Path) -> None:
    (source,) = built.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}

    assert {"LICENSE", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile", "pyproject.toml"} <= names
    assert {"tests/conftest.py", "docs/conf.py", "constraints/airflow-lowest.txt"} <= names


def test_a_sixth_vendor_takes_at_most_120_lines_of_code() -> None:
    lines = {str(file.relative_to(HARBOR)): _lines_of_code(file) for file in HARBOR.rglob("*.py")}

    floors = {f"{floor}/harbor.py" for floor in ("hooks", "operators", "sensors", "sandbox")}
    assert lines.keys() == {"entry.py", *floors}
    assert sum(lines.values()) <= MOST_LINES_OF_A_VENDOR, lines


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
