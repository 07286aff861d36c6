"""The page and the published figures say the same."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.benchmarks.publish import redraw

PUBLISHED = Path(__file__).parents[2] / "docs/_static/benchmarks"


def test_each_table_is_the_one_that_its_figure_gives(tmp_path: Path) -> None:
    figures = [shutil.copy(file, tmp_path) for file in PUBLISHED.glob("*.json")]
    tables = {file.name for pattern in ("*.csv", "*.txt") for file in PUBLISHED.glob(pattern)}

    redraw(tmp_path, [Path(figure).stem for figure in figures])

    assert {name: (tmp_path / name).read_text() for name in tables} == {
        name: (PUBLISHED / name).read_text() for name in tables
    }
