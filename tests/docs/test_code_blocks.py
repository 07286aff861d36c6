"""Every code block of the documentation is what it says it is: Python runs, data parse, and commands exist."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import tomllib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from airflow.cli import cli_parser
from airflow.sdk import DAG, task

from airflow_provider_imports.exceptions import ImportRejectedRecordsError
from airflow_provider_imports.installed import installed
from airflow_provider_imports.manifest import manifest
from airflow_provider_imports.models import Counts, ImportRun, ImportState, ImportStatus
from airflow_provider_imports.operators.pigment import PigmentPushCsvOperator
from airflow_provider_imports.triggers.events import ImportEndedTrigger

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
MADE = {"_build", "generated", "_templates"}
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *(page for page in sorted(DOCS.rglob("*.rst")) if not MADE & set(page.parts)),
]
IN_RST = re.compile(r"^( *)\.\. code-block:: (\w+)\n((?:\1   :.*\n)*)\n((?:\1   .*\n|\n)+)", re.MULTILINE)
IN_MARKDOWN = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SHELL = {"bash", "console", ""}
"""The README's block of commands has no language, as a terminal shows it."""


@dataclass(frozen=True, slots=True)
class Block:
    """A code block, and where it is."""

    where: str
    language: str
    text: str


def blocks() -> Iterator[Block]:
    """All code blocks of all pages."""
    for page in PAGES:
        text = page.read_text()
        name = str(page.relative_to(ROOT))
        if page.suffix == ".md":
            found = [(language, code) for language, code in IN_MARKDOWN.findall(text)]
        else:
            found = [(language, dedent(code)) for _, language, _, code in IN_RST.findall(text)]
        for number, (language, code) in enumerate(found, 1):
            yield Block(f"{name}, block {number}", language, code)


BLOCKS = list(blocks())


def of(*languages: str) -> pytest.MarkDecorator:
    """The blocks in these languages."""
    chosen = [block for block in BLOCKS if block.language in languages]
    return pytest.mark.parametrize("block", chosen, ids=lambda block: block.where)


def typed(block: Block) -> str:
    """What is typed of a block of a terminal: of a console only what follows the prompt."""
    if block.language != "console":
        return block.text
    lines = block.text.replace("\\\n", " ").splitlines()
    return "\n".join(line[2:] for line in lines if line.startswith("$ "))


def commands(block: Block) -> list[list[str]]:
    """The commands of a block of a terminal, as words."""
    words = shlex.shlex(typed(block).replace("\\\n", " "), posix=True, punctuation_chars="|&;\n")
    words.whitespace, words.whitespace_split = " \t", True
    found: list[list[str]] = [[]]
    for word in words:
        if set(word) <= set("|&;\n"):
            found.append([])
        else:
            found[-1].append(word)
    return [command for command in found if command]


def test_no_block_escapes() -> None:
    written = sum(
        len(re.findall(r"^ *\.\. code-block::", page.read_text(), re.MULTILINE))
        for page in PAGES
        if page.suffix == ".rst"
    )

    assert written == sum(".rst" in block.where for block in BLOCKS)
    assert {block.language for block in BLOCKS} <= {"python", "json", "yaml", "toml", "text", *SHELL}


def run(block: Block) -> dict[str, Any]:
    """Run a block of Python in a DAG file that has imported what the page tells of."""
    names: dict[str, Any] = {
        "__name__": "a_dag_file",
        "task": task,
        "ImportEndedTrigger": ImportEndedTrigger,
        "PigmentPushCsvOperator": PigmentPushCsvOperator,
    }
    with DAG("a_dag"):
        exec(compile(block.text, block.where, "exec"), names)
    return names


@of("python")
def test_python_runs(block: Block) -> None:
    run(block)


@pytest.mark.parametrize(
    ("page", "function", "told"),
    [
        ("docs/cookbook/tell-of-rejected-rows.rst", "tell", "pigment {'import_id': '1'} 2 ['line 3']"),
        ("docs/manifest.rst", "check", "5 rows got in, 2 did not"),
    ],
)
def test_a_function_on_a_page_tells_what_became_of_the_import(
    page: str, function: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (block,) = [one for one in BLOCKS if one.where.startswith(page) and f"def {function}(" in one.text]
    status = ImportStatus(ImportState.SUCCEEDED, "Completed", counts=Counts(inserted=5, skipped=2), errors=("line 3",))
    result = manifest(ImportRun("pigment", {"import_id": "1"}), status)
    function_of_page = run(block)[function]

    if function == "tell":
        function_of_page({"exception": ImportRejectedRecordsError("rejected", manifest=result)})
    else:
        function_of_page.function(SimpleNamespace(xcom_pull=lambda task_ids: result))

    assert capsys.readouterr().out.splitlines()[-1] == told


@of("json")
def test_json_is_json(block: Block) -> None:
    json.loads(block.text)


@of("yaml")
def test_yaml_is_yaml(block: Block) -> None:
    assert yaml.safe_load(block.text)


@of("toml")
def test_toml_is_toml(block: Block) -> None:
    assert tomllib.loads(block.text)


@of("bash", "")
def test_the_shell_takes_a_command(block: Block) -> None:
    done = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


@of(*SHELL)
def test_modules_and_airflows_commands_exist(block: Block) -> None:
    for words in commands(block):
        if words[:2] == ["python", "-m"]:
            assert find_spec(words[2]), f"there is no module {words[2]}"
        if words[0] == "airflow":
            cli_parser.get_parser().parse_args(words[1:])


def test_the_connections_that_are_added_have_fields_that_are_read() -> None:
    added = [
        words
        for block in BLOCKS
        if block.language in SHELL
        for words in commands(block)
        if words[:3] == ["airflow", "connections", "add"]
    ]

    assert {words[words.index("--conn-type") + 1] for words in added} == set(installed().entries)
    for words in added:
        entry = installed().entries[words[words.index("--conn-type") + 1]]
        extra = json.loads(words[words.index("--conn-extra") + 1]) if "--conn-extra" in words else {}
        assert set(extra) <= set(entry.conn_fields)
