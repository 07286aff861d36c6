"""Read the documentation and the package's messages as a reader would: ``python docs/prose.py`` (``make docs``).

Two lists are kept to: proselint's, and the words of this house, ``house-words.csv``. The sandbox, which says what the
vendors say, and the test kit are left out.
"""

from __future__ import annotations

import ast
import csv
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from proselint.checks import __register__
from proselint.config import DEFAULT
from proselint.registry import CheckRegistry
from proselint.tools import LintFile

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "airflow_provider_imports"
# Quotation marks and dots are as they are typed in code; our -ly words come from names of settings.
CHECKS = {**DEFAULT["checks"], "typography": False, "restricted": False}
NOT_PROSE = {
    ".rst": re.compile(
        r"""
        ^\.\.\ (?:code-block|literalinclude|doctest|image|csv-table|include|toctree|autosummary|parameter-table|_).*\n
            (?:(?:\ {3}.*)?\n)*                       # a directive that shows something, with its body
        | ^\ +:[\w-]+:.*$                             # options
        | ^(?:=+|-+|~+|\^+)$                          # underlines
        | ``[^`]*``                                   # literals
        | :\w+:`[^`]*` | `[^`]*`__?                   # references
        | ^\ +(?:>>>|\.\.\.).*$
        """,
        re.MULTILINE | re.VERBOSE,
    ),
    ".md": re.compile(r"^```.*?^```|`[^`]*`|\]\([^)]*\)", re.MULTILINE | re.DOTALL),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to write otherwise."""

    where: str
    line: int
    says: str

    def __str__(self) -> str:
        return f"{self.where}:{self.line}: {self.says}"


def house_words() -> list[tuple[re.Pattern[str], str]]:
    """The words that are not written here, and what is."""
    with (ROOT / "docs" / "house-words.csv").open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    # DAG and Dag differ by case alone
    return [(re.compile(words, 0 if "Dag" in words else re.IGNORECASE), instead) for words, instead in rows]


HOUSE_WORDS = house_words()


def pages() -> Iterator[Path]:
    """Every page that people read."""
    yield from (ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"))
    for page in sorted((ROOT / "docs").rglob("*.rst")):
        if not {"_build", "generated", "_templates"} & set(page.parts):
            yield page


def prose_of(page: Path) -> str:
    """The words of a page, each on its line; code, literals and markup are blank."""
    return NOT_PROSE[page.suffix].sub(lambda found: re.sub(r"[^\n]", "¤", found[0]), page.read_text())


def messages() -> Iterator[tuple[Path, int, str]]:
    """Every text of the package that is no docstring, with its place: log lines, errors, labels."""
    for file in sorted(PACKAGE.rglob("*.py")):
        if {"sandbox", "testing"} & set(file.parts):
            continue
        tree = ast.parse(file.read_text())
        docstrings = {
            id(node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        }
        for node in ast.walk(tree):
            is_text = isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value
            if is_text and id(node) not in docstrings:
                yield file, node.lineno, node.value


def findings() -> Iterator[Finding]:
    """All that should be written otherwise."""
    CheckRegistry().register_many(__register__)
    for page in pages():
        where, text = str(page.relative_to(ROOT)), prose_of(page)
        yield from in_the_house(where, 1, text)
        for result in LintFile(where, text).lint({"max_errors": 1000, "checks": CHECKS}):
            yield Finding(where, result.pos[0], result.check_result.message)
    for file, line, text in messages():
        yield from in_the_house(str(file.relative_to(ROOT)), line, text)


def in_the_house(where: str, line: int, text: str) -> Iterator[Finding]:
    """What of a text the house writes otherwise; it begins in this line."""
    for pattern, instead in HOUSE_WORDS:
        for found in pattern.finditer(text):
            here = line + text.count("\n", 0, found.start())
            yield Finding(where, here, f"{found[0]!r}: {instead}")


def main() -> int:
    """Print what is to be written otherwise, and return the exit code."""
    found = list(findings())
    for one in found:
        print(one)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
