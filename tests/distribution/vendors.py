"""Vendors from outside in this environment: their sources beside a copy of the package, as if they were installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def copy_of(folder: Path, vendor: Path) -> None:
    """Put a copy of the package and of a vendor's distribution into a folder, with the vendor's metadata."""
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "airflow_provider_imports", folder / "airflow_provider_imports", ignore=ignore)
    shutil.copytree(vendor, folder, dirs_exist_ok=True, ignore=ignore)
    project = tomllib.loads((vendor / "pyproject.toml").read_text())["project"]
    info = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    groups = (
        f"[{group}]\n" + "\n".join(f"{name} = {value}" for name, value in points.items())
        for group, points in project["entry-points"].items()
    )
    (info / "entry_points.txt").write_text("\n".join(groups) + "\n")


def run_suite(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the vendor's tests there."""
    command = [sys.executable, "-m", "pytest", "tests", "-q", "-p", "no:cacheprovider", "--show-capture=no", *arguments]
    own = {**os.environ, **environment, "PYTHONPATH": str(folder)}
    return subprocess.run(command, cwd=folder, env=own, capture_output=True, text=True, check=False)
