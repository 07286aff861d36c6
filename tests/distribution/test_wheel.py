"""What is published: the wheel and the source distribution, also as they are installed (see conftest.py)."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import airflow_provider_imports
from tests.distribution.conftest import run
from tests.distribution.vendors import ROOT


def test_the_wheel_holds_the_package_and_nothing_else(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())

    ours = {str(file.relative_to(ROOT)) for file in (ROOT / "airflow_provider_imports").rglob("*.py")}
    info = f"airflow_provider_imports-{airflow_provider_imports.__version__}.dist-info"
    files = ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")
    data = {f"airflow_provider_imports/{name}" for name in ("py.typed", "manifest.schema.json")}
    assert names == ours | data | {f"{info}/{file}" for file in files}
    assert "airflow_provider_imports/sandbox/app.py" in names


def test_the_source_distribution_holds_what_tests_and_docs_need(built: Path) -> None:
    (source,) = built.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}

    assert {"LICENSE", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile", "pyproject.toml"} <= names
    assert {"tests/conftest.py", "docs/conf.py", "constraints/airflow-lowest.txt"} <= names


def test_the_wheels_page_has_no_link_that_leads_nowhere(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (one for one in archive.namelist() if one.endswith("/METADATA"))
        page = archive.read(name).decode().partition("\n\n")[2]

    targets = re.findall(r"\]\(([^)]+)\)", page)
    assert [one for one in targets if "://" not in one and not one.startswith("#")] == []
    assert "Never twice, never lost (`docs/never-twice-never-lost.rst`)" in page
    assert "![" not in page


def test_both_distributions_are_what_a_package_index_takes(built: Path) -> None:
    pytest.importorskip("twine", reason="twine is only in the environment of `make test`")
    files = sorted(map(str, built.iterdir()))
    assert [file.rpartition(".")[2] for file in files] == ["whl", "gz"]

    done = subprocess.run([sys.executable, "-m", "twine", "check", "--strict", *files], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


# Installed

# Airflow's configuration sets filters of its own, for every module whose name begins like Airflow's.
LOOK = """
import importlib, json, pkgutil, warnings
from importlib.metadata import distribution
import airflow.configuration
warnings.filterwarnings("error", module=r"airflow_provider_imports\\b")
import airflow_provider_imports as package
names = [one.name for one in pkgutil.walk_packages(package.__path__, "airflow_provider_imports.")]
for name in names:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        assert (name, error.name) == ("airflow_provider_imports.lineage_facets", "openlineage")  # an extra
files = [str(file) for file in distribution("airflow-provider-imports").files]
print(json.dumps({"place": package.__file__, "modules": names, "files": files, "version": package.__version__}))
"""


@pytest.fixture(scope="module")
def looked_at(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str | list[str]]:
    """What the installed package is, seen from a folder without the checkout; a warning of ours is an error."""
    done = run(installed, tmp_path_factory.mktemp("elsewhere"), "-c", LOOK)
    seen: dict[str, str | list[str]] = json.loads(done.stdout.splitlines()[-1])
    return seen


def test_every_module_of_the_installed_wheel_imports_without_a_warning(
    installed: Path, looked_at: dict[str, str | list[str]]
) -> None:
    package = ROOT / "airflow_provider_imports"
    files = (file.relative_to(ROOT).with_suffix("") for file in package.rglob("*.py"))
    ours = {".".join(file.parts).removesuffix(".__init__") for file in files}

    assert Path(str(looked_at["place"])).is_relative_to(installed.parents[1])
    assert {*looked_at["modules"], "airflow_provider_imports"} == ours
    assert looked_at["version"] == airflow_provider_imports.__version__


def test_the_installed_wheel_brings_its_types_and_licence_and_no_tests(
    looked_at: dict[str, str | list[str]],
) -> None:
    files = [file for file in looked_at["files"] if not file.endswith(".pyc")]

    assert "airflow_provider_imports/py.typed" in files
    assert [file for file in files if file.endswith("/licenses/LICENSE")]
    info = f"airflow_provider_imports-{airflow_provider_imports.__version__}.dist-info"
    assert {file.partition("/")[0] for file in files} == {"airflow_provider_imports", info}


def test_airflow_lists_both_installed_wheels(installed: Path, tmp_path: Path) -> None:
    done = run(installed, tmp_path, "-m", "airflow", "providers", "list", "--output", "json")

    providers = {one["package_name"]: one for one in json.loads(done.stdout[done.stdout.index("[{") :])}
    ours = providers["airflow-provider-imports"]
    assert ours["version"] == airflow_provider_imports.__version__
    assert "Pigment" in ours["description"]
    assert "Harbor" in providers["airflow-provider-harbor"]["description"]
