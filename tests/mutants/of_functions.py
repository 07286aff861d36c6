"""The mutants of functions: made and tried by ``mutmut``, as ``pyproject.toml`` sets it up."""

from __future__ import annotations

import ast
import difflib
import fnmatch
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mutmut.stats import status_by_exit_code

from tests.mutants.mutant import Mutant

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path("mutants")
PACKAGE = "airflow_provider_imports"
#: Whole modules, and of the others what reads a status; mutmut puts "x_" before a function, "xǁ" before a class.
NAMES = (
    "polling.*",
    "progress_log.*",
    "trigger_event.*",
    "judging.x_judge_rejected__*",
    "judging.x_judge_auto_created__*",
    "http.errors.*",
    "http.retry.*",
    "hooks.rocketchat.operation.*",
    "hooks.websale.status.*",
    "hooks.pigment.status.*",
    "models.x_state_of__*",
    "json_values.x_read_count__*",
    "json_values.x_parse_time__*",
)


def run() -> dict[Mutant, str]:
    """Make and try all of them, from nothing; return what became of each: ``killed``, ``survived``, ..."""
    shutil.rmtree(FOLDER, ignore_errors=True)  # mutmut would keep the verdicts of tests that have changed since
    processes = max(1, (os.cpu_count() or 1) // 2)
    subprocess.run(
        [sys.executable, "-m", "mutmut", "run", f"--max-children={processes}", *(f"{PACKAGE}.{one}" for one in NAMES)],
        check=True,
    )
    tried = _tried()
    if idle := [one for one in NAMES if not fnmatch.filter(tried, f"{PACKAGE}.{one}")]:
        raise ValueError(f"no function has these names any more: {', '.join(idle)}")
    return dict(_results(tried))


def _tried() -> dict[str, tuple[Path, int]]:
    """Where each mutant that was tried is, and its exit code."""
    found = {}
    for verdicts in sorted(FOLDER.rglob("*.py.meta")):
        codes: dict[str, int | None] = json.loads(verdicts.read_text())["exit_code_by_key"]
        found |= {name: (verdicts.with_suffix(""), code) for name, code in codes.items() if code is not None}
    return found


def _results(tried: dict[str, tuple[Path, int]]) -> Iterator[tuple[Mutant, str]]:
    lines = {module: _lines_of_functions(module) for module in {module for module, _ in tried.values()}}
    for name, (module, code) in tried.items():
        yield _mutant(name, lines[module]), status_by_exit_code[code]


def _lines_of_functions(module: Path) -> dict[str, list[str]]:
    text = module.read_text()
    lines = text.splitlines()
    functions = (one for one in ast.walk(ast.parse(text)) if isinstance(one, ast.FunctionDef))
    return {one.name: lines[one.lineno : one.end_lineno] for one in functions}


def _mutant(name: str, lines: dict[str, list[str]]) -> Mutant:
    module, _, function = name.rpartition(".")
    stem, _, _ = function.rpartition("__mutmut_")
    changes = list(difflib.ndiff(lines[f"{stem}__mutmut_orig"], lines[function]))
    was, becomes = (" ".join(line[2:].strip() for line in changes if line.startswith(sign)) for sign in "-+")
    plain = stem.removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")
    return Mutant(f"{module.removeprefix(PACKAGE + '.')}.{plain}", was, becomes)
