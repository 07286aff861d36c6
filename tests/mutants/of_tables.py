"""
The mutants of tables and constants, which mutmut leaves alone.

Of each table, every row is left out once and given another row's value once; of each tuple or set, every item is left
out once; each number is doubled once.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import importlib.util
import os
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.mutants.mutant import Mutant

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PACKAGE = "airflow_provider_imports"
READING = "tests/hooks/test_reading_status.py"
#: Module: names (all, if none is given), and the tests that must notice.
MODULES: dict[str, tuple[frozenset[str], tuple[str, ...]]] = {
    "polling": (frozenset(), ("tests/test_polling.py",)),
    "progress_log": (frozenset(), ("tests/test_polling.py",)),
    "trigger_event": (frozenset(), ("tests/test_polling.py", "tests/test_models.py")),
    "http.errors": (frozenset(), ("tests/http/test_errors.py", "tests/http/test_errors_as_told.py")),
    "http.retry": (frozenset(), ("tests/http/test_retry.py",)),
    "models": (frozenset(), ("tests/test_models.py", READING)),
    "json_values": (frozenset(), ("tests/test_models.py", READING)),
    "hooks.pigment.status": (frozenset(), (READING,)),
    "hooks.rocketchat.operation": (frozenset(), (READING,)),
    "hooks.websale.status": (frozenset(), (READING,)),
}


def run() -> dict[Mutant, str]:
    """Make and try all of them; return what became of each: ``killed`` or ``survived``."""
    _load_what_all_children_need()
    results: dict[Mutant, str] = {}
    for module, (names, tests) in MODULES.items():
        source = Path(PACKAGE, *module.split(".")).with_suffix(".py").read_text()
        if not _passes(module, ast.parse(source), tests):
            raise SystemExit(f"{', '.join(tests)}: fails without any mutant")
        for mutant, tree in _mutants(module, source, names):
            results[mutant] = "survived" if _passes(module, tree, tests) else "killed"
            print(f"{results[mutant]:<9} {mutant.where}: {mutant.becomes}", flush=True)
    return results


def _load_what_all_children_need() -> None:
    """Load Airflow and the HTTP libraries, and the package itself not: a child that had it would not see its mutant."""
    pytest.main(["--collect-only", "-qqq", "-p", "no:cacheprovider", READING])
    for name in [name for name in sys.modules if name.split(".")[0] == PACKAGE or name.startswith("tests.h")]:
        del sys.modules[name]


def _mutants(module: str, source: str, names: frozenset[str]) -> Iterator[tuple[Mutant, ast.Module]]:
    original = ast.parse(source)
    for name, node in _constants(original):
        if names and name not in names:
            continue
        for changed, was, becomes in _changes(node):
            tree = copy.deepcopy(original)
            place = next(one for _, one in _constants(tree) if ast.dump(one, True, True) == ast.dump(node, True, True))
            vars(place)["value"] = changed
            yield Mutant(f"{module}.{name}", was, becomes), ast.fix_missing_locations(tree)


def _constants(tree: ast.Module) -> Iterator[tuple[str, ast.Assign | ast.AnnAssign]]:
    """What is assigned in a module and in its classes; ``Class.name`` for the latter."""
    bodies = [("", tree.body), *((f"{one.name}.", one.body) for one in tree.body if isinstance(one, ast.ClassDef))]
    for prefix, body in bodies:
        for one in body:
            if isinstance(one, ast.Assign | ast.AnnAssign) and not isinstance(one.value, ast.Subscript | None):
                target = one.targets[0] if isinstance(one, ast.Assign) else one.target
                yield f"{prefix}{ast.unparse(target)}", one


def _changes(node: ast.Assign | ast.AnnAssign) -> Iterator[tuple[ast.expr, str, str]]:
    """Each changed value, with what was and what becomes of it, in words of the code."""
    value = node.value
    assert value is not None
    for place, inner in enumerate(ast.walk(value)):
        for changed, was, becomes in _changed(inner):
            copied = copy.deepcopy(value)
            there = list(ast.walk(copied))[place]
            vars(there).update(vars(changed))
            yield copied, was, becomes


def _changed(node: ast.AST) -> Iterator[tuple[ast.AST, str, str]]:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        number: Any = node.value * 2 or 1
        yield ast.Constant(number), repr(node.value), repr(number)
    elif isinstance(node, ast.Dict):
        keys, values = node.keys, node.values
        for at, (key, value) in enumerate(zip(keys, values, strict=True)):
            was = f"{ast.unparse(key) if key else '**'}: {ast.unparse(value)}"
            yield ast.Dict(keys[:at] + keys[at + 1 :], values[:at] + values[at + 1 :]), was, "(left out)"
            others = [one for one in values[at + 1 :] + values[:at] if ast.dump(one) != ast.dump(value)]
            if key is not None and others:
                yield (
                    ast.Dict(keys, [*values[:at], others[0], *values[at + 1 :]]),
                    was,
                    f"{ast.unparse(key)}: {ast.unparse(others[0])}",
                )
    elif isinstance(node, ast.Tuple | ast.Set):
        for at, one in enumerate(node.elts):
            rest = node.elts[:at] + node.elts[at + 1 :]
            kind = ast.Tuple(rest, ast.Load()) if isinstance(node, ast.Tuple) else ast.Set(rest)
            yield kind, ast.unparse(one), "(left out)"


def _passes(module: str, tree: ast.Module, tests: Sequence[str]) -> bool:
    """Run tests, with this in place of the module, in a child that has Airflow loaded already."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    code = 70
    try:
        sys.meta_path.insert(0, _Changed(f"{PACKAGE}.{module}", tree))
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
            code = pytest.main(["-x", "-q", "-p", "no:cacheprovider", "--hypothesis-profile=mutants", *tests])
    finally:
        os._exit(code)


class _Changed(MetaPathFinder):
    """Finds one module, whose code is not that of its file."""

    def __init__(self, module: str, tree: ast.Module) -> None:
        self._module, self._tree = module, tree

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: object = None) -> ModuleSpec | None:
        """Give the changed module, and leave all others to those who come next."""
        if fullname != self._module or path is None:
            return None
        file = str(Path(next(iter(path)), fullname.rpartition(".")[2]).with_suffix(".py"))
        return importlib.util.spec_from_file_location(fullname, file, loader=_Loader(fullname, file, self._tree))


class _Loader(SourceFileLoader):
    def __init__(self, fullname: str, path: str, tree: ast.Module) -> None:
        super().__init__(fullname, path)
        self._tree = tree

    def get_code(self, fullname: str) -> Any:
        return compile(self._tree, self.path, "exec")
