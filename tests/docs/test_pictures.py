"""The drawn picture is the one that its text describes."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
DRAWING = runpy.run_path(str(DOCS / "pictures" / "draw.py"))["drawing"]


@pytest.mark.parametrize("source", sorted((DOCS / "pictures").glob("*.txt")), ids=lambda path: path.stem)
def test_a_picture_is_drawn_from_its_text(source: Path) -> None:
    assert (DOCS / "_static" / f"{source.stem}.svg").read_text() == DRAWING(source.read_text())


def test_a_line_that_is_neither_message_nor_fault_is_refused() -> None:
    with pytest.raises(ValueError, match="not a message and not a fault: 1 to 2"):
        DRAWING("lanes: A | B\n1 to 2\n")
