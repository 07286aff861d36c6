"""A file imports only from its own floor and those below it; CONTRIBUTING.md says which floor is whose."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
PACKAGE = "airflow_provider_imports"
MODULES = sorted(path.relative_to(ROOT) for path in (ROOT / PACKAGE).rglob("*.py"))
#: Folders and files by floor; the others are on the first.
FLOORS = {
    "http": 2,
    "hooks": 3,
    "triggers": 4,
    "task": 5,
    "xcoms_and_assets": 5,
    "operators": 5,
    "sensors": 5,
    "testing": 6,
}
#: What a folder that stands apart may import of the rest.
APART = {"sandbox": {"installed"}}


def room(module: str) -> str:
    """The folder, or the file beside the folders, that a module is in."""
    return [*module.split("."), "__init__"][1]


def imported(path: Path) -> Iterator[str]:
    """Every module of the package that a file imports, anywhere in it, for the type checker too."""
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == PACKAGE:
            yield from (
                f"{node.module}.{alias.name}" if node.module == PACKAGE else node.module for alias in node.names
            )
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == PACKAGE)


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_no_arrow_leads_upwards(path: Path) -> None:
    here = room(".".join(path.with_suffix("").parts))
    rooms = {room(module) for module in imported(path)} - {here, "__version__"}

    if here in APART:
        assert rooms <= APART[here]
    else:
        assert {
            one for one in rooms if FLOORS.get(one, 1) > FLOORS.get(here, 1) or (one in APART and here != "testing")
        } == set()


def test_sensors_and_operators_do_not_know_each_other() -> None:
    pairs = {(path.parts[1], room(module)) for path in MODULES for module in imported(path) if len(path.parts) > 2}

    assert not pairs & {("sensors", "operators"), ("operators", "sensors")}


def test_contributing_names_every_module() -> None:
    table = "\n".join(re.findall(r"^\|.*", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE))
    rooms = {f"{path.parts[1]}/" if len(path.parts) > 2 else path.name for path in MODULES}

    assert {one for one in rooms if f"`{one}`" not in table} == {"__init__.py"}


def test_contributing_sends_to_files_that_have_what_it_names() -> None:
    told = (ROOT / "CONTRIBUTING.md").read_text().partition("To change\n")[2].partition("There is no `if")[0]
    named = re.findall(r"`([\w/<>]+\.(?:py|json)|\w+/<vendor>)`", told)
    inside = re.findall(r"`([A-Z]\w+)(?:\.\w+)?` in `(\w+\.py)`", told)

    assert len(named) > 10
    assert inside
    for name in named:
        where = ROOT / PACKAGE / name.replace("<vendor>", "websale")
        assert where.exists() or list((ROOT / PACKAGE / "hooks").glob(f"*/{name}")), name
    for name, file in inside:
        assert re.search(rf"^class {name}\b", (ROOT / PACKAGE / file).read_text(), re.MULTILINE), name


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_no_file_is_longer_than_a_reader_can_keep_in_mind(path: Path) -> None:
    assert len((ROOT / path).read_text().splitlines()) <= 300
