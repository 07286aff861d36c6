"""The documentation and the package's messages keep to the house's words, and the linter sees where they do not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
sys.path.insert(0, str(DOCS))

import prose  # noqa: E402


def test_pages_and_messages_are_in_plain_english() -> None:
    assert [str(one) for one in prose.findings()] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The Dag is red.", ["'Dag': DAG"]),
        ("Nobody knows, and it starts anew.", ["'anew': again"]),
        ("The DAG is red, and ``Dag`` is code.", []),
        (".. code-block:: python\n\n   the_dag = Dag(anew)\n\nA DAG.\n", []),
    ],
)
def test_the_linter_sees_words_of_prose_and_leaves_code_alone(text: str, found: list[str], tmp_path: Path) -> None:
    page = tmp_path / "page.rst"
    page.write_text(text)

    seen = [one.says for one in prose.in_the_house("page.rst", 1, prose.prose_of(page))]

    assert [one for one in seen if "Nobody" not in one] == found


def test_the_linter_reads_log_lines_and_errors_but_no_docstrings() -> None:
    texts = {text for _, _, text in prose.messages()}

    assert "The import was left as it is; the next try waits for it." in texts
    assert not any("Plain values that travel" in text for text in texts)
