"""The documentation says what is true: nothing public is missing, and what it shows works."""

from __future__ import annotations

import ast
import doctest
import inspect
import re
from pathlib import Path

import pytest
from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_imports import __version__, exceptions
from airflow_provider_imports.hooks.base import ImportHook
from airflow_provider_imports.installed import installed
from airflow_provider_imports.testing import matrix
from airflow_provider_imports.testing.suite import all_cases
from tests.docs.test_code_blocks import BLOCKS
from tests.public_classes import public_classes
from tests.vendors.every import SUITES

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [page for page in sorted(DOCS.rglob("*.rst")) if not {"_build", "generated", "_templates"} & set(page.parts)]
READ_BY_PEOPLE = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *PAGES]
ERRORS = [
    value
    for value in vars(exceptions).values()
    if isinstance(value, type) and issubclass(value, exceptions.VendorImportError)
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_every_error_is_in_the_error_reference(error: type) -> None:
    reference = (DOCS / "errors.rst").read_text()

    if error is exceptions.VendorImportError:
        assert "``VendorImportError``" in reference
        return
    heading = f"\n{error.__name__}\n{'~' * len(error.__name__)}\n"
    assert heading in reference
    section = reference.partition(heading)[2].partition("~~~\n")[0]
    is_permanent = issubclass(error, exceptions.AirflowFailException | exceptions.AirflowSensorTimeout)
    assert section.lstrip().startswith("*Permanent.*") is is_permanent
    row = re.search(rf"\* - `{error.__name__}`_\n     - (yes|no)\n", reference)
    assert row is not None
    assert row[1] == ("no" if is_permanent else "yes")


@pytest.mark.parametrize("public", list(public_classes()), ids=lambda public: f"{public.__module__}.{public.__name__}")
def test_every_public_class_and_method_has_a_docstring_of_its_own(public: type) -> None:
    assert public.__dict__.get("__doc__"), "no docstring"

    without = [
        name
        for name, value in vars(public).items()
        if not name.startswith("_")
        and (inspect.isfunction(value) or isinstance(value, property | classmethod))
        and not inspect.getdoc(getattr(value, "__func__", value))
    ]
    assert without == []


@pytest.mark.parametrize("public", list(public_classes()), ids=lambda public: f"{public.__module__}.{public.__name__}")
def test_every_parameter_of_a_public_class_is_described(public: type) -> None:
    own = public.__dict__.get("__init__")
    parameters = set() if own is None else set(inspect.signature(own).parameters) - {"self", "args", "kwargs"}

    ours = [parent for parent in public.__mro__ if parent.__module__.startswith("airflow_provider_imports.")]
    described = {name for parent in ours for name in re.findall(r":param (\w+):", parent.__doc__ or "")}
    assert parameters - described == set()


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        (page.name, target)
        for page in READ_BY_PEOPLE
        for target in re.findall(r"(?:``?|^\s*)make ([a-z][a-z-]*)\b", page.read_text(), re.MULTILINE)
    }

    assert {"demo", "test"} <= {target for _, target in named}
    assert {(page, target) for page, target in named if target not in targets} == set()


def test_every_example_dag_is_shown_on_a_page() -> None:
    shown = {name for page in PAGES for name in re.findall(r"example_dags/(\w+\.py)", page.read_text())}

    assert {path.name for path in (ROOT / "example_dags").glob("*.py")} - shown == set()


@pytest.mark.parametrize("vendor", sorted(installed().entries))
def test_every_vendor_has_a_page_with_its_operators_and_sensor(vendor: str) -> None:
    classes = [public for public in public_classes() if public.__module__.endswith(f".{vendor}")]
    for_dags = [one for one in classes if not issubclass(one, ImportHook) and not one.__subclasses__()]
    assert for_dags

    page = (DOCS / "vendors" / f"{vendor}.rst").read_text()
    assert [one.__name__ for one in for_dags if one.__name__ not in page] == []


def dags_of(page: str) -> list[str]:
    """The code of the DAGs that a page shows."""
    return [block.text for block in BLOCKS if block.where.startswith(f"{page},") and "with DAG(" in block.text]


@pytest.mark.parametrize("page", ["README.md", "docs/quickstart.rst"])
def test_the_first_dag_of_a_page_is_a_dag(page: str) -> None:
    from airflow.sdk import DAG

    code = dags_of(page)[0]
    names: dict[str, object] = {"__name__": "first_dag"}
    code = re.sub(r"(with DAG\(.*\))(?: as dag)?:\n", r"\1 as dag:\n", code)
    exec(compile(code, page, "exec"), names)

    dag = names["dag"]
    assert isinstance(dag, DAG)
    assert [task.task_type for task in dag.tasks] == ["PigmentPushCsvOperator"]


def test_the_dag_of_the_readme_is_ten_lines_long() -> None:
    (code,) = dags_of("README.md")

    assert len([line for line in code.splitlines() if line.strip()]) == 10


def test_links_of_the_markdown_files_lead_somewhere() -> None:
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (ROOT / target).exists(), f"{page.name} links to {target}"


def test_the_changelog_begins_with_this_version_and_names_every_operator_and_sensor() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()

    newest = re.search(r"^## (\S+)", text, re.MULTILINE)
    assert newest is not None
    assert newest[1] == __version__
    for_dags = [one for one in public_classes() if issubclass(one, BaseOperator) and not one.__subclasses__()]
    assert [one.__name__ for one in for_dags if f"`{one.__name__}`" not in text] == []


def test_readme_and_vendor_page_tell_the_same_of_every_vendor() -> None:
    in_readme = [
        [cell.strip().replace("`", "") for cell in line.strip("|").split("|")]
        for line in (ROOT / "README.md").read_text().partition("| | Pigment |")[2].splitlines()
        if line.startswith("| ")
    ]
    page = (DOCS / "vendors" / "index.rst").read_text().partition('"No" means')[0].replace("`", "")
    rows = [re.split(r"\n     - ", row.strip()) for row in page.split("   * - ")[1:]]
    on_page = {row[0].lower(): row[1:] for row in rows}

    assert len(in_readme) > 5
    for name, *cells in in_readme:
        assert on_page[name] == cells


def test_the_table_of_looks_is_what_the_code_does() -> None:
    result = doctest.testfile(str(DOCS / "how-waiting-works.rst"), module_relative=False)

    assert result.attempted
    assert not result.failed


def test_the_size_of_the_fault_matrix_is_what_it_is() -> None:
    page = (DOCS / "never-twice-never-lost.rst").read_text()
    assert f"**{sum(1 for suite in SUITES for _ in matrix.cells(all_cases(suite)))} cells**" in page


@pytest.mark.parametrize("example", sorted((DOCS.parent / "example_dags").glob("*.py")), ids=lambda path: path.stem)
def test_every_example_says_in_one_sentence_what_to_look_at(example: Path) -> None:
    told = ast.get_docstring(ast.parse(example.read_text())) or ""
    assert len(re.findall(r"\bLook at\b", told)) == 1
