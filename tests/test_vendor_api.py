"""What a vendor may use is what docs/vendor-api.rst names; it stays as it is, and no vendor uses anything else."""

from __future__ import annotations

import ast
import inspect
import re
from dataclasses import is_dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_imports.installed import installed
from airflow_provider_imports.vendors import VENDOR_API
from airflow_provider_imports.version_compat import AIRFLOW_V_3_3_PLUS

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
PACKAGE = "airflow_provider_imports"
PAGE = (ROOT / "docs" / "vendor-api.rst").read_text()
#: What every vendor may rely on, as it was when the version began; lines may be added.
KEPT = ROOT / "tests" / "samples" / f"vendor_api_{VENDOR_API}.txt"
VENDORS = sorted(installed().entries)
EVERYTHING = "all of it"


def listed() -> dict[str, set[str]]:
    """The names of each module on the page; for one that is open as a whole, those that it defines."""
    found: dict[str, set[str]] = {}
    for module, text in re.findall(r"^``(airflow_provider_imports[\w.]+)``\n((?:  .*\n)+)", PAGE, re.MULTILINE):
        points = re.findall(r"^  \* ([^:]+)", text, re.MULTILINE)
        found[module] = {name for point in points for name in re.findall(r"``(\w+)``", point)}
        if EVERYTHING in text:
            every = {name: one for name, one in vars(import_module(module)).items() if not name.startswith("_")}
            found[module] |= {name for name, one in every.items() if getattr(one, "__module__", "") == module}
    return found


LISTED = listed()


def owner(module: str) -> str | None:
    """The vendor whose module it is: one part of its name is, or begins with, the vendor's."""
    parts = [part.split("_")[0] for part in module.split(".")[1:]]
    return next((vendor for vendor in VENDORS if vendor in parts), None)


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


FILES = {module_of(path): path for path in (ROOT / PACKAGE).rglob("*.py")}
OF_VENDORS = {module: path for module, path in FILES.items() if owner(module)}
OUTSIDE = {
    str(path.relative_to(ROOT)): path
    for folder in ("example_vendor/airflow_provider_harbor", "tests/second_vendor/airflow_provider_quarry")
    for path in (ROOT / folder).rglob("*.py")
}


def imports(path: Path) -> Iterator[tuple[str, str]]:
    """Module and name of each import from the package, for the type checker too; a module by itself has no name."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == PACKAGE:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield (whole, "") if whole in FILES else (node.module, alias.name)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names if alias.name.split(".")[0] == PACKAGE)


def may_use(module: str, name: str) -> bool:
    return name in LISTED.get(module, ()) or (not name and f"* {EVERYTHING}" in _text_of(module))


def _text_of(module: str) -> str:
    return PAGE.partition(f"\n``{module}``\n")[2].partition("\n``")[0]


@pytest.mark.parametrize("module", OF_VENDORS)
def test_a_vendor_of_ours_uses_its_own_files_and_what_is_listed(module: str) -> None:
    used = [one for one in imports(OF_VENDORS[module]) if owner(one[0]) != owner(module)]

    assert [one for one in used if not may_use(*one)] == []


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_vendor_from_outside_uses_what_is_listed(name: str) -> None:
    assert [one for one in imports(OUTSIDE[name]) if not may_use(*one)] == []


@pytest.mark.parametrize("module", [one for one in OF_VENDORS if ".sandbox." in one])
def test_a_stand_in_can_disagree_with_the_hook(module: str) -> None:
    assert [one for one, _ in imports(OF_VENDORS[module]) if not one.startswith(f"{PACKAGE}.sandbox.")] == []


@pytest.mark.parametrize("module", sorted(FILES.keys() - OF_VENDORS.keys() - {f"{PACKAGE}.get_provider_info"}))
def test_what_is_shared_knows_no_vendor(module: str) -> None:
    assert [one for one, _ in imports(FILES[module]) if owner(one)] == []


def named(module: str, name: str) -> Any:
    """What is listed; None for a type that only a type checker sees."""
    seen_by_checkers = re.search(rf"^    {name}(: TypeAlias)? = ", FILES[module].read_text(), re.MULTILINE)
    return None if seen_by_checkers else getattr(import_module(module), name)


@pytest.mark.parametrize("module", LISTED)
def test_what_is_listed_is_there_and_described(module: str) -> None:
    for name in LISTED[module]:
        one = named(module, name)
        assert not (inspect.isclass(one) or inspect.isfunction(one)) or inspect.getdoc(one), name


def test_the_page_names_its_version() -> None:
    assert f"version {VENDOR_API} of the vendor API" in " ".join(PAGE.split())


@pytest.mark.skipif(not AIRFLOW_V_3_3_PLUS, reason="older Airflows show other signatures of the same classes")
def test_nothing_that_was_listed_is_gone_or_takes_less_than_it_did() -> None:
    now = set(lines())
    lost = [one for one in KEPT.read_text().splitlines() if not {one, one.replace(")", "?)")} & now]

    assert not lost, "a vendor may rely on these; raise VENDOR_API, or let them stay (new lines go into the file)"


def test_what_is_listed_now_will_stay_too() -> None:
    assert set(lines()) - set(KEPT.read_text().splitlines()) == set()


def lines() -> list[str]:
    """Every listed name, every parameter of it and of its public methods, a line each."""
    found: set[str] = set()
    for module, names in LISTED.items():
        for name in names:
            found.update(_lines_of(f"{module.removeprefix(PACKAGE + '.')}.{name}", named(module, name)))
    return sorted(found)


def _lines_of(where: str, one: Any) -> Iterator[str]:
    yield where
    if inspect.isfunction(one):
        yield from _parameters(where, one)
    if inspect.isclass(one) and not issubclass(one, dict):
        ours = [base for base in reversed(one.__mro__) if base.__module__.split(".")[0] == PACKAGE]
        for member, value in {name: value for base in ours for name, value in vars(base).items()}.items():
            value = value.__func__ if isinstance(value, classmethod | staticmethod) else value
            if member == "__init__" and not is_dataclass(one) and inspect.isfunction(value):
                yield from _parameters(where, value)
            elif not member.startswith("_"):
                yield f"{where}.{member}"
                if inspect.isfunction(value):
                    yield from _parameters(f"{where}.{member}", value)
        if is_dataclass(one):
            yield from _parameters(where, one.__init__)
        if issubclass(one, tuple):
            yield from _parameters(where, one)


def _parameters(where: str, function: Any) -> Iterator[str]:
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name != "self" and parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            optional = "" if parameter.default is parameter.empty else "?"
            yield f"{where}({parameter.name}{optional})"
