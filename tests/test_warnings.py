"""What our modules make Airflow or a library warn of is a fault of ours, on every Airflow."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import airflow.models  # noqa: F401  (has the whole of Airflow set its filters)
import pytest

import airflow_provider_imports
from airflow_provider_imports.version_compat import AIRFLOW_V_3_3_PLUS

PACKAGE = Path(airflow_provider_imports.__file__).parent
#: Import every module of a package anew, and tell which warnings it causes: those that name one of its files, and those
#: that name a shim between it and what it imports.
LOOK = """
import importlib, json, pkgutil, sys, warnings
from pathlib import Path
import airflow.models

package = importlib.import_module(sys.argv[1])
told, refused = [], []

def importer(frame):
    while frame is not None and frame.f_code.co_name != "<module>":
        frame = frame.f_back
    return frame.f_code.co_filename if frame else ""

def note(message, category, filename, lineno, file=None, line=None):
    if any(Path(one).is_relative_to(Path(package.__file__).parent) for one in (filename, importer(sys._getframe()))):
        told.append(f"{category.__name__}: {message}")

warnings.simplefilter("always")
warnings.showwarning = note
names = [one.name for one in pkgutil.walk_packages(package.__path__, package.__name__ + ".")]
for name in names:
    try:
        importlib.import_module(name)
    except ImportError:
        refused.append(name)
print(json.dumps({"names": names, "told": told, "refused": refused}))
"""


def deprecated() -> None:
    warnings.warn("use something else", DeprecationWarning, stacklevel=2)


def is_an_error_in(module: str) -> bool:
    """Whether code of this module that uses what is deprecated fails."""
    try:
        exec("deprecated()", {"__name__": module, "deprecated": deprecated})
    except DeprecationWarning:
        return True
    return False


WHEN_TESTS_ARE_IMPORTED = is_an_error_in("airflow_provider_imports.hooks.base")


def imported(package: str, folder: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", LOOK, package], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return seen


def test_a_warning_of_our_modules_fails_the_test_that_runs_into_it() -> None:
    assert WHEN_TESTS_ARE_IMPORTED
    assert is_an_error_in("airflow_provider_imports")
    assert is_an_error_in("airflow_provider_imports.hooks.base")


@pytest.mark.filterwarnings("ignore:use something else:DeprecationWarning")
def test_a_warning_of_others_does_not() -> None:
    assert not is_an_error_in("airflow.models.dag")


def test_no_module_imports_what_is_deprecated() -> None:
    seen = imported("airflow_provider_imports", PACKAGE.parent)

    assert seen["told"] == []
    assert "airflow_provider_imports.operators.pigment" in seen["names"]
    needed = {"lineage_facets": find_spec("openlineage") is not None, "retry_policy": AIRFLOW_V_3_3_PLUS}
    assert seen["refused"] == [f"airflow_provider_imports.{name}" for name, is_there in needed.items() if not is_there]


def test_what_is_deprecated_would_be_noticed(tmp_path: Path) -> None:
    warn = "import warnings\n{}warnings.warn({!r}, DeprecationWarning, stacklevel=2)\n"
    (tmp_path / "a_shim.py").write_text(warn.format("def __getattr__(name):\n    ", "an old name") + "    return 1\n")
    (tmp_path / "an_old_module.py").write_text(warn.format("", "an old module"))
    package = tmp_path / "a_package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "a.py").write_text("import warnings\nwarnings.warn('its own')")
    (package / "b.py").write_text("from a_shim import old")
    (package / "c.py").write_text("import an_old_module")

    assert set(imported("a_package", tmp_path)["told"]) == {
        "UserWarning: its own",
        "DeprecationWarning: an old name",
        "DeprecationWarning: an old module",
    }
