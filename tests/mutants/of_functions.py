"""The mutants of functions: made and tried by ``mutmut``, as ``pyproject.toml`` sets it up."""

from __future__ import annotations

import ast
import difflib
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
    return dict(_results())


def _results() -> Iterator[tuple[Mutant, str]]:
    for verdicts in sorted(FOLDER.rglob("*.py.meta")):
        codes: dict[str, int | None] = json.loads(verdicts.read_text())["exit_code_by_key"]
        if not any(code is not None for code in codes.values()):
            continue
        lines = _lines_of_functions(verdicts.with_suffix(""))
        for name, code in codes.items():
            if code is not None:
                yield _mutant(name, lines), status_by_exit_code[code]


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
